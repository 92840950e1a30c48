// Package exec is a machine that commands control, as the host of a BMC: any machine or power
// outlet that a program can switch.
package exec
