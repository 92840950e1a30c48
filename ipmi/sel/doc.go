// Package sel reads and writes the records of a System Event Log and says in words what they
// mean (IPMI 2.0 §32, §29.7).
package sel
