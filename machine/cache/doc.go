// Package cache keeps on disk what a BMC was asked before, so that it is not asked again: sensor
// data records, the event log, and how it was talked to.
//
// A [Dir] is a folder of such files, which many programs may use at the same time. A [BMC] is what
// is kept of one BMC. Its methods return what is on the BMC now: what is kept is used only as long
// as the BMC itself says that nothing has changed, or to read no more than what is new.
//
// That a file cannot be read or written is no failure: the BMC is asked instead. A file that is not
// whole counts as none. No file holds a secret. Files that were not written for 90 days are
// removed, and so are the oldest when all are larger than 512 MiB.
package cache
