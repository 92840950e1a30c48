package libvirt

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// Config says which domain it is and where libvirt is.
type Config struct {
	Domain string // name

	// URI is libvirt's connection URI: DRIVER:///system or DRIVER:///session by a socket of this
	// machine, DRIVER+tcp://HOST[:PORT]/system by TCP, DRIVER+ssh://[USER@]HOST[:PORT]/system by
	// the program ssh. "" is qemu:///system.
	URI string
	// Socket is the socket of libvirt's daemon, if it is not where distributions have it. ?socket=
	// of the URI says it too.
	Socket string
	// History is how many of the newest characters of the domain's console are kept for those who
	// open it. With it, the console is open as long as the domain runs, and "virsh console" needs
	// --force.
	History int
}

// Check says what is wrong in a description, in one sentence.
func (c *Config) Check() error {
	if c.Domain == "" {
		return errors.New("name the domain, as virsh list --all shows it")
	}
	_, err := c.target()
	return err
}

// A target is a libvirt daemon, and what it is asked to open.
type target struct {
	network   string   // unix, tcp or ssh
	addresses []string // that are tried, the first that answers is taken
	name      golibvirt.ConnectURI
	ssh       sshTarget
}

// driver returns the name of the hypervisor's driver.
func (t *target) driver() string {
	driver, _, _ := strings.Cut(string(t.name), ":")
	return driver
}

// defaultURI is that of virtual machines of the system, as for virsh.
const defaultURI = "qemu:///system"

// tcpPort is that of libvirt's daemon without TLS.
const tcpPort = "16509"

// uri returns the URI as people know it.
func (c *Config) uri() string {
	if c.URI == "" {
		return defaultURI
	}
	return c.URI
}

// target reads the URI.
func (c *Config) target() (t target, err error) {
	uri := c.uri()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Path == "" || u.Opaque != "" {
		return t, fmt.Errorf("%q is not a URI of libvirt; write it like %s", uri, defaultURI)
	}
	query := u.Query()
	driver, transport, given := strings.Cut(u.Scheme, "+")
	if !given && u.Host == "" {
		transport = "unix"
	}
	t.network = transport
	if t.name = golibvirt.ConnectURI(query.Get("name")); t.name == "" {
		t.name = golibvirt.ConnectURI(driver + "://" + u.Path)
	}
	socket := query.Get("socket")
	if c.Socket != "" {
		socket = c.Socket
	}
	if _, secret := u.User.Password(); secret {
		return t, errors.New("the URI of libvirt has a password in it, which everyone sees who " +
			"sees the URI; remove it, and give ssh a key")
	}
	switch {
	case transport == "unix" && u.Host == "":
		if t.addresses = []string{socket}; socket == "" {
			t.addresses = sockets(driver, u.Path == "/session")
		}
	case transport == "tcp" && u.Hostname() != "":
		port := u.Port()
		if port == "" {
			port = tcpPort
		}
		t.addresses = []string{net.JoinHostPort(u.Hostname(), port)}
	case transport == "ssh" && u.Hostname() != "":
		t.addresses = []string{u.Hostname()}
		t.ssh = sshTarget{
			program: query.Get("command"), user: u.User.Username(), host: u.Hostname(),
			port: u.Port(), key: query.Get("keyfile"), driver: driver, socket: socket,
		}
		err = t.ssh.check()
	default:
		return t, fmt.Errorf("%q is a way to libvirt that lom does not know; it knows %s, "+
			"%s+tcp://HOST/system and %s+ssh://USER@HOST/system", uri, defaultURI, driver, driver)
	}
	return t, err
}

// sockets returns where the sockets of libvirt's daemons are: that for the driver alone, which
// newer versions have, and that for all.
func sockets(driver string, session bool) []string {
	folder := "/run/libvirt"
	if session {
		folder = os.Getenv("XDG_RUNTIME_DIR")
		if folder == "" {
			folder, _ = os.UserCacheDir() // without a home, the socket is not found
		}
		folder = filepath.Join(folder, "libvirt")
	}
	return []string{filepath.Join(folder, "virt"+driver+"d-sock"),
		filepath.Join(folder, "libvirt-sock")}
}
