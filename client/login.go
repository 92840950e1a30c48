package client

import (
	"context"
	"errors"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A login opens a session: what it has found out is in its fields.
type login struct {
	s      *Session
	tries  int  // of each exchange
	proven bool // the user and the secrets have opened a session before
	rtt    roundTrip
	seq    uint8
	tag    uint8

	silent int                          // sends that had no answer, as long as nothing has one
	alive  bool                         // the BMC has answered something
	v20    bool                         // it has answered in IPMI 2.0
	caps   ipmi.ChannelAuthCapabilities // what it said of itself, if it was asked

	link rmcp.Session
	info Info
}

func newLogin(s *Session, tries int) *login {
	return &login{s: s, tries: tries, seq: uint8(randomID()) & rmcp.MaxSeq, tag: uint8(randomID())}
}

// first logs in for the first time. What the BMC can do is only asked where the interface is to be found out: it costs an
// exchange, and what BMCs say is often wrong.
func (l *login) first(ctx context.Context) error {
	iface := l.s.config.iface
	if iface != LANPlus {
		if err := l.capabilities(ctx, iface != LAN); err != nil {
			return err
		}
	}
	if iface == Auto {
		iface = LAN
		if l.caps.Extended && l.caps.SupportsIPMI20 {
			iface = LANPlus
		}
		l.s.log.Debug("interface chosen", "peer", l.s.peer, "interface", iface)
	}
	if iface == LAN {
		return l.open15(ctx)
	}
	err := l.open20(ctx)
	if errors.Is(err, ipmi.ErrTimeout) && l.alive && !l.v20 && !(l.caps.Extended && l.caps.SupportsIPMI20) {
		return ipmi.ErrNoIPMI20
	}
	return err
}

// again logs in as the first time, without asking what is known.
func (l *login) again(ctx context.Context) error {
	l.s.mu.Lock()
	info, rtt := l.s.info, l.s.rtt
	l.s.mu.Unlock()
	l.rtt, l.proven = rtt, true
	if info.Interface == LAN {
		if err := l.capabilities(ctx, false); err != nil {
			return err
		}
		return l.open15(ctx)
	}
	_, err := l.openSuite(ctx, info.CipherSuite, l.tries)
	return err
}

// patience is how long each exchange of the log-in may take.
func (l *login) patience(i Interface, tries int) patience {
	p := l.s.config.patience(i)
	p.tries = max(tries, 1)
	if l.silent > 0 {
		p.first += time.Duration(l.silent) * p.grow
		p.tries = max(min(p.tries, l.tries-l.silent), 1)
	}
	if l.s.config.timeout == 0 {
		p.rto = l.rtt.rto(l.s.config.minRTO, l.s.config.maxRTO)
	}
	return p
}

// probe is Transport.probe, and measures.
func (l *login) probe(ctx context.Context, p patience, packet func([]byte) ([]byte, error), accept func(*rmcp.Packet) bool) error {
	var sent time.Time
	n := 0
	err := l.s.mux.probe(ctx, l.s.peer, p, func(dst []byte) ([]byte, error) {
		sent = time.Now()
		n++
		return packet(dst)
	}, accept)
	if err == nil && n == 1 {
		l.rtt.sample(time.Since(sent))
	}
	return err
}

// ask sends a command in the format of IPMI 1.5 outside a session. wrap makes the packet of the message.
func (l *login) ask(ctx context.Context, pat patience, cmd ipmi.Command, data []byte,
	wrap func(dst, message []byte) ([]byte, error), open func(p *rmcp.Packet) ([]byte, error)) (ipmi.RawResponse, error) {
	q := l.message(cmd, data)
	message := rmcp.AppendMessage(nil, &q)
	var resp ipmi.RawResponse
	err := l.probe(ctx, pat, func(dst []byte) ([]byte, error) { return wrap(dst, message) }, func(p *rmcp.Packet) bool {
		m, ok := answerTo(&q, p, open)
		if ok {
			resp = ipmi.RawResponse{Code: m.Code, Data: append([]byte(nil), m.Data...)}
		}
		return ok
	})
	if err == nil {
		l.alive, l.silent = true, 0
	}
	return resp, err
}

// message is the next message outside a session.
func (l *login) message(cmd ipmi.Command, data []byte) rmcp.Message {
	l.seq = (l.seq + 1) & rmcp.MaxSeq
	return rmcp.Message{
		To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: cmd.NetFn, Seq: l.seq, Cmd: cmd.Code, Data: data,
	}
}

// answerTo finds the answer to a message outside a session in a packet.
func answerTo(q *rmcp.Message, p *rmcp.Packet, open func(p *rmcp.Packet) ([]byte, error)) (rmcp.Message, bool) {
	if p.Class != rmcp.ClassIPMI || p.PayloadType != ipmi.PayloadIPMI {
		return rmcp.Message{}, false
	}
	payload, err := open(p)
	if err != nil {
		return rmcp.Message{}, false
	}
	m, err := rmcp.ParseMessage(payload)
	return m, err == nil && m.NetFn == q.NetFn.Response() && m.Cmd == q.Cmd && m.Seq == q.Seq
}

// outside opens packets outside a session.
func outside(p *rmcp.Packet) ([]byte, error) {
	if p.SessionID != 0 || p.Authenticated || p.Encrypted {
		return nil, rmcp.ErrStray
	}
	return p.Payload, nil
}

// presession carries out a typed command outside a session, in the format of IPMI 1.5.
func presession[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, l *login, pat patience, q Q) (R, error) {
	var r R
	data, err := q.AppendBinary(nil)
	if err != nil {
		return r, err
	}
	resp, err := l.ask(ctx, pat, q.Command(), data, rmcp.AppendPresession15, outside)
	if err != nil {
		return r, err
	}
	if resp.Code != ipmi.CodeOK {
		return r, &ipmi.Error{Peer: l.s.peer.String(), Command: q.Command(), Code: resp.Code}
	}
	return r, PR(&r).UnmarshalBinary(resp.Data)
}

// capabilities asks what the BMC can do. Some BMCs of IPMI 1.5 know nothing of the bit that asks for the data of IPMI 2.0.
func (l *login) capabilities(ctx context.Context, extended bool) error {
	iface := LANPlus
	if !extended {
		iface = LAN
	}
	q := l.capabilitiesRequest(extended)
	caps, err := presession(ctx, l, l.patience(iface, l.tries), q)
	var e *ipmi.Error
	if extended && errors.As(err, &e) && e.Code != ipmi.CodeOK {
		q.Extended = false
		caps, err = presession(ctx, l, l.patience(iface, l.tries), q)
	}
	l.caps = caps
	return err
}

func (l *login) capabilitiesRequest(extended bool) ipmi.GetChannelAuthCapabilities {
	return ipmi.GetChannelAuthCapabilities{Extended: extended, Channel: presentChannel, Privilege: l.s.config.privilege}
}

// A knock asks what the BMC can do beside another exchange, because that has no answer: one without IPMI 2.0 is silent when it is
// asked for a session of 2.0, as one is that is not there.
type knock struct {
	login   *login
	message rmcp.Message
	packet  []byte
}

func (l *login) newKnock() *knock {
	q := l.capabilitiesRequest(true)
	data, err := q.AppendBinary(nil)
	if err != nil {
		return &knock{login: l}
	}
	k := &knock{login: l, message: l.message(q.Command(), data)}
	k.packet, _ = rmcp.AppendPresession15(nil, rmcp.AppendMessage(nil, &k.message))
	return k
}

// send knocks, unless the BMC has answered something.
func (k *knock) send() {
	if !k.login.alive {
		k.login.s.mux.write(k.packet, k.login.s.peer)
	}
}

// take notes the answer.
func (k *knock) take(p *rmcp.Packet) {
	m, ok := answerTo(&k.message, p, outside)
	if !ok {
		return
	}
	k.login.alive = true
	if m.Code == ipmi.CodeOK && k.login.caps.UnmarshalBinary(m.Data) != nil {
		k.login.caps = ipmi.ChannelAuthCapabilities{}
	}
}

// presentChannel stands for the channel that a request comes in on.
const presentChannel = 0x0e
