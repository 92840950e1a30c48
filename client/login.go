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

	silent  int           // tries since the BMC was heard last
	heard   bool          // the BMC has answered a knock during the exchange under way
	slowest time.Duration // that an answer has taken
	extra   int           // packets that a slow BMC may still have to work on
	repeats int           // packets that were sent again before they were answered
	badSums bool          // the BMC's answers have wrong checksums

	alive bool                         // the BMC has answered something
	v20   bool                         // it has answered in IPMI 2.0
	caps  ipmi.ChannelAuthCapabilities // what it said of itself, if it was asked

	link rmcp.Session
	info Info
}

func newLogin(s *Session, tries int) *login {
	return &login{s: s, tries: tries, seq: uint8(randomID()) & rmcp.MaxSeq, tag: uint8(randomID())}
}

// first logs in for the first time. What the BMC can do is only asked where the interface is to be
// found out: it costs an exchange, and what BMCs say is often wrong.
func (l *login) first(ctx context.Context) error {
	iface := l.s.config.iface
	if iface != LANPlus {
		if err := l.capabilities(ctx, iface != LAN); err != nil {
			return err
		}
	}
	if iface == Auto {
		// Whoever forges this answer gets a log-in that gives away no more than an attacker can
		// have of any BMC of IPMI 1.5 (see chooseAuth), and Info says over which interface it is.
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
	switch {
	case !errors.Is(err, ipmi.ErrTimeout) || !l.alive || l.v20:
		return err
	case !(l.caps.Extended && l.caps.SupportsIPMI20):
		return ipmi.ErrNoIPMI20
	}
	return &UnclearError{What: "it answers Get Channel Authentication Capabilities, but not the " +
		"Open Session Request", Causes: []error{ipmi.ErrTimeout}}
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
	most := p.total()
	p.tries = max(tries, 1)
	if i == LANPlus && l.silent > 0 {
		p.first += time.Duration(l.silent) * p.grow
		p.tries = max(min(p.tries, l.hope()-l.silent), 1)
	}
	if l.s.config.timeout == 0 {
		p.rto = l.rtt.rto(l.s.config.minRTO, l.s.config.maxRTO)
		// A BMC that works on one packet after the other gets to the next one when it is through
		// with all that were sent before.
		p = p.atLeast(l.slowest*time.Duration(2+l.extra), most)
	}
	return p
}

// hope is how many tries without a word from the BMC there may be in a row, over several exchanges
// and handshakes.
func (l *login) hope() int { return max(l.tries, l.s.config.tries) }

// spent reports whether the BMC has been silent for as long as it may.
func (l *login) spent() bool { return l.silent >= l.hope() }

// probe is Transport.probe, and measures.
func (l *login) probe(ctx context.Context, p patience, packet func([]byte) ([]byte, error),
	accept func(*rmcp.Packet) bool) error {
	var first, last time.Time
	n, extra := 0, l.extra
	l.heard = false
	err := l.s.mux.probe(ctx, l.s.peer, p, func(dst []byte) ([]byte, error) {
		last = time.Now()
		if n++; n == 1 {
			first = last
		}
		return packet(dst)
	}, accept)
	now := time.Now()
	switch {
	case err == nil:
		took := now.Sub(first)
		if n == 1 {
			l.rtt.sample(took)
		} else if since := now.Sub(last); since < took/10 {
			took = since // so soon after the last packet it is the answer to that one
		}
		l.slowest = max(l.slowest, took)
		// what was sent before has been worked on
		l.silent, l.repeats, l.extra = 0, l.repeats+n-1, l.extra-extra+n-1
	case errors.Is(err, ipmi.ErrTimeout):
		l.extra += n
		if l.silent += p.tries; l.heard {
			l.silent = 0
		}
	}
	return err
}

// ask sends a command in the format of IPMI 1.5 outside a session. wrap makes the packet of the
// message, and take finds its answer in a packet.
func (l *login) ask(ctx context.Context, pat patience, cmd ipmi.Command, data []byte,
	wrap func(dst, message []byte) ([]byte, error),
	take func(q *rmcp.Message, p *rmcp.Packet) (rmcp.Message, error)) (ipmi.RawResponse, error) {
	q := l.message(cmd, data)
	message := rmcp.AppendMessage(nil, &q)
	var resp ipmi.RawResponse
	for {
		spoiled := false
		err := l.probe(ctx, pat, func(dst []byte) ([]byte, error) {
			return wrap(dst, message)
		}, func(p *rmcp.Packet) bool {
			m, err := take(&q, p)
			spoiled = errors.Is(err, rmcp.ErrChecksum)
			if err != nil && !spoiled {
				return false
			}
			resp = ipmi.RawResponse{Code: m.Code, Data: append([]byte(nil), m.Data...)}
			return true
		})
		if err != nil {
			return resp, err
		}
		l.alive = true
		// A packet that was spoiled on its way is asked for once more. Where that has a wrong
		// checksum again, the BMC does not know better, as some of Supermicro (FreeIPMI's
		// workaround nochecksumcheck).
		if again := spoiled && !l.badSums && !pat.once; again {
			l.badSums = true
			continue
		}
		l.badSums = spoiled
		return resp, nil
	}
}

// message is the next message outside a session.
func (l *login) message(cmd ipmi.Command, data []byte) rmcp.Message {
	l.seq = (l.seq + 1) & rmcp.MaxSeq
	return rmcp.Message{
		To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: cmd.NetFn, Seq: l.seq,
		Cmd: cmd.Code, Data: data,
	}
}

// answerTo finds the answer to a message outside a session in a packet. With an ErrChecksum it is
// there, but perhaps spoiled.
func answerTo(q *rmcp.Message, p *rmcp.Packet) (rmcp.Message, error) {
	if p.Class != rmcp.ClassIPMI || p.PayloadType != ipmi.PayloadIPMI || p.Encrypted {
		return rmcp.Message{}, rmcp.ErrStray
	}
	m, err := rmcp.ParseMessage(p.Payload)
	if (err == nil || errors.Is(err, rmcp.ErrChecksum)) &&
		(m.NetFn != q.NetFn.Response() || m.Cmd != q.Cmd || m.Seq != q.Seq) {
		err = rmcp.ErrStray
	}
	return m, err
}

// outside is answerTo for a packet outside a session.
func outside(q *rmcp.Message, p *rmcp.Packet) (rmcp.Message, error) {
	if p.SessionID != 0 || p.Authenticated {
		return rmcp.Message{}, rmcp.ErrStray
	}
	return answerTo(q, p)
}

// presession carries out a typed command outside a session, in the format of IPMI 1.5.
func presession[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, l *login,
	pat patience, q Q) (R, error) {
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

// capabilities asks what the BMC can do. Some BMCs of IPMI 1.5 know nothing of the bit that asks
// for the data of IPMI 2.0.
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
	return ipmi.GetChannelAuthCapabilities{Extended: extended, Channel: presentChannel,
		Privilege: l.s.config.privilege}
}

// A knock asks what the BMC can do beside another exchange, because that has no answer: one without
// IPMI 2.0 is silent when it is asked for a session of 2.0, as one is that is not there.
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
		k.login.extra++
		k.login.s.mux.write(k.packet, k.login.s.peer)
	}
}

// take notes the answer.
func (k *knock) take(p *rmcp.Packet) {
	m, err := outside(&k.message, p)
	if err != nil && !errors.Is(err, rmcp.ErrChecksum) {
		return
	}
	k.login.alive, k.login.heard = true, true
	if m.Code == ipmi.CodeOK && k.login.caps.UnmarshalBinary(m.Data) != nil {
		k.login.caps = ipmi.ChannelAuthCapabilities{}
	}
}

// presentChannel stands for the channel that a request comes in on.
const presentChannel = 0x0e
