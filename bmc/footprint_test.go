package bmc

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

// What a BMC and an open session on it take of memory is little: a rack holds thousands of both.
func TestFootprint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		inUse := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		mux := NewCommands()
		dense := profiles[len(profiles)-1]
		dense.Sensors()
		before := inUse()
		var list []*BMC
		for range n {
			h := sim.New(sim.Config{On: true})
			list = append(list, newTest(t, func(c *Config) {
				c.Host, c.Console, c.Commands, c.Profile = h, h.Console(), mux, dense
			}))
		}
		made := inUse()
		for _, b := range list {
			c := newConsole(t, b)
			s, err := c.login(admin(17))
			if err != nil {
				t.Fatal(err)
			}
			c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4)) // Set Session Privilege Level
		}
		opened := inUse()
		time.Sleep(halfOpenTime + time.Second) // until log-ins are forgotten
		synctest.Wait()
		settled := inUse()
		if len(list[n-1].sessions.active) != 1 || mux.halfOpens.len() != 0 {
			t.Fatal("there is no session, or a handshake")
		}
		t.Logf("bytes: %d a BMC, %d a session when it is new, %d later", (made-before)/n,
			(opened-made)/n, (settled-made)/n)
		if each := (made - before) / n; each > 12<<10 {
			t.Errorf("a BMC takes %d bytes", each)
		}
		if each := (opened - made) / n; each > 8<<10 {
			t.Errorf("a new session takes %d bytes", each)
		}
		if each := (settled - made) / n; each > 4<<10 {
			t.Errorf("a session takes %d bytes", each)
		}
		runtime.KeepAlive(list)
	})
}
