package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A BMC that does not track the answers of other controllers puts them into its receive message
// queue, from which they are taken with Get Message (§6.13.2).

// smsLUN is the requester's LUN whose answers the BMC puts into the queue (§6.13.1).
const smsLUN = 2

// queueInterval is how long an empty queue is left alone.
const queueInterval = 50 * time.Millisecond

// noTracking reports whether an error says that the BMC does not track answers: it knows Send
// Message, but not so.
func noTracking(err error) bool {
	e := new(ipmi.Error)
	return errors.As(err, &e) && e.Command.Code == sendMessage.Code &&
		e.Command.NetFn == sendMessage.NetFn &&
		e.Code == ipmi.CodeInvalidDataField
}

// sendQueued sends a request whose answer comes to the queue. The caller has the turn.
func (s *Serial) sendQueued(ctx context.Context, r *request) (resp ipmi.RawResponse, err error) {
	tries := s.config.Tries
	if r.raw.Command.Changes {
		tries = 1
	}
	for range tries {
		carried := ipmi.RawRequest{Command: sendMessage, Data: r.message(0, smsLUN).Data}
		carried.Command.Changes = r.raw.Command.Changes
		q := s.newRequest(carried, nil)
		if resp, err = s.send(ctx, q, q.message(0, 0)); err != nil {
			return resp, err
		}
		if resp.Code != ipmi.CodeOK {
			return ipmi.RawResponse{}, &ipmi.Error{Command: sendMessage, Code: resp.Code}
		}
		if resp, err = s.fromQueue(ctx, r); !errors.Is(err, ipmi.ErrTimeout) {
			break
		}
	}
	if err != nil && r.raw.Command.Changes {
		err = fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, err)
	}
	return resp, err
}

// fromQueue waits until the answer to r is in the queue. Other messages in it are dropped: they are
// old answers, or for software that does not run.
func (s *Serial) fromQueue(ctx context.Context, r *request) (resp ipmi.RawResponse, err error) {
	for deadline := time.Now().Add(s.config.Timeout); time.Now().Before(deadline); {
		q := s.newRequest(ipmi.RawRequest{Command: ipmi.GetMessage{}.Command()}, nil)
		q.raw.Command.Changes = false // another message at worst
		raw, err := s.send(ctx, q, q.message(0, 0))
		switch {
		case err != nil:
			return resp, err
		case raw.Code == ipmi.CodeQueueEmpty:
			select {
			case <-time.After(queueInterval):
				continue
			case <-ctx.Done():
				return resp, context.Cause(ctx)
			}
		case raw.Code != ipmi.CodeOK:
			return resp, &ipmi.Error{Command: q.raw.Command, Code: raw.Code}
		}
		var in ipmi.Message
		if err := in.UnmarshalBinary(raw.Data); err != nil {
			return resp, &ipmi.Error{Command: q.raw.Command, Err: err}
		}
		// The BMC's own address is left out (Table 22-8), but the checksum counts it.
		m, err := rmcp.ParseMessage(append([]byte{ipmi.AddressBMC}, in.Data...))
		if err != nil || in.Channel != r.route[0].channel || m.From != r.route[0].addr {
			continue
		}
		if m, is := r.unwrap(m); is == ours {
			return readAnswer(r.raw.Command, m.Code, m.Data)
		} else if is == bridgeFailed {
			return resp, &ipmi.Error{Command: sendMessage, Code: m.Code}
		}
	}
	return resp, ipmi.ErrTimeout
}
