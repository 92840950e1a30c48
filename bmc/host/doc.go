// Package host is what a BMC controls: a machine with power, a reset line and a boot device. The
// packages below it are machines of several kinds. It knows nothing of IPMI packets.
package host
