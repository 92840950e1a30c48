package cache

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"lom/ipmi"
)

// A Peer is the address of a BMC on the network: what is known of it before there is a session.
type Peer struct {
	Host string
	Port int
}

// ModelWords names the model and firmware of a BMC.
func ModelWords(id ipmi.DeviceID) string {
	aux := [4]byte{}
	if id.AuxiliaryVersion != nil {
		aux = *id.AuxiliaryVersion
	}
	return fmt.Sprintf("%d.%d.%d.%02x.%x", id.Manufacturer, id.Product,
		id.FirmwareMajor, id.FirmwareMinor, aux)
}

// windowAge is how long it is believed how many requests at a time a model takes. After that it is
// found out again: the network may have been to blame.
const windowAge = 7 * 24 * time.Hour

func (d Dir) peerFile(kind string, p Peer) string { return d.file(kind, "%s %d", p.Host, p.Port) }

// Model returns the words for the model that was at an address the last time, and "" if that is not
// known.
func (d Dir) Model(p Peer) string {
	if d.Path == "" {
		return ""
	}
	model, _, _ := read(d.peerFile(kindModel, p), kindModel)
	return model
}

// KeepModel keeps which model is at an address.
func (d Dir) KeepModel(p Peer, model string) {
	if d.Path != "" && d.Model(p) != model {
		d.keep(d.peerFile(kindModel, p), kindModel, model, nil)
	}
}

// Window returns how many requests at a time a model has taken, and 0 if that is not known.
func (d Dir) Window(model string) int {
	if d.Path == "" || model == "" {
		return 0
	}
	file := d.file(kindWindow, "%s", model)
	if d.older(file, windowAge) {
		return 0
	}
	words, _, ok := read(file, kindWindow)
	n, err := strconv.Atoi(words)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n
}

// KeepWindow keeps how many requests at a time a model takes.
func (d Dir) KeepWindow(model string, n int) {
	if d.Path != "" {
		d.keep(d.file(kindWindow, "%s", model), kindWindow, strconv.Itoa(n), nil)
	}
}

// A Login is how a session over lanplus was protected: its keys prove the BMC's GUID and the suite.
type Login struct {
	GUID  ipmi.GUID
	Suite int // the ID of the cipher suite
}

const loginInterface = "lanplus"

// loginRefresh is the age at which a file that is still right is written again, so that it is not
// removed as an old one.
const loginRefresh = 7 * 24 * time.Hour

// Login returns what is kept of the last log-in at an address. ok is false if nothing is.
func (d Dir) Login(p Peer) (l Login, ok bool) {
	if d.Path == "" {
		return l, false
	}
	words, _, ok := read(d.peerFile(kindLogin, p), kindLogin)
	var name, guid string
	n, _ := fmt.Sscanf(words, "%s %d %s", &name, &l.Suite, &guid)
	if !ok || n != 3 || name != loginInterface {
		return Login{}, false
	}
	b, err := hex.DecodeString(guid)
	if err != nil || len(b) != len(l.GUID) {
		return Login{}, false
	}
	l.GUID = ipmi.GUID(b)
	return l, true
}

// KeepLogin keeps a log-in at an address.
func (d Dir) KeepLogin(p Peer, l Login) {
	if d.Path == "" {
		return
	}
	file := d.peerFile(kindLogin, p)
	if past, ok := d.Login(p); ok && past == l && !d.older(file, loginRefresh) {
		return
	}
	d.keep(file, kindLogin, fmt.Sprintf("%s %d %x", loginInterface, l.Suite, l.GUID[:]), nil)
}
