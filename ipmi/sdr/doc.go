// Package sdr reads and writes sensor data records, turns raw readings into
// values with units, and says what the states of a sensor mean.
//
// Byte numbers in the tags are those of the tables of §43 (IPMI 2.0).
package sdr
