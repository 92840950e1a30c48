// Package bmc is a BMC: state that lasts, command handlers, the LAN listener, and the host it
// controls.
//
// # Locks
//
// Each [BMC] has one mutex. It is held while a request is carried out, while a timer of the BMC
// fires and while its host reports an event, so handlers, timers and the methods they call need
// no lock of their own and must not wait for anything. The order is: the lock of the rack's
// address table, the lock of the BMC, the lock of its host, the lock of its journal. A host
// never calls back with its own lock held.
//
// # How to add a family of commands
//
// A family is a file: the state, what of it lasts, and the handlers. It appears in three lists
// of families.go: its state is a field of families, its loader is called by load, and its handlers
// are registered by NewCommands. Handlers are functions, not methods of a BMC, so that all BMCs of
// a process share one Mux.
//
//	// led.go
//	type led struct{ Colour uint8 }                          // a field "led led" of families
//
//	func (l *led) load(b *BMC) error {                       // a line in (*BMC).load
//		*l = led{Colour: 1}                              // as it left the factory
//		return keep(b, "led", func(key string, v led) error {
//			*l = v                                   // as the former run left it
//			return nil
//		})
//	}
//
//	func handleLED(m *Mux) {                                 // a line in NewCommands
//		Handle(m, setLED)
//	}
//
//	func setLED(ctx *Context, req ipmi.SetLED) (ipmi.NoData, error) {
//		b := ctx.BMC                                     // its lock is held
//		if req.Colour > 7 {
//			return ipmi.NoData{}, ipmi.CodeParameterOutOfRange // checked before anything changes
//		}
//		set(ctx, &b.led.Colour, req.Colour, saveLED)     // safe on disk before the answer goes out, or taken back
//		ctx.AfterAnswer(func() { … })                    // what cannot be taken back, and so waits for that
//		return ipmi.NoData{}, nil
//	}
//
//	func saveLED(b *BMC) { b.put("led", "", b.led) }
//
// What lasts is kept as values (JSON) under a section and a key: a table uses one key for
// each row, so that a change writes one row. All that one request puts and drops is kept or lost
// together.
//
// # Refused means unchanged
//
// A handler changes what its request asks for with set, setKey or changed, which know how to take
// it back. That happens when the handler returns an error afterwards, and when the disk does not
// take the change: then the request is refused and the BMC is as it was, in memory and on disk.
// What cannot be taken back, such as a timer or what the host is told, is left to AfterAnswer. What
// is not asked for, such as an event, is assigned and put: it has happened, and holds.
package bmc
