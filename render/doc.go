// Package render shows the results of package machine: as ipmitool prints them, as a table, JSON,
// NDJSON, YAML and CSV, and it describes them as JSON Schema.
//
// A [View] is how results of one type are shown. There is one for each command's result, in the
// file of its family. [Show] and [Stream] print through a [Printer], which knows the form that the
// user asked for. JSON and its relatives, tables, CSV with a header and the schema are made from
// the type alone; a View adds the text that ipmitool prints, and what its -c prints.
//
// The package knows nothing of BMCs: it does no exchange and reads no clock.
package render
