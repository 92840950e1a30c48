package libvirt

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lom/bmc/host"
)

// The description of a domain says in one of two ways from where it boots: by kinds of device, in
// <os>, or by numbers that devices have, in <devices>. A kernel in <os> goes before both. The
// description is edited where that stands, and every other byte of it stays.

// A description is what a domain's description says of booting.
type description struct {
	kinds   []string // of <boot dev=…>, in order
	devices []device // all of them, in order
	kernel  bool
	menu    bool // the firmware shows its menu
	console string

	boots   []span // elements <boot>
	kernels []span // <kernel> and what belongs to it
	menus   []span // <bootmenu>
	osEnd   int    // where </os> begins, 0 if there is none
	machine bool   // it is a whole machine, not a container
}

// A span is a part of the text.
type span struct{ begin, end int }

// A device is one from which a machine may boot.
type device struct {
	kind  string // as in <boot dev=…>; "" is another kind
	order int    // 0: none
	end   int    // where its end tag begins, 0 if it has none
}

// An element is one that has begun.
type element struct {
	name  string
	attr  map[string]string
	begin int
}

// kindOf is the kind of device that a boot device is, as in <boot dev=…>.
var kindOf = map[host.Device]string{
	host.BootNetwork: "network", host.BootDisk: "hd", host.BootSafe: "hd",
	host.BootDiagnostic: "hd", host.BootCD: "cdrom",
	host.BootFloppy: "fd",
}

// errXML is wrapped by the errors of readDescription.
var errXML = errors.New("libvirt's description of the domain is not understood")

// maxDepth is how deep elements may be in one another.
const maxDepth = 64

// readDescription reads the description of a domain.
func readDescription(text string) (*description, error) {
	d := &description{}
	decoder := xml.NewDecoder(strings.NewReader(text))
	var open []element
	for any := false; ; {
		before := int(decoder.InputOffset())
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) && len(open) == 0 && any {
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) == maxDepth {
				return nil, fmt.Errorf("%w: it is too deep", errXML)
			}
			e := element{fullName(t.Name), map[string]string{}, before}
			for _, a := range t.Attr {
				e.attr[fullName(a.Name)] = a.Value
			}
			open, any = append(open, e), true
			if len(open) == 3 && pathOf(open[:2]) == "domain/devices" {
				d.devices = append(d.devices, device{kind: e.kind()})
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != fullName(t.Name) {
				return nil, fmt.Errorf("%w: </%s> ends nothing", errXML, t.Name.Local)
			}
			after := int(decoder.InputOffset())
			if before == after {
				before = 0 // <…/>: there is no end tag
			}
			d.element(open, span{open[len(open)-1].begin, after}, before)
			open = open[:len(open)-1]
		case xml.CharData:
			if pathOf(open) == "domain/os/type" && strings.TrimSpace(string(t)) == "hvm" {
				d.machine = true
			}
		}
	}
}

// fullName returns a name as it is written.
func fullName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// pathOf returns the names of elements that are in one another.
func pathOf(open []element) string {
	var names []string
	for _, e := range open {
		names = append(names, e.name)
	}
	return strings.Join(names, "/")
}

// kind returns the kind of a device, as in <boot dev=…>.
func (e *element) kind() string {
	switch e.name {
	case "interface":
		return "network"
	case "disk":
		switch e.attr["device"] {
		case "", "disk", "lun":
			return "hd"
		case "cdrom":
			return "cdrom"
		case "floppy":
			return "fd"
		}
	}
	return ""
}

// element takes note of an element, the last of those that are open, at its end.
func (d *description) element(open []element, s span, endTag int) {
	e := &open[len(open)-1]
	switch len(open) {
	case 2:
		if pathOf(open) == "domain/os" {
			d.osEnd = endTag
		}
	case 3:
		switch path := pathOf(open[:2]); {
		case path == "domain/devices":
			d.devices[len(d.devices)-1].end = endTag
		case path != "domain/os":
		case e.name == "boot":
			d.boots = append(d.boots, s)
			d.kinds = append(d.kinds, e.attr["dev"])
		case e.name == "bootmenu":
			d.menus = append(d.menus, s)
			d.menu = e.attr["enable"] == "yes"
		case e.name == "kernel", e.name == "initrd", e.name == "cmdline", e.name == "dtb":
			d.kernels = append(d.kernels, s)
			d.kernel = d.kernel || e.name == "kernel"
		}
	case 4:
		if pathOf(open[:2]) != "domain/devices" {
			break
		}
		switch {
		case e.name == "boot":
			d.boots = append(d.boots, s)
			if n, err := strconv.Atoi(e.attr["order"]); err == nil && n > 0 {
				d.devices[len(d.devices)-1].order = n
			}
		case e.name == "alias" && open[2].name == "console" && d.console == "":
			d.console = e.attr["name"]
		}
	}
}

// ordered returns the devices that have numbers, by number.
func (d *description) ordered() (indexes []int) {
	for i, v := range d.devices {
		if v.order > 0 {
			indexes = append(indexes, i)
		}
	}
	slices.SortStableFunc(indexes, func(a, b int) int {
		return cmp.Compare(d.devices[a].order, d.devices[b].order)
	})
	return indexes
}

// boot says in one text from where a domain boots: two descriptions that say the same boot from the
// same.
func (d *description) boot() string {
	var order []string
	count := map[string]int{}
	number := make([]int, len(d.devices)) // among those of its kind
	for i, v := range d.devices {
		count[v.kind]++
		number[i] = count[v.kind]
	}
	for _, i := range d.ordered() {
		if d.devices[i].kind != "" {
			order = append(order, fmt.Sprint(d.devices[i].kind, number[i]))
		}
	}
	return fmt.Sprint(d.kinds, order, d.kernel, d.menu)
}

// edit is a change of the text: what stands in a span makes room for another text.
type edit struct {
	span
	text string
}

// menuTime is how long the firmware waits for a key to show its menu, in milliseconds. Its setup is
// reached from there.
const menuTime = 10000

// withBoot returns the description with another boot device first; what is asked for by BootDefault
// stands in it already. A device of a kind that the domain does not have is passed over, as by a
// machine's firmware.
func withBoot(text string, boot host.Device) (string, error) {
	if boot == host.BootDefault {
		return text, nil
	}
	d, err := readDescription(text)
	if err != nil {
		return "", err
	}
	if d.osEnd == 0 || !d.machine {
		return "", host.ErrUnsupported
	}
	var edits []edit
	kind, there := kindOf[boot]
	there = there && slices.ContainsFunc(d.devices, func(v device) bool { return v.kind == kind })
	switch {
	case boot == host.BootSetup:
		for _, s := range d.menus {
			edits = append(edits, edit{s, ""})
		}
		edits = append(edits, edit{span{d.osEnd, d.osEnd},
			fmt.Sprintf("<bootmenu enable='yes' timeout='%d'/>", menuTime)})
	case !there:
		return text, nil
	default:
		for _, s := range d.boots {
			edits = append(edits, edit{s, ""})
		}
		for _, s := range d.kernels {
			edits = append(edits, edit{s, ""})
		}
		if len(d.ordered()) == 0 {
			edits = append(edits, d.byKind(kind))
		} else {
			edits = append(edits, d.byNumber(kind)...)
		}
	}
	return apply(text, edits), nil
}

// byKind puts a kind before those that <os> has.
func (d *description) byKind(kind string) edit {
	all := "<boot dev='" + kind + "'/>"
	for _, k := range d.kinds {
		if k != kind && slices.Contains([]string{"hd", "cdrom", "network", "fd"}, k) {
			all += "<boot dev='" + k + "'/>"
		}
	}
	return edit{span{d.osEnd, d.osEnd}, all}
}

// byNumber renumbers the devices: those of a kind first, those with a number before those
// without, and then the others that have one.
func (d *description) byNumber(kind string) (edits []edit) {
	var first, last []int
	for _, i := range d.ordered() {
		if d.devices[i].kind == kind {
			first = append(first, i)
		} else {
			last = append(last, i)
		}
	}
	for i, v := range d.devices {
		if v.kind == kind && v.order == 0 {
			first = append(first, i)
		}
	}
	n := 0
	for _, i := range append(first, last...) {
		if at := d.devices[i].end; at > 0 {
			n++
			edits = append(edits, edit{span{at, at}, fmt.Sprintf("<boot order='%d'/>", n)})
		}
	}
	return edits
}

// apply makes changes, which do not overlap.
func apply(text string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.begin, b.begin) })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.WriteString(text[at:e.begin])
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(text[at:])
	return out.String()
}
