package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vbmcFile is what VirtualBMC 2 writes for "vbmc add node-0 --port 6230 --password 100%".
const vbmcFile = `[VirtualBMC]
username = admin
password = 100%%
address = ::
port = 6230
domain_name = node-0
libvirt_uri = qemu:///system
active = True

`

// vbmcFolderOf makes a folder of VirtualBMC with files for domains.
func vbmcFolderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for domain, text := range files {
		if err := os.Mkdir(filepath.Join(dir, domain), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, domain, "config"), []byte(text), 0o600); err !=
			nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "master.pid"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVBMCFolder(t *testing.T) {
	change := func(pairs ...string) string {
		return strings.NewReplacer(pairs...).Replace(vbmcFile)
	}
	dir := vbmcFolderOf(t, map[string]string{
		"node-0": vbmcFile,
		"node-1": change("node-0", "node-1", "6230", "6231", "True", "False"),
		"node 2": change("node-0", "node 2", "6230", "6232", "::", "127.0.0.9", "qemu:///system",
			"qemu+ssh://root@192.0.2.1/system", "active = True", ""),
		"node_2":  change("node-0", "node_2", "6230", "6233", "True", "true", "address = ::\n", ""),
		"nothing": "[VirtualBMC]\nactive = False\n",
	})
	f := rackFile{VBMC: dir, Servers: []rackServer{{Name: "node_2", Listen: "127.0.0.1:1"}}}
	if err := f.addVBMC(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range f.Servers[1:] {
		got = append(got, fmt.Sprint(s.Name, " ", s.Listen, " ", *s.Host.Libvirt, " ",
			s.Users[0].Name, " ", s.Users[0].secret.Reveal()))
	}
	want := []string{
		"node_2-2 127.0.0.9:6232 {node 2 qemu+ssh://root@192.0.2.1/system } admin 100%",
		"node-0 [::]:6230 {node-0 qemu:///system } admin 100%",
		"node_2-3 [::]:6233 {node_2 qemu:///system } admin 100%",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := f.rack(rackUser{}); err == nil ||
		!strings.Contains(err.Error(), "is no address and port") {
		t.Errorf("without a default address: %v", err)
	}
	f.override(&bmcOptions{listen: bmcListen, count: 1})
	f.Servers = f.Servers[1:]
	if f.needsPassword() {
		t.Error("a password is made up for those who have one")
	}
	c, err := f.rack(rackUser{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Servers) != 3 || c.Servers[1].BMC.Users[0].Password.Reveal() != "100%" ||
		c.Servers[1].Addr.String() != "[::]:6230" {
		t.Errorf("%+v", c.Servers)
	}
}

// VirtualBMC's own file may say that the folder is elsewhere.
func TestVBMCElsewhere(t *testing.T) {
	other := vbmcFolderOf(t, map[string]string{"node-0": vbmcFile})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "virtualbmc.conf"),
		[]byte("[default]\nshow_passwords = false\nconfig_dir: "+other+"\n[log]\ndebug = true\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	f := rackFile{VBMC: dir}
	if err := f.addVBMC(); err != nil || len(f.Servers) != 1 {
		t.Errorf("%v, %d BMCs", err, len(f.Servers))
	}
}

func TestVBMCFailsInOneSentence(t *testing.T) {
	change := func(old, with string) string {
		t.Helper()
		if !strings.Contains(vbmcFile, old) {
			t.Fatal(old)
		}
		return strings.Replace(vbmcFile, old, with, 1)
	}
	for text, want := range map[string]string{
		"": "there is no section [VirtualBMC]; correct it, or " +
			"have VirtualBMC write it again",
		"username = admin": "line 1: a section such as [VirtualBMC] is to " +
			"begin before that; correct it",
		change("port = 6230", "port"): "line 5: that is no key = value; " +
			"correct it",
		change("port = 6230", "port = 1e3"):              `port: "1e3" is no port; write a number from 1 to 65535`,
		change("port = 6230", "port = 70000"):            `port: "70000" is no port`,
		change("port = 6230\n", ""):                      `port: "" is no port`,
		change("address = ::", "address = host.example"): `address: "host.example" is no IP address; write one, or :: for all that this machine has`,
		change("username = admin",
			"username ="): "username: IPMI has names of 1 to 16 bytes",
		change("100%%", "0123456789012345678901"): "password: IPMI has passwords of " +
			"1 to 20 bytes; write another",
		change("100%%", "secret%"): "password: a percent sign is " +
			"written twice, and is nothing else here; write %%",
		change("100%%", "secret\n  secret"): "password: the value goes on in " +
			"the next line",
		change("100%%", "secret\npassword = secret"): "line 4: a key has a name, and is " +
			"there once",
		change("qemu:///system", "qemu"): `libvirt_uri: "qemu" is not a URI of libvirt; write it like qemu:///system`,
		change("qemu:///system", "qemu://host/system"): "is a way to libvirt that lom " +
			"does not know; it knows qemu:///system",
		change("active", "libvirt_sasl_username = x\nactive"): "libvirt_sasl_username: lom does " +
			"not log in to libvirt by SASL; remove it",
		change("active = True", "active = False"): "none of the 1 BMCs in ",
	} {
		dir := vbmcFolderOf(t, map[string]string{"node-0": text})
		code, out, errs := runBMCs(t, "bmc", "--vbmc", dir)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 ||
			!strings.Contains(errs, want) || !strings.Contains(errs, dir) {
			t.Errorf("%s\nexit code %d\n%s%s\nwant %s", text, code, out, errs, want)
		}
		if strings.Contains(errs, "secret") || strings.Contains(errs, "01234") {
			t.Errorf("a password is told: %s", errs)
		}
	}
	empty := t.TempDir()
	if code, _, errs := runBMCs(t, "bmc", "--vbmc", empty); code != 1 ||
		!strings.Contains(errs, "there is no BMC of VirtualBMC in "+empty) {
		t.Errorf("%d %s", code, errs)
	}
	none := filepath.Join(empty, "none")
	if code, _, errs := runBMCs(t, "bmc", "--vbmc", none); code != 1 ||
		!strings.Contains(errs, "VirtualBMC's folder "+none+
			" cannot be read: no such file or directory") {
		t.Errorf("%d %s", code, errs)
	}
}

// No file makes the reader of VirtualBMC's files fail otherwise than by an error, and none of what
// it takes is out of its limits.
func FuzzVBMC(f *testing.F) {
	f.Add([]byte(vbmcFile))
	f.Add([]byte("[DEFAULT]\nport: 6230\n[VirtualBMC]\nusername=a\n  b\npassword=%(username)s\n; " +
		"comment\n"))
	f.Add([]byte("[VirtualBMC]\nusername=a\npassword=b\nport=1\naddress=fe80::1%eth0\nlibvirt_uri=qemu+tcp://h/system"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, active, err := parseVBMC("node-0", data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		if !active {
			return
		}
		s.Name = vbmcName("node-0", map[string]bool{})
		file := rackFile{Default: rackServer{Listen: bmcListen}, Servers: []rackServer{s}}
		if _, err := file.rack(rackUser{}); err != nil {
			t.Errorf("%v: what was read is not taken", err)
		}
	})
}
