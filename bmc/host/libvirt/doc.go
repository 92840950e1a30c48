// Package libvirt is a libvirt domain as the host of a BMC: a virtual machine that libvirt runs, of
// whatever hypervisor.
package libvirt
