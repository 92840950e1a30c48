package client

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"lom/ipmi"
)

// What follows is the interface of the kernel's ipmi_devintf, declared in
// include/uapi/linux/ipmi.h.

// Types of addresses and of received messages, and the channel that stands for the BMC itself.
const (
	addrSystemInterface = 0x0c
	addrIPMB            = 0x01
	channelBMC          = 0x0f

	recvResponse = 1
	recvEvent    = 2
)

// driverAddr is struct ipmi_system_interface_addr, and struct ipmi_ipmb_addr.
type driverAddr struct {
	kind    int32
	channel int16
	bytes   [2]uint8 // the LUN, or slave address and LUN
}

// driverMsg is struct ipmi_msg.
type driverMsg struct {
	netFn, cmd uint8
	dataLen    uint16
	data       unsafe.Pointer
}

// driverReq is struct ipmi_req. A C long is as wide as a pointer on Linux.
type driverReq struct {
	addr    unsafe.Pointer
	addrLen uint32
	msgID   int
	msg     driverMsg
}

// driverRecv is struct ipmi_recv.
type driverRecv struct {
	kind    int32
	addr    unsafe.Pointer
	addrLen uint32
	msgID   int
	msg     driverMsg
}

// The requests of ioctl.
var (
	ioctlReceiveTrunc = ioctlNumber(ioctlRead|ioctlWrite, 11, unsafe.Sizeof(driverRecv{}))
	ioctlSend         = ioctlNumber(ioctlRead, 13, unsafe.Sizeof(driverReq{}))
	ioctlSetEvents    = ioctlNumber(ioctlRead, 16, unsafe.Sizeof(int32(0)))
	ioctlSetAddress   = ioctlNumber(ioctlRead, 17, unsafe.Sizeof(uint32(0)))
)

// Directions of ioctl.
const (
	ioctlWrite = 1 << iota
	ioctlRead
)

// ioctlNumber makes the number of a request of the IPMI driver, as include/uapi/asm-generic/ioctl.h
// does, or that of PowerPC and MIPS.
func ioctlNumber(direction, number, size uintptr) uintptr {
	shift := 30
	if strings.HasPrefix(runtime.GOARCH, "ppc") || strings.HasPrefix(runtime.GOARCH, "mips") {
		shift = 29
		if direction&ioctlWrite != 0 {
			direction = direction&^ioctlWrite | 4
		}
	}
	return direction<<shift | size<<16 | 'i'<<8 | number
}

// openDriver opens the device with the given number.
func openDriver(number int) (driver, string, error) {
	return openDriverIn("/", number)
}

// openDriverIn is openDriver below a root directory.
func openDriverIn(root string, number int) (driver, string, error) {
	names := [...]string{fmt.Sprintf("dev/ipmi%d", number), fmt.Sprintf("dev/ipmi/%d", number),
		fmt.Sprintf("dev/ipmidev/%d", number)}
	for _, name := range names {
		path := filepath.Join(root, name)
		// Non-blocking, so that Go's poller takes it.
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			d, err := newKernelDriver(os.NewFile(uintptr(fd), path))
			return d, path, err
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
			continue
		case errors.Is(err, fs.ErrPermission):
			return nil, path, fmt.Errorf("%w: the IPMI device is root's; run lom as root, or "+
				"give this user the device", err)
		case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
			return nil, path, fmt.Errorf("%w at this file: %s", ipmi.ErrNoDevice,
				remedy(root, number))
		}
		return nil, path, err
	}
	return nil, filepath.Join(root, names[0]),
		fmt.Errorf("%w: %s", ipmi.ErrNoDevice, remedy(root, number))
}

// remedy returns why there is no device, and what to do.
func remedy(root string, number int) string {
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	switch {
	case exists(fmt.Sprintf("sys/class/ipmi/ipmi%d", number)):
		return "the kernel has it, but not this container or chroot; give it the device"
	case !exists("sys/class/ipmi"):
		return "the driver is not loaded; as root: modprobe -a ipmi_devintf ipmi_si"
	case number != 0 && exists("sys/class/ipmi/ipmi0"):
		return "the driver has no device of that number; omit -d, or look into " +
			"/sys/class/ipmi"
	}
	return "the driver is loaded, but has found no BMC in this machine; as root: modprobe -a " +
		"ipmi_si ipmi_ssif, then see what dmesg says of ipmi"
}

// kernelDriver is Linux' IPMI driver. Its file is in Go's poller.
type kernelDriver struct {
	file *os.File
	raw  syscall.RawConn
	// Of the last message; only receive uses them. They are here so that they have a fixed address.
	recv driverRecv
	from [40]byte // room for any struct ipmi_addr
	data [1024]byte
}

func newKernelDriver(f *os.File) (*kernelDriver, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &kernelDriver{file: f, raw: raw}, nil
}

// control makes one ioctl that does not block.
func (k *kernelDriver) control(request uintptr, arg unsafe.Pointer) error {
	var errno syscall.Errno
	err := k.raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
	})
	switch {
	case err != nil:
		return err
	case errno != 0:
		return errno
	}
	return nil
}

func (k *kernelDriver) send(to deviceAddress, id int64, netFn ipmi.NetFn, cmd uint8,
	data []byte) error {
	if len(data) > math.MaxUint16 {
		return &ipmi.RangeError{Field: "length of the request", Value: len(data),
			Max: math.MaxUint16}
	}
	addr := &driverAddr{kind: addrSystemInterface, channel: channelBMC, bytes: [2]uint8{to.lun}}
	if to.slave != 0 {
		*addr = driverAddr{kind: addrIPMB, channel: int16(to.channel),
			bytes: [2]uint8{to.slave, to.lun}}
	}
	req := &driverReq{
		addr: unsafe.Pointer(addr), addrLen: uint32(unsafe.Sizeof(*addr)), msgID: int(id),
		msg: driverMsg{netFn: uint8(netFn), cmd: cmd, dataLen: uint16(len(data)),
			data: unsafe.Pointer(unsafe.SliceData(data))},
	}
	err := k.control(ioctlSend, unsafe.Pointer(req))
	runtime.KeepAlive(addr)
	runtime.KeepAlive(data)
	if to.slave != 0 && errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("the driver cannot reach address %02xh on channel %d; see what "+
			"channels the BMC has", to.slave, to.channel)
	}
	if errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("the driver carries no request of %d bytes", len(data))
	}
	return err
}

func (k *kernelDriver) receive() (deviceMessage, error) {
	var errno syscall.Errno
	err := k.raw.Read(func(fd uintptr) bool {
		k.recv = driverRecv{
			addr: unsafe.Pointer(&k.from), addrLen: uint32(len(k.from)),
			msg: driverMsg{dataLen: uint16(len(k.data)), data: unsafe.Pointer(&k.data)},
		}
		for {
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, ioctlReceiveTrunc,
				uintptr(unsafe.Pointer(&k.recv)))
			if errno != unix.EINTR {
				return errno != unix.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return deviceMessage{}, err
	case errno == unix.EMSGSIZE:
		return deviceMessage{}, fmt.Errorf("%w: longer than any message", ipmi.ErrMalformed)
	case errno != 0:
		return deviceMessage{}, errno
	case k.recv.kind != recvResponse && k.recv.kind != recvEvent:
		return deviceMessage{}, fmt.Errorf("%w: of type %d", ipmi.ErrMalformed, k.recv.kind)
	}
	n := min(int(k.recv.msg.dataLen), len(k.data))
	return deviceMessage{
		event: k.recv.kind == recvEvent, id: int64(k.recv.msgID),
		netFn: ipmi.NetFn(k.recv.msg.netFn), cmd: k.recv.msg.cmd,
		data: append([]byte(nil), k.data[:n]...),
	}, nil
}

func (k *kernelDriver) events(on bool) error {
	var v int32
	if on {
		v = 1
	}
	return k.control(ioctlSetEvents, unsafe.Pointer(&v))
}

func (k *kernelDriver) setAddress(slave uint8) error {
	v := uint32(slave)
	return k.control(ioctlSetAddress, unsafe.Pointer(&v))
}

func (k *kernelDriver) close() error { return k.file.Close() }
