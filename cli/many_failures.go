package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	fmt "lom/internal/plainfmt"
)

// conclude prints what is printed at the end: folded output, and what went wrong, hosts with the same problem together.
func (m *many) conclude(ctx context.Context) error {
	stopped := ctx.Err() != nil
	// What was never begun has no output, but a place in it.
	for i, s := range m.states {
		if s == hostWaiting {
			m.output.finish(i, newFailure("not begun", context.Canceled))
		}
	}
	if m.output.folded {
		m.output.printGroups()
	}
	wrongTable := m.output.printTable()
	n, done := len(m.states), m.counts[hostDone]
	if done == n {
		return wrongTable
	}
	var b strings.Builder
	switch {
	case stopped:
		fmt.Fprintf(&b, "%s: stopped: %d of %d hosts done, %d failed, %d under way, %d not begun\n", m.app.Name,
			done, n, m.counts[hostFailed], m.counts[hostStopped], m.counts[hostWaiting])
	case m.counts[hostWaiting] > 0:
		fmt.Fprintf(&b, "%s: no host of a batch could do it, so the rest was not begun: %d of %d hosts done, %d failed, %d not begun\n", m.app.Name,
			done, n, m.counts[hostFailed], m.counts[hostWaiting])
	default:
		fmt.Fprintf(&b, "%s: %d of %d hosts failed\n", m.app.Name, m.counts[hostFailed], n)
	}
	rows := m.failures()
	more := func(s hostState, reason string) {
		if hosts := m.in(s); len(hosts) > 0 {
			rows = append(rows, failureRow{len(hosts), foldHosts(hosts), reason})
		}
	}
	if stopped {
		more(hostDone, "done")
	}
	more(hostStopped, choose(m.risky, "under way; look before you repeat it", "under way"))
	more(hostWaiting, "not begun")
	writeFailures(&b, rows)
	m.screen.writeErr([]byte(b.String()))
	if stopped {
		return ctx.Err()
	}
	if wrongTable != nil {
		return wrongTable
	}
	return errReported
}

// failureRow is a row of the table of failures.
type failureRow struct {
	count  int
	hosts  string
	reason string
}

// failures returns the failed hosts by reason, the most frequent first.
func (m *many) failures() []failureRow {
	hosts := map[string][]string{}
	var reasons []string
	for i, s := range m.states {
		if s != hostFailed {
			continue
		}
		why := m.why[i]
		if hosts[why] == nil {
			reasons = append(reasons, why)
		}
		hosts[why] = append(hosts[why], m.app.targets[i].name)
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(len(hosts[b]), len(hosts[a])) })
	rows := make([]failureRow, len(reasons))
	for i, why := range reasons {
		rows[i] = failureRow{len(hosts[why]), foldHosts(hosts[why]), why}
	}
	return rows
}

// writeFailures writes the table: count, hosts, reason. A reason stands below hosts that need much room.
func writeFailures(b *strings.Builder, rows []failureRow) {
	const widest = 40
	countWidth, width := 1, 0
	for _, r := range rows {
		countWidth = max(countWidth, len(fmt.Sprint(r.count)))
		if len(r.hosts) <= widest {
			width = max(width, len(r.hosts))
		}
	}
	for _, r := range rows {
		if len(r.hosts) > widest {
			fmt.Fprintf(b, "  %*d  %s\n  %*s  %-*s  %s\n", countWidth, r.count, r.hosts, countWidth, "", width, "", r.reason)
			continue
		}
		fmt.Fprintf(b, "  %*d  %-*s  %s\n", countWidth, r.count, width, r.hosts, r.reason)
	}
}
