package client

import (
	"context"

	"lom/ipmi"
	"lom/rmcp"
)

// What carries requests to a controller behind the one before it.
type carrier interface {
	Router
	exchange(ctx context.Context, req ipmi.RawRequest, route []hop) (ipmi.RawResponse, error)
}

// A hop is a controller behind the one before it, and the channel on which that one reaches it.
type hop struct{ addr, channel uint8 }

// bridged is a controller behind the BMC.
type bridged struct {
	carrier carrier
	route   []hop
}

// Target returns a connection to the controller with the given slave address behind the BMC, on the
// given channel, 0 for the primary IPMB. Its requests travel in Send Message commands with response
// tracking (§6.13.3).
func (s *Session) Target(addr, channel uint8) Conn {
	return bridged{s, []hop{{addr, channel}}}
}

// TargetVia returns a connection to a controller behind another one that is behind the BMC: the BMC
// reaches the transit controller on transitChannel, and that one reaches addr on channel.
func (s *Session) TargetVia(transitAddr, transitChannel, addr, channel uint8) Conn {
	return bridged{s, []hop{{transitAddr, transitChannel}, {addr, channel}}}
}

// Target returns the connection to a controller that the BMC reaches, and b itself for the one that
// b leads to.
func (b bridged) Target(addr, channel uint8) Conn {
	if last := b.route[len(b.route)-1]; last.addr == addr {
		return b
	}
	return b.carrier.Target(addr, channel)
}

// Exchange sends one request to the controller and waits for its answer. If a bridge on the way
// refused the message, the error is an *ipmi.Error about Send Message.
func (b bridged) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return b.carrier.exchange(ctx, req, b.route)
}

// sendMessage is the Send Message command (§22.7).
var sendMessage = ipmi.SendMessage{}.Command()

// trackResponse is the bit next to the channel number of Send Message that makes the bridge send
// the response on.
const trackResponse = 0x40

// appendMessage appends the request as the BMC gets it.
func (r *request) appendMessage(dst []byte) []byte {
	m := r.message(trackResponse, 0)
	return rmcp.AppendMessage(dst, &m)
}

// message returns the request as the BMC gets it: as it is, or in Send Message commands, the
// outermost of which has the tracking bits. lun is that of the requester of a bridged request.
func (r *request) message(tracking, lun uint8) rmcp.Message {
	data := r.raw.Data
	if body := r.raw.Command.Body; body != "" {
		data = append([]byte(body), data...)
	}
	m := rmcp.Message{
		To: ipmi.AddressBMC, ToLUN: r.raw.LUN, From: ipmi.AddressRemoteSWI,
		NetFn: r.raw.Command.NetFn, Seq: r.seq, Cmd: r.raw.Command.Code, Data: data,
	}
	// Each bridge puts its own address in the place of the sender's, so it matters little here.
	if len(r.route) > 1 {
		m.From = ipmi.AddressBMC
	}
	for i := len(r.route) - 1; i >= 0; i-- {
		m.To = r.route[i].addr
		bits := uint8(trackResponse)
		if i == 0 {
			m.FromLUN, bits = lun, tracking
		}
		m = rmcp.Message{
			To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: sendMessage.NetFn, Seq: r.seq,
			Cmd:  sendMessage.Code,
			Data: rmcp.AppendMessage([]byte{r.route[i].channel&0x0f | bits}, &m),
		}
	}
	return m
}

// A verdict says what a message is to a request with its sequence number.
type verdict int

const (
	notOurs      verdict = iota
	onTheWay             // a bridge took the request
	bridgeFailed         // a bridge refused it
	ours
)

// unwrap finds the answer to a request in a message. Of a bridged request the answer comes as if
// the BMC had given it, or within the answer to Send Message; an answer to Send Message without it
// only says that the bridge took the request. The responder's address may be the bridge's
// (§6.13.4), so it is not looked at.
func (r *request) unwrap(m rmcp.Message) (rmcp.Message, verdict) {
	for range len(r.route) + 1 {
		if m.Seq != r.seq {
			return m, notOurs
		}
		if m.NetFn == r.raw.Command.NetFn.Response() && m.Cmd == r.raw.Command.Code {
			return m, ours
		}
		if len(r.route) == 0 || m.NetFn != sendMessage.NetFn.Response() ||
			m.Cmd != sendMessage.Code {
			return m, notOurs
		}
		if m.Code != ipmi.CodeOK {
			return m, bridgeFailed
		}
		inner, err := rmcp.ParseMessage(m.Data)
		if err != nil {
			return m, onTheWay
		}
		m = inner
	}
	return m, notOurs
}
