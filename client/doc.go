// Package client talks to BMCs: over IPMI 1.5 (lan) and IPMI 2.0 (lanplus), and in band through the driver of
// the operating system (open).
//
// [Dial] opens a session, [OpenDevice] the device of this machine, [Do] carries out one command, and the procedures made of many commands
// (reading the SDR repository, the SEL, a FRU) are functions that take a [Conn]. For thousands of BMCs at a time there is a [Transport], whose
// sockets sessions share, and [Start], which does not wait for the answer.
package client
