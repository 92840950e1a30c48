// Package rack runs many BMCs in one process, each on a UDP address of its own.
package rack
