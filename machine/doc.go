// Package machine is a server as its BMC shows it: typed values, and the actions that change them.
//
// A [Machine] is made over any [client.Conn]: a session over the network, the driver of this
// machine's own BMC, a serial line, a bridge to a satellite controller, or a connection to a
// daemon. Its methods read and change one family each, in the file of the family's name:
// chassis.go, sensor.go, sel.go, fru.go, lan.go, user.go and so on.
//
// # Results
//
// Results are structs whose exported fields are what a program or a person wants to know, with
// names for JSON. The rules for these names hold for all types of the package, and a test
// enforces them:
//
//   - names are lower_snake_case; a value with a unit has the unit as its last word, from the list
//     in [UnitSuffixes]: timeout_seconds, power_watts, inlet_celsius;
//   - booleans are booleans, numbers are numbers, bytes are hexadecimal text;
//   - times are RFC 3339 in UTC; a time that is not known is absent;
//   - enumerations are lower-case words; words of the specification's tables (sensor types, event
//     words, entity names) are as the specification spells them;
//   - what is not known is absent, never 0 or "";
//   - GUIDs are text in the order of RFC 4122 that [GUID] finds.
//
// Fields marked json:"-" hold the messages that a result was made from, for those who print them
// as other programs do.
//
// Lists that may be long are iterators of type iter.Seq2. An error in one is about the element
// that could not be read; the sequence goes on if others can be.
//
// # Errors
//
// Errors are *[ipmi.Error] values, or wrap one. Op says in ipmitool's words what was tried. A
// result that could be read in part comes with a [*PartialError].
//
// # Concurrency
//
// A Machine may be used by many goroutines at a time. It starts no goroutine that outlives a call,
// and holds its lock only to remember what it has asked before, never during an exchange.
package machine
