// Package many prints what one command says about many hosts.
//
// An [Output] gathers what each host prints and writes it in one of several forms: lines with the
// host in front, an object or a document for each host, or one table. Into a file the hosts come in
// their order, on a terminal as they are done, and folded those with equal output once. A [Screen]
// is where it is written, with a line of progress on a terminal. [Failures] says at the end what
// went wrong, hosts with the same reason together.
//
// An Output has one lock, under which it writes to its Screen, which has its own; writers of hosts
// may be used by many goroutines at a time, and wait while too much output of later hosts is held
// back.
package many
