package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// peak runs a program once more and returns how much memory it and its children had at most, all
// together, in bytes; 0 where the system does not report it. Memory that processes share is counted
// once (PSS). What wait4 tells is of no use: it counts what this program had before it became the
// other.
func (r *runner) peak(ctx context.Context, p *program) int64 {
	home := p.home
	if home == "" {
		var err error
		if home, err = os.MkdirTemp(r.dir, "home-"); err != nil {
			return 0
		}
		defer os.RemoveAll(home)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := p.command(ctx, home)
	if err := cmd.Start(); err != nil {
		return 0
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	var most, children int64
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ended:
			return most
		case <-tick.C:
			if n%8 == 0 { // it takes a look at all processes
				children = childrenShare(cmd.Process.Pid)
			}
			most = max(most, share(cmd.Process.Pid)+children)
		}
	}
}

// share returns the memory of a process.
func share(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) == 3 && f[0] == "Pss:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// childrenShare returns the memory of the children of a process.
func childrenShare(parent int) int64 {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// The name of the program, in parentheses, may hold anything.
		if f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:])); len(f) > 1 &&
			f[1] == strconv.Itoa(parent) {
			sum += share(pid)
		}
	}
	return sum
}
