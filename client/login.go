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

	link rmcp.Session
	info Info
}

func newLogin(s *Session, tries int) *login {
	return &login{s: s, tries: tries, seq: uint8(randomID()) & rmcp.MaxSeq, tag: uint8(randomID())}
}

// first logs in for the first time: it finds out the interface.
func (l *login) first(ctx context.Context) error {
	iface := l.s.config.iface
	caps, err := l.capabilities(ctx, iface != LAN)
	if err != nil {
		return err
	}
	if iface == Auto {
		iface = LAN
		if caps.Extended && caps.SupportsIPMI20 {
			iface = LANPlus
		}
		l.s.log.Debug("interface chosen", "peer", l.s.peer, "interface", iface)
	}
	if iface == LAN {
		return l.open15(ctx, caps)
	}
	err = l.open20(ctx)
	if errors.Is(err, ipmi.ErrTimeout) && !(caps.Extended && caps.SupportsIPMI20) {
		// Capabilities are often wrong, so they are believed only now.
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
		caps, err := l.capabilities(ctx, false)
		if err != nil {
			return err
		}
		return l.open15(ctx, caps)
	}
	_, err := l.openSuite(ctx, info.CipherSuite, l.tries)
	return err
}

// patience is how long each exchange of the log-in may take.
func (l *login) patience(i Interface, tries int) patience {
	p := l.s.config.patience(i)
	p.tries = max(tries, 1)
	if l.s.config.timeout == 0 {
		p.rto = l.rtt.rto(l.s.config.minRTO, l.s.config.maxRTO)
	}
	return p
}

// probe is Transport.probe, and measures.
func (l *login) probe(ctx context.Context, p patience, packet func([]byte) ([]byte, error), accept func(*rmcp.Packet) bool) error {
	var sent time.Time
	n := 0
	err := l.s.transport.probe(ctx, l.s.peer, p, func(dst []byte) ([]byte, error) {
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
	l.seq = (l.seq + 1) & rmcp.MaxSeq
	q := rmcp.Message{
		To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: cmd.NetFn, Seq: l.seq, Cmd: cmd.Code, Data: data,
	}
	message := rmcp.AppendMessage(nil, &q)
	var resp ipmi.RawResponse
	err := l.probe(ctx, pat, func(dst []byte) ([]byte, error) { return wrap(dst, message) }, func(p *rmcp.Packet) bool {
		if p.Class != rmcp.ClassIPMI || p.PayloadType != ipmi.PayloadIPMI {
			return false
		}
		payload, err := open(p)
		if err != nil {
			return false
		}
		m, err := rmcp.ParseMessage(payload)
		if err != nil || m.NetFn != q.NetFn.Response() || m.Cmd != q.Cmd || m.Seq != q.Seq {
			return false
		}
		resp = ipmi.RawResponse{Code: m.Code, Data: append([]byte(nil), m.Data...)}
		return true
	})
	return resp, err
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
func (l *login) capabilities(ctx context.Context, extended bool) (ipmi.ChannelAuthCapabilities, error) {
	iface := LANPlus
	if !extended {
		iface = LAN
	}
	q := ipmi.GetChannelAuthCapabilities{Extended: extended, Channel: presentChannel, Privilege: l.s.config.privilege}
	caps, err := presession(ctx, l, l.patience(iface, l.tries), q)
	var e *ipmi.Error
	if extended && errors.As(err, &e) && e.Code != ipmi.CodeOK {
		q.Extended = false
		caps, err = presession(ctx, l, l.patience(iface, l.tries), q)
	}
	return caps, err
}

// presentChannel stands for the channel that a request comes in on.
const presentChannel = 0x0e
