package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"lom/internal/udprelay"
)

// smallBuffer shows that a BMC with room for two requests, each of which takes it 5 ms, is never
// given more once that is known, and is used as well as it can be. It returns a table.
func (r *runner) smallBuffer(ctx context.Context) (string, error) {
	b, err := r.startBMCs(ctx, 1, "--profile", fleetProfile, "--service-time", "5ms", "--buffer",
		"2")
	if err != nil {
		return "", err
	}
	defer b.stop()
	at, err := netip.ParseAddrPort("127.0.0.1:" + b.port)
	if err != nil {
		return "", err
	}
	relay, err := udprelay.New(loopback, at, udprelay.Faults{Delay: r.delay})
	if err != nil {
		return "", err
	}
	defer relay.Close()
	t := target{relay.Host(), relay.Port(), bmcUser, bmcPassword}
	rows := func(out string) error { return lines(40, "|")(out) }
	homes := [2]string{}
	for i := range homes {
		if homes[i], err = os.MkdirTemp(r.dir, "small-"); err != nil {
			return "", err
		}
	}
	first := &program{name: "lom, first time: it learns", args: t.lom(r.lom, "sensor", "list"),
		home: homes[0], check: rows}
	learnt := &program{name: "lom, from then on", args: t.lom(r.lom, "sensor", "list"),
		home: homes[0], check: rows}
	single := &program{name: "lom --window 1",
		args: t.lom(r.lom, "--window", "1", "sensor", "list"), home: homes[1], check: rows}
	tool := &program{name: "ipmitool", args: t.ipmitool("sensor", "list"), check: rows}
	out := table{head: []string{"sensor list, " + b.shown, "exchanges", "most at a time", "lost",
		"time", "lom is faster by", "goal"}}
	if _, err := r.run(ctx, single); err != nil { // its cache
		return "", err
	}
	say("a small buffer, %d times:", r.n)
	var own sample
	for _, p := range []*program{first, learnt, single, tool} {
		n := r.n
		if p == first {
			n = 1
		}
		if p == tool {
			n = min(n, 3)
		}
		var all []sample
		var most, lost []int
		for range n {
			relay.Reset()
			s, err := r.run(ctx, p)
			if err != nil {
				return "", err
			}
			time.Sleep(50 * time.Millisecond) // for the answer to Close Session
			m, l := flight(relay.Packets(), r.delay)
			s.exchanges = relay.Exchanges()
			all, most, lost = append(all, s), append(most, m), append(lost, l)
		}
		m := median(all)
		faster, verdict := "", ""
		switch p {
		case learnt:
			own = m
			verdict = "at most 2 at a time, none lost: " +
				met(slices.Max(most) <= 2 && slices.Max(lost) == 0)
		case single, tool:
			faster = times(m.wall, own.wall)
			verdict = "1.8: " + met(float64(m.wall) >= 1.8*float64(own.wall))
		}
		out.add(p.name, fmt.Sprint(m.exchanges), fmt.Sprint(slices.Max(most)),
			fmt.Sprint(slices.Max(lost)), seconds(m.wall), faster, verdict)
	}
	c, err := b.end()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\nThe BMC itself has counted %d requests, of which %d found no room; "+
		"since the last of those it has answered %d.\n", &out, c.Requests, c.Overflows,
		c.SinceOverflow), nil
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "missed"
}

// flight returns how many requests were in flight at most, as the client saw it, and how many
// had no answer.
func flight(packets []udprelay.Packet, delay time.Duration) (most, lost int) {
	type event struct {
		at    time.Time
		count int
	}
	var all []event
	for _, p := range packets {
		if p.Request {
			all = append(all, event{p.Time, 1})
		} else {
			all = append(all, event{p.Time.Add(delay), -1})
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.at.Compare(b.at) })
	now := 0
	for _, e := range all {
		now += e.count
		most = max(most, now)
	}
	return most, now
}
