package rack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"lom/rmcp"
)

// canShare reports whether one socket can answer at many loopback addresses. Linux takes all of
// 127.0.0.0/8 for this machine's own, tells to which address a datagram came, and sends answers
// from it.
const canShare = true

// batch is how many datagrams are read and written by one system call.
const batch = 64

// receiveBuffer is what the socket of a rack keeps of datagrams that come while others are
// answered, in bytes.
const receiveBuffer = 16 << 20

// idlePoll is for how long the end of a request is awaited more precisely than by the runtime's
// timers, which may be a millisecond late.
const idlePoll = 20 * time.Millisecond

// grain is how late an answer may be so that it goes out together with others.
const grain = 100 * time.Microsecond

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

// A slot is a datagram of a batch, with what goes to the kernel with it and what the kernel reports
// of it.
type slot struct {
	iov     unix.Iovec
	peer    unix.RawSockaddrInet4
	control packetInfo
	data    [rmcp.MaxPacket + 1]byte // what fills it was cut off, and its length is wrong
}

// packetInfo is the control message with the address of this machine, from IP_PKTINFO.
type packetInfo struct {
	header unix.Cmsghdr
	info   unix.Inet4Pktinfo
}

// A slots is a batch of datagrams.
type slots struct {
	messages [batch]message
	slot     [batch]slot
}

func newSlots() *slots {
	b := new(slots)
	for i := range b.slot {
		s, h := &b.slot[i], &b.messages[i].header
		s.iov.Base = &s.data[0]
		h.Iov, h.Name, h.Control = &s.iov, (*byte)(unsafe.Pointer(&s.peer)),
			(*byte)(unsafe.Pointer(&s.control))
		h.SetIovlen(1)
	}
	return b
}

// A sharedSocket answers at many addresses of this machine.
type sharedSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	at   netip.AddrPort

	in          *slots
	read        int           // datagrams in in
	failed      syscall.Errno // of the last system call
	wait        time.Duration // for which poll waits
	tryReading  func(fd uintptr)
	awaitRead   func(fd uintptr) bool
	poll        func(fd uintptr)
	hasDeadline bool

	mu      sync.Mutex // guards the rest
	out     *slots
	waiting int  // datagrams in out
	working bool // the goroutine that receives will call flush
	write   func(fd uintptr)
}

// listenShared opens a socket for the loopback addresses of this machine at a port; 0 is one that
// is free.
func listenShared(port uint16) (socket, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		controlErr := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
			// Datagrams from other hosts are dropped. Old kernels allow this to root only; there is
			// no harm without it: a datagram to another than a loopback address is for nobody.
			_ = unix.BindToDevice(int(fd), "lo")
			// More than net.core.rmem_max is for root.
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) !=
				nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
			}
		})
		return errors.Join(controlErr, err)
	}}
	pc, err := c.ListenPacket(context.Background(), "udp4",
		netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	s := &sharedSocket{conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), in: newSlots(),
		out: newSlots()}
	if s.raw, err = conn.SyscallConn(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.tryReading = func(fd uintptr) { s.readBatch(fd) }
	s.awaitRead = func(fd uintptr) bool { s.readBatch(fd); return s.failed != unix.EAGAIN }
	s.poll = func(fd uintptr) {
		t := unix.NsecToTimespec(int64(s.wait))
		_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &t, nil)
	}
	s.write = s.writeBatch
	return s, nil
}

// isShared reports whether a socket answers at all loopback addresses.
func isShared(s socket) bool {
	_, is := s.(*sharedSocket)
	return is
}

func (s *sharedSocket) addr() netip.AddrPort { return s.at }

func (s *sharedSocket) close() error { return s.conn.Close() }

// readBatch reads what there is, without waiting.
func (s *sharedSocket) readBatch(fd uintptr) {
	for i := range s.in.slot {
		x, h := &s.in.slot[i], &s.in.messages[i].header
		x.iov.SetLen(len(x.data))
		h.Namelen, h.Flags = uint32(unsafe.Sizeof(x.peer)), 0
		h.SetControllen(int(unsafe.Sizeof(x.control)))
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd,
			uintptr(unsafe.Pointer(&s.in.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		if s.read, s.failed = int(n), errno; errno != 0 {
			s.read = 0
		}
		if errno != unix.EINTR {
			return
		}
	}
}

// receive implements socket. It reads what there is before it looks at the time, so that a rack
// under load hears.
func (s *sharedSocket) receive(deadline time.Time,
	f func(netip.Addr, netip.AddrPort, []byte)) error {
	s.read, s.failed = 0, 0
	err := s.raw.Control(s.tryReading)
	if err == nil && s.failed == unix.EAGAIN {
		err = s.await(deadline)
	}
	s.mu.Lock()
	s.working = true
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for i := range s.read {
		m, x := &s.in.messages[i], &s.in.slot[i]
		to, from, ok := m.addresses(x)
		if ok {
			f(to, from, x.data[:m.length])
		}
	}
	if s.failed != 0 && s.failed != unix.EAGAIN {
		return os.NewSyscallError("recvmmsg", s.failed)
	}
	return nil
}

// await waits for datagrams, or until the deadline.
func (s *sharedSocket) await(deadline time.Time) error {
	if !deadline.IsZero() {
		if s.wait = max(time.Until(deadline), grain); s.wait < idlePoll {
			if err := s.raw.Control(s.poll); err != nil {
				return err
			}
			return s.raw.Control(s.tryReading)
		}
	}
	if !deadline.IsZero() || s.hasDeadline {
		if err := s.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		s.hasDeadline = !deadline.IsZero()
	}
	return s.raw.Read(s.awaitRead)
}

// addresses returns whom a datagram is to and from.
func (m *message) addresses(x *slot) (to netip.Addr, from netip.AddrPort, ok bool) {
	if m.header.Namelen < uint32(unsafe.Sizeof(x.peer)) || x.peer.Family != unix.AF_INET ||
		int(m.header.Controllen) <
			int(unsafe.Sizeof(x.control.header)+unsafe.Sizeof(x.control.info)) ||
		x.control.header.Level != unix.IPPROTO_IP || x.control.header.Type != unix.IP_PKTINFO ||
		int(m.length) > len(x.data) {
		return to, from, false
	}
	port := (*[2]byte)(unsafe.Pointer(&x.peer.Port)) // in the order of the network
	return netip.AddrFrom4(x.control.info.Addr),
		netip.AddrPortFrom(netip.AddrFrom4(x.peer.Addr), uint16(port[0])<<8|uint16(port[1])), true
}

// send implements socket.
func (s *sharedSocket) send(from netip.Addr, to netip.AddrPort, packet []byte) {
	if !to.Addr().Is4() || !from.Is4() || len(packet) > rmcp.MaxPacket {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, h := &s.out.slot[s.waiting], &s.out.messages[s.waiting].header
	x.iov.SetLen(copy(x.data[:], packet))
	x.peer.Family, x.peer.Addr = unix.AF_INET, to.Addr().As4()
	*(*[2]byte)(unsafe.Pointer(&x.peer.Port)) = [2]byte{byte(to.Port() >> 8), byte(to.Port())}
	h.Namelen = uint32(unsafe.Sizeof(x.peer))
	x.control.header.Level, x.control.header.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	x.control.header.SetLen(int(unsafe.Sizeof(x.control.header) + unsafe.Sizeof(x.control.info)))
	x.control.info = unix.Inet4Pktinfo{Spec_dst: from.As4()}
	h.SetControllen(int(unsafe.Sizeof(x.control)))
	if s.waiting++; s.waiting == batch || !s.working {
		s.sendAll()
	}
}

// flush implements socket.
func (s *sharedSocket) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = false
	s.sendAll()
}

// sendAll sends what waits. The caller holds the lock.
func (s *sharedSocket) sendAll() {
	if s.waiting > 0 {
		_ = s.raw.Control(s.write) // closed: nobody waits for an answer any more
		s.waiting = 0
	}
}

// writeBatch sends what waits. A datagram that cannot be sent is a datagram lost: the client asks
// again.
func (s *sharedSocket) writeBatch(fd uintptr) {
	for i := 0; i < s.waiting; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd,
			uintptr(unsafe.Pointer(&s.out.messages[i])), uintptr(s.waiting-i), unix.MSG_DONTWAIT, 0,
			0)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			i++
		default:
			i += max(int(n), 1)
		}
	}
}
