package rmcp

import "lom/ipmi"

// A Session packs and unpacks the packets of one open session, at either end. It is not safe
// for use by several goroutines at a time.
type Session interface {
	// LocalID is the session ID of packets to this end, by which a receiver finds the session.
	LocalID() uint32
	// RemoteID is the session ID of packets to the other end. In IPMI 1.5 it is the same.
	RemoteID() uint32

	// Append appends a packet with the payload to dst. Every call takes a new session
	// sequence number, so a packet that is sent again is appended again (§6.12.8). dst and
	// payload must not overlap.
	Append(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error)

	// Open checks the packet, which Parse made, against the session, and returns its payload,
	// decrypted in place. Every error is an ErrIgnored: the packet is to be dropped, and the
	// session goes on as if it had not come.
	Open(p *Packet) ([]byte, error)
}
