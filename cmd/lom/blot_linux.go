package main

import "unsafe"

// blot overwrites a part of an element of os.Args where the system keeps it, so that other users no
// longer see it in the list of processes. On Linux the strings of os.Args are the memory that
// /proc shows, and it may be written.
func blot(part string) {
	b := unsafe.Slice(unsafe.StringData(part), len(part))
	for i := range b {
		b[i] = 'X'
	}
}
