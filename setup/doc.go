// Package setup makes the operating system's side of a serial console agree with what Serial over
// LAN uses: boot loader, kernel, log-in prompt and root's log-in, on one line and at one rate. It
// works on the running system or on an unpacked root, of Debian, Red Hat, SUSE and Alpine kinds,
// old and new: docs/console-setup.md has the table.
package setup
