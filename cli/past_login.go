package cli

import (
	"encoding/hex"
	"path/filepath"
	"time"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/rmcp"
)

// A pastLogin is the best that the BMC at an address gave when lom had the choice. Before a session is open, nothing proves who answers:
// so that a BMC gives less than it did is told, and never passed over. Only sessions over lanplus are kept, whose keys prove
// the BMC, its GUID and the suite.
type pastLogin struct {
	guid  ipmi.GUID
	suite rmcp.CipherSuite
}

// kindLogin is the kind of file that keeps one.
const kindLogin = "login"

// loginRefresh is the age at which a file that still holds is written again, so that it is not removed as an old one.
const loginRefresh = 7 * 24 * time.Hour

func (a *App) loginFile(dir string) string {
	return filepath.Join(dir, hashName("%s %d", a.Options.Host, a.Options.Port)+"."+kindLogin)
}

func (p pastLogin) words() string {
	return fmt.Sprintf("%s %d %x", client.LANPlus, p.suite.ID, p.guid[:])
}

// recallLogin sets what is known of the BMC's last log-ins.
func (a *App) recallLogin() {
	a.Options.past = nil
	dir := a.cacheDir()
	if dir == "" || !a.overNetwork() {
		return
	}
	words, _, ok := readCache(a.loginFile(dir), kindLogin)
	var iface, guid string
	var id int
	if n, _ := fmt.Sscanf(words, "%s %d %s", &iface, &id, &guid); !ok || n != 3 || iface != string(client.LANPlus) {
		return
	}
	suite, known := rmcp.CipherSuiteByID(id)
	b, err := hex.DecodeString(guid)
	if !known || err != nil || len(b) != len(ipmi.GUID{}) {
		return
	}
	a.Options.past = &pastLogin{guid: ipmi.GUID(b), suite: suite}
}

// judgeLogin names what the session has less than was to be expected, and keeps what it has.
//
// It warns, and does not refuse, where the session is still one that nobody can read or change: a BMC whose firmware or settings have
// changed must not stop a fence agent. Less than that is refused before there is a session: see client.Dial and chosenInterface.
func (a *App) judgeLogin(s Session) {
	if b, ok := s.(bridgedSession); ok {
		s = b.session
	}
	session, ok := s.(interface{ Info() client.Info })
	if !ok {
		return
	}
	o, info := &a.Options, session.Info()
	switch {
	case info.Interface == client.LAN && o.Interface == client.Auto:
		a.warn("it says that it does not speak IPMI 2.0, so this session is one of IPMI 1.5, in which anybody can read along; -I lan says that this is right, -I lanplus that it is not")
		return
	case info.Interface != client.LANPlus || o.CipherSuite >= 0:
		return // as it was asked for
	case o.past != nil && o.past.guid == info.GUID && info.CipherSuite.Strength() < o.past.suite.Strength():
		a.warn(fmt.Sprintf("the BMC refuses cipher suite %d, which it has taken before, and this session has suite %d; if that is right, say so with -C %[2]d",
			o.past.suite.ID, info.CipherSuite.ID))
		return
	}
	dir, now := a.cacheDir(), pastLogin{info.GUID, info.CipherSuite}
	if dir == "" || o.past != nil && *o.past == now && !a.older(a.loginFile(dir), loginRefresh) {
		return
	}
	if err := writeCache(a.loginFile(dir), kindLogin, now.words(), nil); err != nil {
		a.Log.Info("not kept", "kind", kindLogin, "error", err)
	}
}

// warn prints a sentence about the BMC that is no failure.
func (a *App) warn(sentence string) {
	if a.oneOf { // the line begins with the host
		fmt.Fprintln(a.Err, sentence)
		return
	}
	fmt.Fprintf(a.Err, "%s: %s: %s\n", a.Name, a.Options.peer(), sentence)
}

// chosenInterface is the interface to log in over. A BMC that has spoken IPMI 2.0 goes on to: auto does not ask it, because anybody can
// answer that it does not.
func (o *Options) chosenInterface() client.Interface {
	if o.Interface == client.Auto && o.past != nil {
		return client.LANPlus
	}
	return o.Interface
}
