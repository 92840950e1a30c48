package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"lom/rmcp"
)

// benchTime is how long each of go test's benchmarks runs.
const benchTime = "300ms"

// benchmarks is item 4: go test's own benchmarks of packets, of each cipher suite.
func (r *runner) benchmarks(ctx context.Context) error {
	suites := []string{"test", "-run", "^$", "-bench", "^BenchmarkPacket$", "-benchmem",
		"-benchtime", benchTime, "./rmcp"}
	out, err := goTest(ctx, suites)
	if err != nil {
		return err
	}
	ends := []string{"test", "-run", "^$", "-bench", "^(BenchmarkSession|BenchmarkPacket)$",
		"-benchmem", "-benchtime", benchTime, "./client", "./bmc"}
	more, err := goTest(ctx, ends)
	if err != nil {
		return err
	}
	var b strings.Builder
	for l := range strings.Lines(more) {
		if strings.HasPrefix(l, "Benchmark") || strings.HasPrefix(l, "pkg:") {
			b.WriteString(l)
		}
	}
	return r.report.set("item 4", packetTable(out)+
		"\nA whole request on the client's side and on the BMC's:\n\n```text\n"+b.String()+
		"```\n\n```text\ngo "+
		strings.Join(suites, " ")+"\ngo "+strings.Join(ends, " ")+"\n```\n")
}

func goTest(ctx context.Context, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go test: %w: %s", err, clip(string(out)))
	}
	return string(out), nil
}

var packetLine = regexp.MustCompile(`(?m)^BenchmarkPacket/suite=(\d+)/(\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op\s+\d+ B/op\s+(\d+) allocs/op`)

// packetTable makes a table of the benchmarks of the cipher suites.
func packetTable(out string) string {
	jobs := []string{"pack", "unpack", "seal", "open", "bare"}
	t := table{head: append(append([]string{"cipher suite"}, jobs...), "seal / bare", "open / bare",
		"allocations")}
	ns, allocs := map[string]map[string]float64{}, map[string]int{}
	var order []string
	for _, m := range packetLine.FindAllStringSubmatch(out, -1) {
		suite := m[1]
		if ns[suite] == nil {
			ns[suite] = map[string]float64{}
			order = append(order, suite)
		}
		ns[suite][m[2]], _ = strconv.ParseFloat(m[3], 64)
		n, _ := strconv.Atoi(m[4])
		allocs[suite] += n
	}
	for _, suite := range order {
		name := suite
		if id, err := strconv.Atoi(suite); err == nil {
			if s, ok := rmcp.CipherSuiteByID(id); ok {
				name = fmt.Sprint(s)
			}
		}
		row := []string{name}
		for _, j := range jobs {
			row = append(row, fmt.Sprintf("%.0f ns", ns[suite][j]))
		}
		ratio := func(j string) string {
			// Where there is nothing to compute, a ratio says nothing.
			if bare := ns[suite]["bare"]; bare > 100 {
				return fmt.Sprintf("%.1f", ns[suite][j]/bare)
			}
			return ""
		}
		t.add(append(row, ratio("seal"), ratio("open"), fmt.Sprint(allocs[suite]))...)
	}
	return t.String()
}
