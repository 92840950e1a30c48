package libvirt

import (
	"context"
	"errors"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"lom/bmc/host"
)

// control carries out an action, and says how that ended to who asked for it; if nobody did, an
// event says that it failed.
func (m *Machine) control(a host.Action, done func(error)) {
	if a != host.SoftShutdown && a != host.Diagnostic {
		m.later.Stop()
	}
	stop := m.overdue(lateAction)
	d, err := m.find()
	if err == nil {
		m.set(d.ID)
		err = m.act(a, d)
	}
	stop()
	if m.failed(err) && m.link != nil {
		// Somebody else, or the guest, may have been faster.
		m.look()
		if p := m.State().Power; a == host.PowerOn && p == host.On ||
			a == host.PowerOff && p == host.Off {
			err = nil
		}
	} else if err == nil && m.State().Power == host.Unknown { // the action was late
		m.look()
	}
	m.mu.Lock()
	m.fault = err
	m.mu.Unlock()
	switch {
	case done != nil && m.ctx.Err() == nil:
		done(err)
	case err != nil:
		m.tell(host.Event{Kind: host.Failed, Err: err})
	}
}

// act carries out an action on the domain as it was found.
func (m *Machine) act(a host.Action, d golibvirt.Domain) error {
	l, on := m.link, d.ID != off
	switch {
	case a == host.PowerOn && on:
		return m.awaken(d)
	case a == host.PowerOn:
		return m.start(d, "")
	case !on:
		return nil // it ended before its turn came
	case a == host.PowerOff:
		return m.destroy(d)
	case a == host.PowerCycle:
		if err := m.destroy(d); err != nil {
			return err
		}
		m.mu.Lock()
		interval := m.interval
		m.mu.Unlock()
		m.later.Reset(interval)
		return nil
	case a == host.Reset:
		return m.reset(d)
	case a == host.Diagnostic:
		return l.query(func() error { return l.DomainInjectNmi(d, 0) })
	}
	err := l.call(actionTime, func() error {
		return l.DomainShutdownFlags(d, golibvirt.DomainShutdownAcpiPowerBtn)
	})
	if is(err, golibvirt.ErrInvalidArg, golibvirt.ErrArgumentUnsupported, golibvirt.ErrNoSupport) {
		// A hypervisor without ACPI has another way.
		err = l.call(actionTime, func() error { return l.DomainShutdownFlags(d, 0) })
	}
	return err
}

// awaken does what the power button does to a machine that is on: it ends its sleep. One that was
// paused runs.
func (m *Machine) awaken(d golibvirt.Domain) error {
	var state, why int32
	err := m.link.query(func() (err error) {
		state, why, err = m.link.DomainGetState(d, 0)
		return err
	})
	switch {
	case err != nil:
		return err
	case golibvirt.DomainState(state) == golibvirt.DomainPmsuspended:
		return m.link.query(func() error { return m.link.DomainPmWakeup(d, 0) })
	case golibvirt.DomainState(state) == golibvirt.DomainPaused &&
		golibvirt.DomainPausedReason(why) == golibvirt.DomainPausedUser:
		return m.resume(d)
	}
	return nil
}

// destroy switches off.
func (m *Machine) destroy(d golibvirt.Domain) error {
	err := m.link.call(actionTime, func() error { return m.link.DomainDestroy(d) })
	if err == nil {
		m.set(off)
	}
	return err
}

// start starts the domain from where it is to boot, by its description if that was read already.
func (m *Machine) start(d golibvirt.Domain, text string) (err error) {
	m.mu.Lock()
	boot := m.boot.Device
	m.mu.Unlock()
	l := m.link
	if text == "" && boot != host.BootDefault {
		if text, err = m.description(d, boot); err != nil {
			return err
		}
	}
	flags := golibvirt.DomainCreateFlags(0)
	paused := m.wantsConsole()
	if paused {
		// until the console is open, so that its first words are heard
		flags = golibvirt.DomainStartPaused
	}
	err = l.call(actionTime, func() error {
		if text == "" {
			d, err = l.DomainCreateWithFlags(d, uint32(flags))
		} else {
			d, err = l.DomainCreateXML(text, flags)
		}
		return err
	})
	if err != nil {
		return err
	}
	m.asked = time.Now()
	if !paused {
		m.set(d.ID)
		return nil
	}
	was := m.note(d.ID)
	m.awaitConsole(d.ID)
	err = m.resume(d)
	m.announce(was, d.ID)
	return err
}

// resume lets a domain run, also when the machine was closed meanwhile, and its link with it.
func (m *Machine) resume(d golibvirt.Domain) error {
	l := m.link
	if m.ctx.Err() != nil {
		var err error
		if l, err = m.target.open(context.Background(), firstTime); err != nil {
			return err
		}
		defer l.close()
	}
	return l.query(func() error { return l.DomainResume(d) })
}

// description returns the domain's description with the boot device in it, "" if it is to be
// started as it is.
func (m *Machine) description(d golibvirt.Domain, boot host.Device) (string, error) {
	l := m.link
	// With a saved image of its memory, the domain goes on where it was, and does not boot.
	var saved int32
	err := l.query(func() (err error) {
		saved, err = l.DomainHasManagedSaveImage(d, 0)
		return err
	})
	if err != nil && !is(err, golibvirt.ErrNoSupport) || saved != 0 {
		return "", err
	}
	text, err := l.xml(d, golibvirt.DomainXMLInactive|golibvirt.DomainXMLSecure)
	if err != nil {
		return "", err
	}
	changed, err := withBoot(text, boot)
	if errors.Is(err, host.ErrUnsupported) {
		return "", nil // a container does not boot
	}
	return changed, err
}

// reset begins the domain from its firmware. A hypervisor cannot make a machine that runs boot from
// elsewhere: if it is to, it is restarted.
func (m *Machine) reset(d golibvirt.Domain) error {
	text, err := m.elsewhere(d)
	switch {
	case err != nil:
		return err
	case text != "":
		return m.restart(d, text)
	}
	err = m.link.query(func() error { return m.link.DomainReset(d, 0) })
	if err != nil {
		return err
	}
	m.asked = time.Now()
	m.owed = m.asked
	m.tell(host.Event{Kind: host.Restarted})
	return nil
}

// elsewhere returns the description by which the domain is to be started if that boots from
// elsewhere than it did, "" if not.
func (m *Machine) elsewhere(d golibvirt.Domain) (string, error) {
	m.mu.Lock()
	boot := m.boot.Device
	m.mu.Unlock()
	running, err := m.link.xml(d, 0)
	if err != nil {
		return "", err
	}
	text, err := m.link.xml(d, golibvirt.DomainXMLInactive|golibvirt.DomainXMLSecure)
	if err != nil {
		return "", err
	}
	if text, err = withBoot(text, boot); errors.Is(err, host.ErrUnsupported) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	now, err := readDescription(running)
	if err != nil {
		return "", err
	}
	next, err := readDescription(text)
	if err != nil || now.boot() == next.boot() {
		return "", err
	}
	return text, nil
}

// restart ends the domain and starts it by a description, which is reported as one restart.
func (m *Machine) restart(d golibvirt.Domain, text string) error {
	m.restarts = true
	err := m.destroy(d)
	if err == nil {
		err = m.start(d, text)
	}
	m.restarts = false
	switch {
	case err == nil:
		m.tell(host.Event{Kind: host.Restarted})
	case m.State().Power == host.Off:
		m.tell(host.Event{Kind: host.PoweredOff})
	}
	return err
}

const (
	// echoTime is how long after a reset another one is the same: SeaBIOS makes one of its own when
	// it finds that it runs again.
	echoTime = 2 * time.Second
	// owedTime is how late libvirt may report a reset.
	owedTime = 20 * time.Second
)

// restarted takes notice that the domain began from its firmware again, by itself or by us.
func (m *Machine) restarted() {
	m.look()
	if time.Since(m.owed) < owedTime {
		m.owed, m.asked = time.Time{}, time.Now()
		return
	}
	if time.Since(m.asked) < echoTime || m.link == nil || m.State().Power != host.On {
		return
	}
	m.asked = time.Now()
	d, err := m.find()
	var text string
	if err == nil {
		text, err = m.elsewhere(d)
	}
	if err == nil && text != "" {
		err = m.restart(d, text)
	} else if err == nil {
		m.tell(host.Event{Kind: host.Restarted})
	}
	if m.failed(err) {
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
		m.tell(host.Event{Kind: host.Failed, Err: err})
	}
}
