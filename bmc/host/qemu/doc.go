// Package qemu is a QEMU machine as the host of a BMC: power, reset, boot device and power state by
// its process and by QMP, QEMU's control protocol.
package qemu
