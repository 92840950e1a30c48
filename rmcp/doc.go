// Package rmcp is everything between a UDP datagram and an IPMI message, both ways: RMCP, ASF
// presence, the session packets of IPMI 1.5 and of IPMI 2.0 (RMCP+), the handshake that opens a
// session, the cipher suites, and the session state that both ends share: keys, sequence
// numbers and windows. It does no input or output, starts no goroutine and reads no clock;
// random bytes are handed in.
//
// A receiver calls [Parse] on every datagram. It tells the class and, for IPMI, the version, the
// session ID and the payload type; nothing of that is trustworthy yet. Then
//
//   - a datagram with session ID 0 stands outside a session: its payload is an IPMI message
//     ([ParseMessage]) or a step of the handshake;
//   - any other belongs to the [Session] with that local ID, whose Open checks flags, sequence
//     window and authentication code, and decrypts. Only then is the payload to be trusted.
//
// # How a client opens an IPMI 2.0 session
//
//	h, err := rmcp.NewClientHandshake(rmcp.ClientConfig{...})
//	for h.Session() == nil {
//		packet, err := h.Append(buf[:0]) // send it; send it again when no answer comes
//		...
//		err = h.Receive(answer)
//		// errors.Is(err, rmcp.ErrIgnored): not for us, wait on; rmcp.ErrUnproven: send it again, once;
//		// other errors end the handshake. A packet that h.AppendAbort returns should be sent at the end.
//	}
//
// # How a BMC does
//
//	h, reply, err := rmcp.AcceptHandshake(config, localID, packet, buf[:0]) // Open Session Request
//	reply, err = h.Receive(packet, buf[:0])                                 // RAKP 1, RAKP 3, and their repetitions
//	state := h.State()                                                      // all there is to keep until the next packet
//	h = rmcp.ResumeHandshake(config, state)
//
// A reply that is not nil is to be sent even when there is an error, which says why the handshake
// ended. [HandshakeID] finds the handshake that a RAKP message belongs to. After a good RAKP 3,
// h.Session is the session.
//
// # IPMI 1.5
//
// The handshake is made of ordinary IPMI messages, so there is no state machine: see
// [NewSession15].
package rmcp
