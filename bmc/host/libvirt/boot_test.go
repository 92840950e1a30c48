package libvirt

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"lom/bmc/host"
)

// What libvirt 9 writes, but for what has nothing to do with booting.
const (
	byKind = `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>node1</name>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='hd'/>
    <boot dev='network'/>
    <bootmenu enable='no'/>
  </os>
  <devices>
    <disk type='file' device='disk'><source file='/d &amp; e'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='network'><source network='default'/></interface>
    <console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>
  </devices>
  <qemu:commandline><qemu:arg value='-boot'/></qemu:commandline>
</domain>
`
	byNumber = `<domain type='kvm'>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><target dev='vda'/><boot order='2'/></disk>
    <disk type='file' device='disk'><target dev='vdb'/></disk>
    <disk type='file' device='cdrom'><target dev='sda'/></disk>
    <interface type='user'><boot order='1'/></interface>
    <hostdev mode='subsystem'><boot order='3'/></hostdev>
    <interface type='user'/>
  </devices>
</domain>
`
	byKernel = `<domain type='qemu'>
  <os>
    <type>hvm</type>
    <kernel>/srv/vmlinuz</kernel>
    <initrd>/srv/initrd</initrd>
    <cmdline>console=ttyS0</cmdline>
  </os>
  <devices>
    <disk type='file' device='cdrom'><target dev='sda'/></disk>
  </devices>
</domain>
`
)

func TestBootDevice(t *testing.T) {
	for _, c := range []struct {
		name, text string
		device     host.Device
		want       []string // of what is put in and what is left, in this order
		gone       []string
	}{
		{"the domain's own", byKind, host.BootDefault, []string{"<boot dev='hd'/>\n    <boot dev='network'/>"}, nil},
		{"kind", byKind, host.BootCD, []string{"<boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/></os>"}, []string{"<boot dev='hd'/>\n"}},
		{"kind that is there", byKind, host.BootNetwork, []string{"<boot dev='network'/><boot dev='hd'/></os>"}, nil},
		{"kind that the domain has not", byKind, host.BootFloppy, []string{"<boot dev='hd'/>\n    <boot dev='network'/>"}, []string{"fd"}},
		{"menu", byKind, host.BootSetup, []string{"<boot dev='hd'/>", "<bootmenu enable='yes' timeout='10000'/></os>"}, []string{"enable='no'"}},
		{"number", byNumber, host.BootDisk, []string{"vda", "<boot order='1'/>", "vdb", "<boot order='2'/>", "sda'/></disk>", "<boot order='3'/></interface>", "<boot order='4'/></hostdev>", "<interface type='user'/>"}, nil},
		{"number of one without", byNumber, host.BootCD, []string{"vda'/><boot order='3'/>", "vdb'/></disk>", "sda'/><boot order='1'/>", "<boot order='2'/></interface>", "<boot order='4'/></hostdev>"}, nil},
		{"kernel", byKernel, host.BootDefault, []string{"<kernel>"}, nil},
		{"not the kernel", byKernel, host.BootCD, []string{"<boot dev='cdrom'/></os>"}, []string{"kernel", "initrd", "cmdline"}},
		{"nothing but the kernel", byKernel, host.BootDisk, []string{"<kernel>"}, []string{"<boot"}},
	} {
		got, err := withBoot(c.text, c.device)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		rest := got
		for _, w := range c.want {
			_, after, found := strings.Cut(rest, w)
			if !found {
				t.Errorf("%s: no %s in\n%s", c.name, w, got)
			}
			rest = after
		}
		for _, g := range c.gone {
			if strings.Contains(got, g) {
				t.Errorf("%s: there is %s in\n%s", c.name, g, got)
			}
		}
		for _, kept := range []string{"<qemu:arg value='-boot'/>", "/d &amp; e"} {
			if strings.Contains(c.text, kept) != strings.Contains(got, kept) {
				t.Errorf("%s: %s is not kept", c.name, kept)
			}
		}
		before, _ := readDescription(c.text)
		after, err := readDescription(got)
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, got)
		}
		if same := before.boot() == after.boot(); same != (c.text == got) {
			t.Errorf("%s: %q and %q", c.name, before.boot(), after.boot())
		}
	}
}

func TestBadDescriptions(t *testing.T) {
	for _, text := range []string{"", "domain", "<domain>", "<domain></os>", "<domain",
		strings.Repeat("<a>", 100), "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"} {
		if _, err := readDescription(text); !errors.Is(err, errXML) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := withBoot("<domain type='lxc'><os><type>exe</type></os></domain>",
		host.BootDisk); err != host.ErrUnsupported {
		t.Errorf("a container boots: %v", err)
	}
}

// Whatever a description says, one that is edited is as good XML as it was, asks for what was
// asked, and editing it again changes nothing.
func FuzzDescription(f *testing.F) {
	for _, text := range []string{byKind, byNumber, byKernel,
		"<domain><os><type>hvm</type><boot/></os><devices><disk><boot " +
			"order='1'/></disk><disk/></devices></domain>"} {
		for d := range host.BootFloppy + 1 {
			f.Add(text, uint8(d))
		}
	}
	f.Fuzz(func(t *testing.T, text string, device uint8) {
		d := host.Device(device) % (host.BootFloppy + 1)
		once, err := withBoot(text, d)
		if err != nil || d == host.BootDefault {
			return
		}
		if !wellFormed(text) {
			return // libvirt writes none
		}
		if !wellFormed(once) {
			t.Fatalf("no XML any more:\n%s\n%s", text, once)
		}
		twice, err := withBoot(once, d)
		if err != nil {
			t.Fatal(err)
		}
		first, err := readDescription(once)
		if err != nil {
			t.Fatal(err)
		}
		second, err := readDescription(twice)
		if err != nil {
			t.Fatal(err)
		}
		if first.boot() != second.boot() {
			t.Fatalf("%q, and then %q:\n%s\n%s", first.boot(), second.boot(), text, once)
		}
	})
}

func wellFormed(text string) bool {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return true
		} else if err != nil {
			return false
		}
	}
}
