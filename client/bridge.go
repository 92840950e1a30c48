package client

import (
	"context"

	"lom/ipmi"
	"lom/rmcp"
)

// A hop is a controller behind the one before it, and the channel on which that one reaches it.
type hop struct{ addr, channel uint8 }

// bridged is a controller behind the BMC.
type bridged struct {
	session *Session
	route   []hop
}

// Target returns a connection to the controller with the given slave address behind the BMC, on the
// given channel, 0 for the primary IPMB. Its requests travel in Send Message commands with response
// tracking (§6.13.3).
func (s *Session) Target(addr, channel uint8) Conn {
	return bridged{s, []hop{{addr, channel}}}
}

// TargetVia returns a connection to a controller behind another one that is behind the BMC: the BMC reaches the transit
// controller on transitChannel, and that one reaches addr on channel.
func (s *Session) TargetVia(transitAddr, transitChannel, addr, channel uint8) Conn {
	return bridged{s, []hop{{transitAddr, transitChannel}, {addr, channel}}}
}

// Target returns the connection to a controller that the BMC reaches, and b itself for the one that b
// leads to.
func (b bridged) Target(addr, channel uint8) Conn {
	if last := b.route[len(b.route)-1]; last.addr == addr {
		return b
	}
	return b.session.Target(addr, channel)
}

// Exchange sends one request to the controller and waits for its answer. If a bridge on the way refused the message, the
// error is an *ipmi.Error about Send Message.
func (b bridged) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return b.session.exchange(ctx, req, b.route)
}

// sendMessage is the Send Message command (§22.7).
var sendMessage = ipmi.SendMessage{}.Command()

// trackResponse is the bit beside the channel number of Send Message that makes the bridge send the response on.
const trackResponse = 0x40

// appendMessage appends the request as the BMC gets it.
func (r *request) appendMessage(dst []byte) []byte {
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
		m = rmcp.Message{
			To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: sendMessage.NetFn, Seq: r.seq, Cmd: sendMessage.Code,
			Data: rmcp.AppendMessage([]byte{r.route[i].channel&0x0f | trackResponse}, &m),
		}
	}
	return rmcp.AppendMessage(dst, &m)
}

// A verdict says what a message is to a request with its sequence number.
type verdict int

const (
	notOurs      verdict = iota
	onTheWay             // a bridge took the request
	bridgeFailed         // a bridge refused it
	ours
)

// unwrap finds the answer to a request in a message. Of a bridged request the answer comes as if the BMC had given it, or
// within the answer to Send Message; an answer to Send Message without it only says that the
// bridge took the request. The responder's address may be the bridge's (§6.13.4), so it is not looked at.
func (r *request) unwrap(m rmcp.Message) (rmcp.Message, verdict) {
	for range len(r.route) + 1 {
		if m.Seq != r.seq {
			return m, notOurs
		}
		if m.NetFn == r.raw.Command.NetFn.Response() && m.Cmd == r.raw.Command.Code {
			return m, ours
		}
		if len(r.route) == 0 || m.NetFn != sendMessage.NetFn.Response() || m.Cmd != sendMessage.Code {
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
