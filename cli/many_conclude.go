package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	fmt "lom/internal/plainfmt"
	"lom/many"
)

// conclude prints what is printed at the end: folded output, and what went wrong, hosts with the
// same problem together.
func (m *manyHosts) conclude(ctx context.Context) error {
	stopped := ctx.Err() != nil
	// What was never begun has no output, but a place in it.
	for i, s := range m.states {
		if s == hostWaiting {
			m.output.Finish(i, many.NewFailure("not begun", context.Canceled))
		}
	}
	wrongTable := m.output.Conclude()
	n, done := len(m.states), m.counts[hostDone]
	if done == n {
		return wrongTable
	}
	var b strings.Builder
	switch {
	case stopped:
		fmt.Fprintf(&b, "%s: stopped: %d of %d hosts done, %d failed, %d under way, %d not begun\n",
			m.app.Name,
			done, n, m.counts[hostFailed], m.counts[hostStopped], m.counts[hostWaiting])
	case m.counts[hostWaiting] > 0:
		fmt.Fprintf(&b, "%s: no host of a batch could do it, so the rest was not begun: %d of %d "+
			"hosts done, %d failed, %d not begun\n", m.app.Name,
			done, n, m.counts[hostFailed], m.counts[hostWaiting])
	default:
		fmt.Fprintf(&b, "%s: %d of %d hosts failed\n", m.app.Name, m.counts[hostFailed], n)
	}
	why := slices.Clone(m.why)
	for i, s := range m.states {
		if s != hostFailed {
			why[i] = ""
		}
	}
	rows := many.Failures(m.names(), why)
	more := func(s hostState, reason string) {
		if hosts := m.in(s); len(hosts) > 0 {
			rows = append(rows, many.FailureRow{Count: len(hosts), Hosts: many.FoldHosts(hosts),
				Reason: reason})
		}
	}
	if stopped {
		more(hostDone, "done")
	}
	more(hostStopped, choose(m.risky, "under way; look before you repeat it", "under way"))
	more(hostWaiting, "not begun")
	many.WriteFailures(&b, rows)
	m.screen.WriteErr([]byte(b.String()))
	if stopped {
		return ctx.Err()
	}
	if wrongTable != nil {
		return wrongTable
	}
	return errReported
}

// progressLine is the line of progress.
func (m *manyHosts) progressLine() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.counts[hostWaiting] + m.counts[hostRunning]
	return many.ProgressLine(m.counts[hostDone], m.counts[hostFailed], left, time.Since(m.began))
}
