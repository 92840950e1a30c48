package host

// A Console is the serial port of a machine, as the BMC sees it from the other end of the cable.
//
// Its methods are called under the lock of the BMC and return at once. None of them calls notify.
type Console interface {
	// Attach begins to keep for Read what the machine sends. What it sent before is lost, but for
	// the newest of it if the console was told to remember some: that is read first. Notify is
	// called, with no lock held, when there is something to read and when Present has changed. It
	// is not called again before Read has found the end.
	Attach(notify func())
	// Detach ends what Attach began. What was not read is lost, and a late call of notify may still
	// come.
	Detach()
	// Read takes what the machine sent. The machine waits while too much is unread, if it can; lost
	// reports that it did not, and that characters are missing before those of the next Read.
	Read(p []byte) (n int, lost bool)
	// Room returns how many characters Write takes.
	Room() int
	// Write sends characters to the machine, as many as there is room for.
	Write(p []byte) int
	// Discard drops what was written and has not reached the machine.
	Discard()
	// Break sends a break to the machine, after what was written. ErrUnsupported says that the port
	// cannot.
	Break() error
	// Present reports whether there is a port at the other end now.
	Present() bool
	// Close lets the port go.
	Close() error
}

// A ConsoleOwner is a Host that has a serial port of its own.
type ConsoleOwner interface {
	Console() Console
}
