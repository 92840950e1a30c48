// Package ipmitest has BMCs for the tests of programs that talk to BMCs.
//
// [New] runs a simulated server with its BMC in memory: sensors, SEL, inventory, users, power. Its
// Conn leads to it without a network; Addr lets it answer on a UDP port of the loopback interface,
// for programs that log in. [Script] is a BMC of which only the answers to some requests are known,
// as hexadecimal text: what a real one was seen to say, or should never say.
//
// Both end with the test.
package ipmitest
