package client

import (
	"context"
	"errors"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A login opens a session. Its fields hold what it has learnt of the BMC.
type login struct {
	s      *Session
	tries  int  // of each exchange
	proven bool // the user and the secrets have opened a session before
	rtt    rttEstimator
	seq    uint8
	tag    uint8

	silent  int           // tries since the last packet from the BMC
	heard   bool          // the BMC has answered a knock during the present request
	slowest time.Duration // the longest time that an answer took
	extra   int           // packets that a slow BMC may still have in its queue
	repeats int           // retransmissions before an answer
	badSums bool          // answers of the BMC have wrong checksums

	alive bool                         // the BMC has answered something
	v20   bool                         // it has answered in IPMI 2.0
	caps  ipmi.ChannelAuthCapabilities // of the BMC, if it was asked

	link rmcp.Session
	info Info
}

func newLogin(s *Session, tries int) *login {
	return &login{s: s, tries: tries, seq: uint8(randomID()) & rmcp.MaxSeq, tag: uint8(randomID())}
}

// first logs in for the first time. It asks for the BMC's capabilities only if it has to choose the
// interface: asking costs a round trip, and the answer is often wrong.
func (l *login) first(ctx context.Context) error {
	iface := l.s.config.iface
	if iface != LANPlus {
		if err := l.capabilities(ctx, iface != LAN); err != nil {
			return err
		}
	}
	if iface == Auto {
		// If this answer is forged, the log-in reveals no more than an attacker can get of any IPMI
		// 1.5 log-in (see chooseAuth), and Info shows the interface.
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

// again logs in like first, without asking for what is known.
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

// schedule returns the retry schedule of a request of the log-in.
func (l *login) schedule(i Interface, tries int) retrySchedule {
	p := l.s.config.schedule(i)
	most := p.total()
	p.tries = max(tries, 1)
	if i == LANPlus && l.silent > 0 {
		p.first += time.Duration(l.silent) * p.grow
		p.tries = max(min(p.tries, l.hope()-l.silent), 1)
	}
	if l.s.config.timeout == 0 {
		p.rto = l.rtt.rto(l.s.config.minRTO, l.s.config.maxRTO)
		// A BMC that works on one packet after the other comes to the next one only after all that
		// were sent before.
		p = p.atLeast(l.slowest*time.Duration(2+l.extra), most)
	}
	return p
}

// hope is how many tries in a row, over several requests and handshakes, may go without a packet
// from the BMC.
func (l *login) hope() int { return max(l.tries, l.s.config.tries) }

// spent reports whether the BMC has been silent for all of hope.
func (l *login) spent() bool { return l.silent >= l.hope() }

// probe is endpoint.probe that measures the RTT.
func (l *login) probe(ctx context.Context, p retrySchedule, packet func([]byte) ([]byte, error),
	accept func(*rmcp.Packet) bool) error {
	var first, last time.Time
	n, extra := 0, l.extra
	l.heard = false
	err := l.s.endpoint.probe(ctx, l.s.peer, p, func(dst []byte) ([]byte, error) {
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
			took = since // so soon after a retransmission, it answers an earlier packet
		}
		l.slowest = max(l.slowest, took)
		// the packets before have been worked on
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
func (l *login) ask(ctx context.Context, schedule retrySchedule, cmd ipmi.Command, data []byte,
	wrap func(dst, message []byte) ([]byte, error),
	take func(q *rmcp.Message, p *rmcp.Packet) (rmcp.Message, error)) (ipmi.RawResponse, error) {
	q := l.message(cmd, data)
	message := rmcp.AppendMessage(nil, &q)
	var resp ipmi.RawResponse
	for {
		spoiled := false
		err := l.probe(ctx, schedule, func(dst []byte) ([]byte, error) {
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
		// A packet with a wrong checksum is requested once more, in case it was damaged on its way.
		// If that is wrong too, the BMC makes them so, like some of Supermicro (FreeIPMI's
		// workaround nochecksumcheck).
		if again := spoiled && !l.badSums && !schedule.once; again {
			l.badSums = true
			continue
		}
		l.badSums = spoiled
		return resp, nil
	}
}

// message builds the next message outside a session.
func (l *login) message(cmd ipmi.Command, data []byte) rmcp.Message {
	l.seq = (l.seq + 1) & rmcp.MaxSeq
	return rmcp.Message{
		To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: cmd.NetFn, Seq: l.seq,
		Cmd: cmd.Code, Data: data,
	}
}

// answerTo finds the answer to a message outside a session in a packet. With an ErrChecksum the
// answer is returned, but may be damaged.
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

// presession is Do outside a session, in the format of IPMI 1.5.
func presession[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, l *login,
	schedule retrySchedule, q Q) (R, error) {
	var r R
	data, err := q.AppendBinary(nil)
	if err != nil {
		return r, err
	}
	resp, err := l.ask(ctx, schedule, q.Command(), data, rmcp.AppendPresession15, outside)
	if err != nil {
		return r, err
	}
	if resp.Code != ipmi.CodeOK {
		return r, &ipmi.Error{Peer: l.s.peer.String(), Command: q.Command(), Code: resp.Code}
	}
	return r, PR(&r).UnmarshalBinary(resp.Data)
}

// capabilities asks for the BMC's capabilities (§22.13). Some IPMI 1.5 BMCs refuse the bit that
// asks for IPMI 2.0 data.
func (l *login) capabilities(ctx context.Context, extended bool) error {
	iface := LANPlus
	if !extended {
		iface = LAN
	}
	q := l.capabilitiesRequest(extended)
	caps, err := presession(ctx, l, l.schedule(iface, l.tries), q)
	var e *ipmi.Error
	if extended && errors.As(err, &e) && e.Code != ipmi.CodeOK {
		q.Extended = false
		caps, err = presession(ctx, l, l.schedule(iface, l.tries), q)
	}
	l.caps = caps
	return err
}

func (l *login) capabilitiesRequest(extended bool) ipmi.GetChannelAuthCapabilities {
	return ipmi.GetChannelAuthCapabilities{Extended: extended, Channel: presentChannel,
		Privilege: l.s.config.privilege}
}

// A knock asks for the BMC's capabilities while another request has no answer. A BMC without IPMI
// 2.0 is silent when it is asked for a 2.0 session, and so is a BMC that is down; the knock tells
// them apart.
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

// send sends the knock, unless the BMC has answered anything.
func (k *knock) send() {
	if !k.login.alive {
		k.login.extra++
		k.login.s.endpoint.write(k.packet, k.login.s.peer)
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

// presentChannel stands for the channel that a request arrives on (§6.3).
const presentChannel = 0x0e
