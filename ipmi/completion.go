package ipmi

import "fmt"

// A CompletionCode is the first data byte of every response (§5.2, Table 5-2).
// As an error it says why a command was not carried out.
type CompletionCode uint8

// CodeOK is the completion code of success. The others are generated from completion.txt.
const CodeOK CompletionCode = 0

// String returns the general meaning of the code; see [CompletionCode.For] for the
// codes 80h-BEh, whose meaning depends on the command.
func (c CompletionCode) String() string {
	if s := generalCodeWords(c); s != "" {
		return s
	}
	return fmt.Sprintf("Unknown (0x%02x)", uint8(c))
}

// Error makes a completion code an error value.
func (c CompletionCode) Error() string { return c.String() }

// For returns the meaning of the code as an answer to cmd.
func (c CompletionCode) For(cmd Command) string {
	if s := commandCodeWords(cmd, c); s != "" {
		return s
	}
	return c.String()
}

// Err returns nil for success and the code as an error otherwise.
func (c CompletionCode) Err() error {
	if c == CodeOK {
		return nil
	}
	return c
}
