package cli

import (
	"io"
	"slices"
	"strings"
	"time"

	fmt "lom/internal/plainfmt"
	"lom/ipmi/sdr"
)

// benchResult is what lom bench prints. Times are in seconds.
type benchResult struct {
	Host        string       `json:"host"`
	Maker       string       `json:"manufacturer_name"`
	Product     uint16       `json:"product_id"`
	Firmware    string       `json:"firmware_revision"`
	Interface   string       `json:"interface"`
	CipherSuite *uint8       `json:"cipher_suite,omitempty"`
	Login       *benchLogin  `json:"log_in,omitempty"`
	Rates       []benchRate  `json:"commands,omitempty"`
	Takes       int          `json:"takes_at_a_time,omitempty"`
	Untried     bool         `json:"more_not_tried,omitempty"`
	Best        int          `json:"best_at_a_time,omitempty"`
	SDR         *benchRead   `json:"sensor_records,omitempty"`
	Sensors     *benchRead   `json:"sensors,omitempty"`
	SEL         *benchRead   `json:"event_log,omitempty"`
	SOL         *benchEcho   `json:"console_echo,omitempty"`
	Problems    []string     `json:"problems,omitempty"`
	sensors     []sdr.Record // that were found
	oneOf       bool         // of many hosts, whose name stands before each line
}

// benchTimes is how a number of times is distributed.
type benchTimes struct {
	Median float64 `json:"median_seconds"`
	P95    float64 `json:"p95_seconds"`
}

// benchLogin is what log-ins took.
type benchLogin struct {
	Count   int `json:"count"`
	Packets int `json:"exchanges"` // each
	benchTimes
}

// benchRate is what commands took with some of them under way at a time.
type benchRate struct {
	AtATime   int     `json:"at_a_time"`
	Commands  int     `json:"count"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	benchTimes
	Lost int `json:"lost"` // packets that were sent again, or given up
	Busy int `json:"busy"` // answers that said so
}

// benchRead is what reading records took.
type benchRead struct {
	Records   int     `json:"count"`
	Exchanges int     `json:"exchanges"`
	Seconds   float64 `json:"seconds"`
	Cut       bool    `json:"incomplete,omitempty"`
}

// benchEcho is what letters took to the console and back.
type benchEcho struct {
	Letters int `json:"letters"`
	Echoed  int `json:"echoed"`
	benchTimes
}

// addRate keeps rates in the order of how many commands were under way.
func (r *benchResult) addRate(x benchRate) {
	i, _ := slices.BinarySearchFunc(r.Rates, x.AtATime, func(a benchRate, n int) int {
		return a.AtATime - n
	})
	r.Rates = slices.Insert(r.Rates, i, x)
}

// takes notes how many commands at a time went well, and how many of them are worth it: the fewest
// that bring nearly the highest rate. untried tells that more were not tried.
func (r *benchResult) takes(good int, untried bool) {
	const nearly = 0.95
	r.Takes, r.Untried, r.Best = max(good, 1), untried, max(good, 1)
	most := 0.0
	for _, x := range r.Rates {
		if x.AtATime <= r.Takes {
			most = max(most, x.PerSecond)
		}
	}
	for _, x := range r.Rates {
		if x.PerSecond >= nearly*most {
			r.Best = x.AtATime
			return
		}
	}
}

// problem notes what could not be measured, and why.
func (r *benchResult) problem(what, why string) {
	r.Problems = append(r.Problems, what+": "+strings.TrimPrefix(why, r.Host+": "))
}

func (r *benchResult) text(w io.Writer) {
	if !r.oneOf {
		fmt.Fprintf(w, "%s: ", r.Host)
	}
	fmt.Fprintf(w, "%s, product %d, firmware %s, %s", r.Maker, r.Product, r.Firmware, r.Interface)
	if r.CipherSuite != nil {
		fmt.Fprintf(w, ", cipher suite %d", *r.CipherSuite)
	}
	fmt.Fprintln(w)
	if r.Login != nil {
		fmt.Fprintf(w, "\nLog-in: %d times, %d exchanges, median %s, 95 %% within %s\n",
			r.Login.Count, r.Login.Packets, shortTime(r.Login.Median), shortTime(r.Login.P95))
	}
	writeRates(w, "At a time", r.Rates)
	if r.Takes > 0 {
		fmt.Fprintf(w, "The BMC takes %d at a time: more are %s. ", r.Takes,
			choose(r.Untried, "not tried", "lost or refused"))
		fmt.Fprintf(w, "%s.\n", choose(r.Best == r.Takes, "That is the fastest, too",
			fmt.Sprintf("It is as fast with %d", r.Best)))
	}
	if r.SDR != nil || r.Sensors != nil || r.SEL != nil {
		fmt.Fprintf(w, "\n%-14s | %7s | %9s | %8s\n", "Reading", "Records", "Exchanges", "Time")
		for _, x := range []struct {
			what string
			read *benchRead
		}{{"sensor records", r.SDR}, {"sensors", r.Sensors}, {"event log", r.SEL}} {
			if x.read == nil {
				continue
			}
			fmt.Fprintf(w, "%-14s | %7d | %9d | %8s%s\n", x.what, x.read.Records, x.read.Exchanges,
				shortTime(x.read.Seconds), choose(x.read.Cut, " (incomplete)", ""))
		}
	}
	if r.SOL != nil && r.SOL.Echoed > 0 {
		fmt.Fprintf(w, "\nConsole echo: %d of %d letters, median %s, 95 %% within %s\n",
			r.SOL.Echoed, r.SOL.Letters, shortTime(r.SOL.Median), shortTime(r.SOL.P95))
	}
	if len(r.Problems) > 0 {
		fmt.Fprintf(w, "\nNot measured to the end:\n")
		for _, p := range r.Problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
}

// writeRates writes the table of rates.
func writeRates(w io.Writer, atATime string, rates []benchRate) {
	if len(rates) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s | %8s | %8s | %8s | %5s | %5s\n", atATime, "Cmds/s", "Median", "95 %",
		"Lost", "Busy")
	for _, x := range rates {
		fmt.Fprintf(w, "%*d | %8.0f | %8s | %8s | %5d | %5d\n", len(atATime), x.AtATime,
			x.PerSecond, shortTime(x.Median), shortTime(x.P95), x.Lost, x.Busy)
	}
}

// shortTime writes a time of so many seconds with three digits.
func shortTime(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f us", float64(d)/1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
