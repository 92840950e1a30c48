package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A report is a file of Markdown in which what stands between the lines
//
//	<!-- NAME -->
//	<!-- end of NAME -->
//
// is replaced by what is measured. The rest of it is written by hand.
type report struct{ file string }

func newReport(file string) *report { return &report{file} }

// set writes the text of a section to the report, or to standard output if there is none.
func (r *report) set(name, text string) error {
	text = strings.TrimSpace(text) + "\n"
	if r.file == "" {
		fmt.Printf("\n## %s\n\n%s", name, text)
		return nil
	}
	b, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	b, err = between(b, name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	return os.WriteFile(r.file, b, 0o644)
}

// between replaces what stands between the two lines of a section.
func between(b []byte, name, text string) ([]byte, error) {
	first, last := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	head, rest, ok := bytes.Cut(b, []byte(first))
	_, tail, ok2 := bytes.Cut(rest, []byte(last))
	if !ok || !ok2 {
		return nil, fmt.Errorf("there is no section %q", name)
	}
	return bytes.Join([][]byte{head, []byte(first), []byte("\n" + text + "\n"), []byte(last), tail},
		nil), nil
}

// A table is one of Markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	b.WriteString("|---" + strings.Repeat("|--:", len(t.head)-1) + "|\n")
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// machine says where and when the measurement is taken.
func machine(ctx context.Context) string {
	first := func(file, key string) string {
		b, _ := os.ReadFile(file)
		for l := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == key {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	version := func(args ...string) string {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return args[0] + " is not there"
		}
		l, _, _ := strings.Cut(string(out), "\n")
		return l
	}
	t := table{head: []string{"", "measured on"}}
	t.add("when", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	t.add("processor", fmt.Sprintf("%s, %d CPUs", first("/proc/cpuinfo", "model name"),
		runtime.NumCPU()))
	t.add("memory", first("/proc/meminfo", "MemTotal"))
	t.add("system", version("uname", "-srm"))
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		t.add("load before", strings.Join(strings.Fields(string(load))[:3], " "))
	}
	t.add("Go", runtime.Version())
	t.add("lom", version("git", "describe", "--tags", "--always", "--dirty"))
	t.add("peers", version("ipmitool", "-V")+"; "+version("ipmi-sensors", "-V"))
	return t.String()
}

// Figures as the report shows them.

func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func bytesOf(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

func times(a, b time.Duration) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(a)/float64(b))
}
