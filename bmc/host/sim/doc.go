// Package sim is a machine that does not exist: it takes time to start and to shut down, says so on
// its serial port, and does nothing else.
package sim
