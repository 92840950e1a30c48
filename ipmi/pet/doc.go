// Package pet reads and writes Platform Event Traps: the SNMP version 1 traps by which a BMC tells
// of events (PET 1.0, and IPMI 2.0 §17.16).
package pet
