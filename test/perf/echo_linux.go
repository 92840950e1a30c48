package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// echoRole is one end of what the kernel's UDP alone can do: no IPMI, no Go runtime between the
// system calls, nothing allocated. The server answers at all loopback addresses from one socket, as
// a rack does; the client asks as many addresses as there are BMCs from one socket, as a Transport
// does.
func echoRole(args []string) int {
	f := flag.NewFlagSet("echo", flag.ContinueOnError)
	var e echo
	f.IntVar(&e.port, "port", 0, "of the server; without it, this is the server")
	f.IntVar(&e.peers, "peers", 1, "addresses")
	f.IntVar(&e.size, "size", 64, "bytes of a packet")
	f.IntVar(&e.batch, "batch", 64, "packets in a system call, at most")
	f.IntVar(&e.flight, "flight", 256, "packets under way")
	f.DurationVar(&e.time, "for", 3*time.Second, "duration")
	if err := f.Parse(args); err != nil {
		return 2
	}
	runtime.LockOSThread()
	err := e.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "perf echo:", err)
		return 1
	}
	return 0
}

type echo struct {
	port, peers, size, batch, flight int
	time                             time.Duration
}

// An echoed is what one end has to tell.
type echoed struct {
	Port         int // of the server, told first
	Packets      int
	Calls        int // that received something
	Took         time.Duration
	User, System time.Duration
}

// message is a struct mmsghdr.
type message struct {
	unix.Msghdr
	length uint32
	_      [4]byte
}

// batches is room for a batch of packets.
type batches struct {
	messages []message
	names    []unix.RawSockaddrInet4
	vectors  []unix.Iovec
	data     []byte
	control  []byte
}

func (e *echo) room(control int) *batches {
	b := &batches{
		messages: make([]message, e.batch), names: make([]unix.RawSockaddrInet4, e.batch),
		vectors: make([]unix.Iovec, e.batch),
		data:    make([]byte, e.batch*e.size), control: make([]byte, e.batch*control+1),
	}
	for i := range b.messages {
		m := &b.messages[i]
		b.vectors[i].Base = &b.data[i*e.size]
		b.vectors[i].SetLen(e.size)
		m.Iov, m.Name, m.Namelen = &b.vectors[i], (*byte)(unsafe.Pointer(&b.names[i])),
			unix.SizeofSockaddrInet4
		m.SetIovlen(1)
		if control > 0 {
			m.Control = &b.control[i*control]
			m.SetControllen(control)
		}
	}
	return b
}

// call is sendmmsg or recvmmsg.
func (b *batches) call(number uintptr, fd, n, flags int) (int, error) {
	for {
		got, _, errno := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])),
			uintptr(n), uintptr(flags), 0, 0)
		switch errno {
		case 0:
			return int(got), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

func (e *echo) run() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// The kernel gives as much as it allows.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20)
	if e.port == 0 {
		return e.serve(fd)
	}
	return e.ask(fd)
}

// serve answers until standard input ends, and tells its CPU time then.
func (e *echo) serve(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		return err
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(echoed{Port: own.(*unix.SockaddrInet4).Port}); err != nil {
		return err
	}
	go func() {
		var b [1]byte
		for {
			if _, err := os.Stdin.Read(b[:]); err != nil {
				user, system := ownCPU()
				_ = out.Encode(echoed{User: user, System: system})
				os.Exit(0)
			}
		}
	}()
	control := unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	b := e.room(control)
	for {
		n, err := b.call(unix.SYS_RECVMMSG, fd, e.batch, unix.MSG_WAITFORONE)
		if err != nil {
			return err
		}
		// What came with a packet, its addresses among it, goes back as it is: the answer comes
		// from where the packet was sent to.
		for sent := 0; sent < n; {
			m, err := b.call(unix.SYS_SENDMMSG, fd, n, 0)
			if err != nil {
				return err
			}
			sent += m
		}
		for i := range n {
			b.messages[i].SetControllen(control)
			b.messages[i].Flags = 0
		}
	}
}

// ask keeps packets under way to all peers in turn.
func (e *echo) ask(fd int) error {
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		return err
	}
	second := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &second); err != nil {
		return err
	}
	out, in := e.room(0), e.room(0)
	next := 0
	first := netip.MustParseAddr("127.0.0.1").As4()
	send := func(n int) error {
		for n > 0 {
			k := min(n, e.batch)
			for i := range k {
				at := uint32(first[1])<<16 + uint32(first[2])<<8 + uint32(first[3]) + uint32(next)
				out.names[i] = unix.RawSockaddrInet4{Family: unix.AF_INET,
					Addr: [4]byte{first[0], byte(at >> 16), byte(at >> 8), byte(at)}}
				port := (*[2]byte)(unsafe.Pointer(&out.names[i].Port))
				port[0], port[1] = byte(e.port>>8), byte(e.port)
				if next++; next == e.peers {
					next = 0
				}
			}
			m, err := out.call(unix.SYS_SENDMMSG, fd, k, 0)
			if err != nil {
				return err
			}
			n -= m
		}
		return nil
	}
	began := time.Now()
	if err := send(e.flight); err != nil {
		return err
	}
	var r echoed
	for time.Since(began) < e.time {
		n, err := in.call(unix.SYS_RECVMMSG, fd, e.batch, unix.MSG_WAITFORONE)
		if errors.Is(err, unix.EAGAIN) {
			return errors.New("all packets under way were lost: fewer of them (-flight) fit " +
				strconv.Itoa(e.flight))
		}
		if err != nil {
			return err
		}
		r.Packets += n
		r.Calls++
		if err := send(n); err != nil {
			return err
		}
	}
	r.Took = time.Since(began)
	r.User, r.System = ownCPU()
	return json.NewEncoder(os.Stdout).Encode(r)
}
