package machine

import (
	"context"

	"lom/ipmi"
)

// A RawAnswer is the answer to a request that was given byte by byte.
type RawAnswer struct {
	Data  Bytes `json:"data"`  // after the completion code
	Bytes int   `json:"bytes"` // how many they are
}

// Raw sends a request byte by byte. A refusal is an ipmi.CompletionCode. What is not in the table
// of commands may change something, so that it is not sent again when its answer is lost.
func (m *Machine) Raw(
	ctx context.Context, lun uint8, fn ipmi.NetFn, cmd uint8, data []byte,
) (RawAnswer, error) {
	c, known := ipmi.CommandFor(fn, cmd, data)
	// Data and answer go as they are, also where the table has a defining body.
	c.NetFn, c.Body = fn, ""
	if !known {
		c.Changes = true
	}
	m.log.Info("raw request", "netfn", uint8(fn), "cmd", cmd, "bytes", len(data))
	r, err := m.conn.Exchange(ctx, ipmi.RawRequest{Command: c, LUN: lun, Data: data})
	if err == nil {
		err = r.Code.Err()
	}
	return RawAnswer{r.Data, len(r.Data)}, err
}
