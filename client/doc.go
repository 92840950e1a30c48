// Package client talks to BMCs: over IPMI 1.5 (lan) and IPMI 2.0 (lanplus), in band through the
// driver of the operating system (open), and over serial lines.
//
// # Connections
//
// [Dial] opens a session over the network, [OpenDevice] the device of this machine, [NewSerial] a
// serial line. Each is a [Conn], whose one method carries a request and returns the answer; so is
// a controller behind the BMC, to which Target leads. What only some connections can do is asked
// for with an interface: [Router], [Describer], [Starter], [PayloadConn]. Never ask for the type.
//
// # Commands
//
// [Do] carries out one command: the type of the response follows from that of the request, and
// both are in package ipmi. Procedures made of many commands are functions that take a Conn:
// reading the SDR repository ([ReadSDRs]), sensors ([ReadSensors]), the SEL ([SELEntries]), a FRU
// ([OpenFRU]). [OpenConsole] opens a console over Serial over LAN. What these mean to a person,
// such as the state of a sensor in words, is in package machine.
//
// # Errors
//
// Errors are *[ipmi.Error] values. A completion code other than 0 is one that wraps the
// [ipmi.CompletionCode]. A command that changes state is sent once; when its answer is lost, the
// error is [ipmi.ErrOutcomeUnknown]. A list of which a part could not be read comes with an
// [*IncompleteError] after what could.
//
// # Goroutines and locks
//
// All connections may be used by many goroutines at a time. A [Session] has no goroutine: those of
// its [Transport] read the socket and run the timers for all sessions that share it. A [Device] and
// a [Serial] have one goroutine each, which ends with Close. [Start] asks without a goroutine that
// waits, for thousands of BMCs at a time.
package client
