// Package hostlist reads and writes lists of hosts as people who run many of them write them:
// node[001-200], rack1,rack2-[a-d], r[1-3]n[01-10], 127.0.0.[1-200]. It is the notation of
// FreeIPMI, pdsh, Slurm and ClusterShell. [Expand] makes names of an expression, and [Fold] an
// expression of names.
package hostlist
