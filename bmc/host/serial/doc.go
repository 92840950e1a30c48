// Package serial is serial ports of machines, as BMCs use them: the buffer between the two, and
// ports behind sockets and terminals.
package serial
