package cli

import (
	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine/cache"
	"lom/rmcp"
)

// A pastLogin is the best that the BMC at an address gave when lom had the choice. Before a session
// is open, nothing proves who answers: so that a BMC gives less than it did is told, and never
// passed over. Only sessions over lanplus are kept, whose keys prove the BMC, its GUID and the
// suite.
type pastLogin struct {
	guid  ipmi.GUID
	suite rmcp.CipherSuite
}

// recallLogin sets what is known of the BMC's last log-ins.
func (a *App) recallLogin() {
	a.Options.past = nil
	if !a.overNetwork() {
		return
	}
	l, ok := a.cacheDir().Login(a.cachePeer())
	if suite, known := rmcp.CipherSuiteByID(l.Suite); ok && known {
		a.Options.past = &pastLogin{guid: l.GUID, suite: suite}
	}
}

// judgeLogin names what the session has less than was to be expected, and keeps what it has.
//
// It warns, and does not refuse, where the session is still one that nobody can read or change: a
// BMC whose firmware or settings have changed must not stop a fence agent. Less than that is
// refused before there is a session: see client.Dial and chosenInterface.
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
		a.warn("it says that it does not speak IPMI 2.0, so this session is one of IPMI 1.5, in " +
			"which anybody can read along; -I lan says that this is right, -I lanplus that it is not")
		return
	case info.Interface != client.LANPlus || o.CipherSuite >= 0:
		return // as it was asked for
	case o.past != nil && o.past.guid == info.GUID &&
		info.CipherSuite.Strength() < o.past.suite.Strength():
		a.warn(fmt.Sprintf("the BMC refuses cipher suite %d, which it has taken before, and this "+
			"session has suite %d; if that is right, say so with -C %[2]d",
			o.past.suite.ID, info.CipherSuite.ID))
		return
	}
	a.cacheDir().KeepLogin(a.cachePeer(),
		cache.Login{GUID: info.GUID, Suite: int(info.CipherSuite.ID)})
}

// warn prints a sentence about the BMC that is no failure.
func (a *App) warn(sentence string) {
	if a.oneOf { // the line begins with the host
		fmt.Fprintln(a.Err, sentence)
		return
	}
	fmt.Fprintf(a.Err, "%s: %s: %s\n", a.Name, a.Options.peer(), sentence)
}

// chosenInterface is the interface to log in over. A BMC that has spoken IPMI 2.0 goes on to: auto
// does not ask it, because anybody can answer that it does not.
func (o *Options) chosenInterface() client.Interface {
	if o.Interface == client.Auto && o.past != nil {
		return client.LANPlus
	}
	return o.Interface
}
