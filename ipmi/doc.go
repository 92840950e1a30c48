// Package ipmi holds the vocabulary of the Intelligent Platform Management
// Interface: network functions, completion codes, privilege levels, and every
// command as a request type and a response type that can be written and read.
//
// It does no input or output, starts no goroutine and reads no clock. A client
// writes a request and reads a response; a BMC reads the same request type and
// writes the same response type.
//
// Section and table numbers are those of the IPMI Specification, Second
// Generation, v2.0 rev. 1.1, unless a comment names another.
package ipmi
