// Package sol is the byte stream of Serial over LAN (§15) as a state machine for both ends:
// packets, acknowledges, retries, partial acceptance, breaks and flushes. It does no input or
// output and reads no clock: time and packets are handed in, packets are handed out.
package sol
