//go:build linux

// Answer runs in the guest, as system management software: it takes one OEM command that a remote
// console sends to LUN 2 of the BMC (IPMI 2.0 §6.13.1), and answers it with the data of the request
// in reverse.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The command that is answered.
const (
	netFn = 0x30
	code  = 0x77
)

// What follows is from the kernel's include/uapi/linux/ipmi.h.
type message struct {
	netFn, cmd uint8
	length     uint16
	data       unsafe.Pointer
}

type request struct {
	addr    unsafe.Pointer
	addrLen uint32
	id      int
	msg     message
}

type received struct {
	kind    int32
	addr    unsafe.Pointer
	addrLen uint32
	id      int
	msg     message
}

type commandSpec struct{ netFn, cmd uint8 }

const receivedCommand = 3

func control(fd int, direction, number, size uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd),
		direction<<30|size<<16|'i'<<8|number, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

func run() error {
	fd, err := unix.Open("/dev/ipmi0", unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	spec := commandSpec{netFn, code}
	if err := control(fd, 2, 14, unsafe.Sizeof(spec), unsafe.Pointer(&spec)); err != nil {
		return fmt.Errorf("register for the command: %w", err)
	}
	fmt.Println("waiting for a command")
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 120_000)
	}
	if err != nil {
		return err
	}
	var from [40]byte
	var data [300]byte
	var pin runtime.Pinner // what the structures point to
	defer pin.Unpin()
	pin.Pin(&from)
	pin.Pin(&data)
	r := received{addr: unsafe.Pointer(&from), addrLen: uint32(len(from)),
		msg: message{length: uint16(len(data)), data: unsafe.Pointer(&data)}}
	if err := control(fd, 3, 11, unsafe.Sizeof(r), unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if r.kind != receivedCommand || r.msg.netFn != netFn || r.msg.cmd != code {
		return fmt.Errorf("not the command: %+v", r)
	}
	var answer [301]byte // a completion code first
	for i := range r.msg.length {
		answer[1+i] = data[r.msg.length-1-i]
	}
	pin.Pin(&answer)
	q := request{addr: r.addr, addrLen: r.addrLen, id: r.id,
		msg: message{netFn: netFn + 1, cmd: code, length: 1 + r.msg.length,
			data: unsafe.Pointer(&answer)}}
	if err := control(fd, 2, 13, unsafe.Sizeof(q), unsafe.Pointer(&q)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	fmt.Println("answered")
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "answer:", err)
		os.Exit(1)
	}
}
