package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"lom/ipmi"
)

// The structs and numbers are those of the kernel's header, as a C compiler makes them on machines
// with 64 bits.
func TestDriverLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return
	}
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"size of ipmi_system_interface_addr", unsafe.Sizeof(driverAddr{}), 8},
		{"size of ipmi_msg", unsafe.Sizeof(driverMsg{}), 16},
		{"size of ipmi_req", unsafe.Sizeof(driverReq{}), 40},
		{"size of ipmi_recv", unsafe.Sizeof(driverRecv{}), 48},
		{"IPMICTL_RECEIVE_MSG_TRUNC", ioctlReceiveTrunc, 0xc030690b},
		{"IPMICTL_SEND_COMMAND", ioctlSend, 0x8028690d},
		{"IPMICTL_SET_GETS_EVENTS_CMD", ioctlSetEvents, 0x80046910},
		{"IPMICTL_SET_MY_ADDRESS_CMD", ioctlSetAddress, 0x80046911},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

// Why there is no device, and what to do, is in the error.
func TestOpenDriverErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files  []string
		number int
		want   string
	}{
		"no driver":    {nil, 0, "modprobe -a ipmi_devintf ipmi_si"},
		"no BMC":       {[]string{"sys/class/ipmi/x"}, 0, "found no BMC"},
		"container":    {[]string{"sys/class/ipmi/ipmi0"}, 0, "container"},
		"other number": {[]string{"sys/class/ipmi/ipmi0"}, 3, "omit -d"},
		"a file":       {[]string{"sys/class/ipmi/ipmi0", "dev/ipmi"}, 0, "container"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, f := range c.files {
				if err := os.MkdirAll(filepath.Join(root, filepath.Dir(f)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, f), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, path, err := openDriverIn(root, c.number)
			if !errors.Is(err, ipmi.ErrNoDevice) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
}

func TestOpenDriverPermission(t *testing.T) {
	if os.Getuid() == 0 {
		return // nothing is forbidden to root
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "dev"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "dev/ipmi0"), nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openDriverIn(root, 0); !errors.Is(err, fs.ErrPermission) ||
		!strings.Contains(err.Error(), "as root") {
		t.Error(err)
	}
}
