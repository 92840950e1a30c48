package client

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many packets a batch has at most.
const batchSize = 64

// batchSocket is an unconnected UDP socket, read by recvmmsg and written by sendmmsg.
type batchSocket struct {
	sharedSocket
	raw     syscall.RawConn
	v6      bool // of addresses of IPv6, which those of IPv4 are mapped into
	in, out batch
	zones   map[uint32]string // of link-local addresses, by scope ID
}

// A batch is the memory of one system call. Nothing is allocated for a call.
type batch struct {
	headers [batchSize]mmsghdr
	iovs    [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet6
	n, done int
	errno   syscall.Errno
	call    func(fd uintptr) bool
}

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	header unix.Msghdr
	n      uint32
}

// newSharedSocket wraps an unconnected socket.
func newSharedSocket(conn *net.UDPConn) socket {
	askForRefusals(conn)
	shared := sharedSocket{conn}
	raw, err := conn.SyscallConn()
	if err != nil {
		return &shared
	}
	s := &batchSocket{sharedSocket: shared, raw: raw, zones: map[uint32]string{}}
	if err := raw.Control(s.prepare); err != nil {
		return &shared
	}
	s.in.call, s.out.call = s.in.caller(unix.SYS_RECVMMSG), s.out.caller(unix.SYS_SENDMMSG)
	return s
}

// prepare determines the family of the socket and makes its buffers as large as the system allows;
// as root, as large as socketBuffer.
func (s *batchSocket) prepare(fd uintptr) {
	if name, err := unix.Getsockname(int(fd)); err == nil {
		_, s.v6 = name.(*unix.SockaddrInet6)
	}
	for _, options := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF},
		{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, options[0], socketBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, options[1], socketBuffer)
		}
	}
}

func (*batchSocket) batch() int { return batchSize }

// caller returns the function that makes the system call, unless it would have to wait.
func (b *batch) caller(trap uintptr) func(fd uintptr) bool {
	return func(fd uintptr) bool {
		for {
			n, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&b.headers)),
				uintptr(b.n), unix.MSG_DONTWAIT, 0, 0)
			if errno == unix.EINTR {
				continue
			}
			b.done, b.errno = int(n), errno
			if errno != 0 {
				b.done = 0
			}
			return errno != unix.EAGAIN
		}
	}
}

// set makes buf, which is not empty, the i-th packet.
func (b *batch) set(i int, buf []byte, nameLen uint32) {
	iov, h := &b.iovs[i], &b.headers[i].header
	iov.Base = &buf[0]
	iov.SetLen(len(buf))
	h.Iov = iov
	h.SetIovlen(1)
	h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	h.Namelen = nameLen
}

func (s *batchSocket) read(ds []datagram) (int, error) {
	in := &s.in
	in.n = min(len(ds), batchSize)
	for i := range in.n {
		b := ds[i].b
		in.set(i, b[:cap(b)], unix.SizeofSockaddrInet6)
	}
	if err := s.raw.Read(in.call); err != nil {
		return 0, err
	}
	if in.errno != 0 {
		return 0, in.errno
	}
	for i := range in.done {
		ds[i].b = ds[i].b[:in.headers[i].n]
		ds[i].peer = s.address(&in.names[i])
	}
	return in.done, nil
}

func (s *batchSocket) write(ds []datagram) (int, error) {
	out := &s.out
	out.n = 0
	for i, d := range ds {
		if i == batchSize || len(d.b) == 0 {
			break
		}
		size := s.setAddress(&out.names[i], d.peer)
		if size == 0 { // a zone, or an address that the socket cannot send to
			break
		}
		out.set(i, d.b, size)
		out.n++
	}
	if out.n == 0 {
		return s.sharedSocket.write(ds[:1])
	}
	if err := s.raw.Write(out.call); err != nil {
		return 0, err
	}
	if out.errno != 0 {
		return 0, out.errno
	}
	return out.done, nil
}

// address reads an address. The memory has room for those of both families.
func (s *batchSocket) address(name *unix.RawSockaddrInet6) netip.AddrPort {
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), networkOrder(v4.Port))
	}
	a := netip.AddrFrom16(name.Addr).Unmap()
	if name.Scope_id != 0 && a.Is6() {
		a = a.WithZone(s.zone(name.Scope_id))
	}
	return netip.AddrPortFrom(a, networkOrder(name.Port))
}

// setAddress writes an address, and returns its size, or 0 if it has none for this socket.
func (s *batchSocket) setAddress(name *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	a := to.Addr()
	switch {
	case !s.v6 && a.Is4():
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(to.Port()),
			Addr: a.As4()}
		return unix.SizeofSockaddrInet4
	case s.v6 && a.Zone() == "":
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: networkOrder(to.Port()),
			Addr: a.As16()}
		return unix.SizeofSockaddrInet6
	}
	return 0
}

// networkOrder converts a port between the machine's byte order and the network's.
func networkOrder(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

// zone returns the name of an interface, or its number.
func (s *batchSocket) zone(id uint32) string {
	if z, ok := s.zones[id]; ok {
		return z
	}
	z := strconv.FormatUint(uint64(id), 10)
	if i, err := net.InterfaceByIndex(int(id)); err == nil {
		z = i.Name
	}
	s.zones[id] = z
	return z
}
