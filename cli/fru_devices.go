package cli

import (
	"context"
	"errors"
	"sync"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// runFRUPrintAll prints device 0 of the BMC, then those that the sensor records tell of. A device that
// is not there is said so, and is no failure: it may be a free slot. Records and devices are read at the same time.
func runFRUPrintAll(ctx context.Context, a *App, _ []string) error {
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	id, err := a.deviceID(ctx, c)
	if err != nil {
		return failed("Get Device ID command", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := newFRUPrinter(a, c)
	defer p.work.Wait()
	defer cancel()

	const builtin = "Builtin FRU Device"
	first := &fruJob{owner: sdr.Key{Owner: sdr.BMCAddress}, name: builtin, title: builtin + " (ID 0)"}
	if id.Support&ipmi.SupportsFRUInventory != 0 {
		p.start(ctx, first)
	} else {
		first = nil
	}
	var records []sdr.Record
	var missing error
	read := make(chan error, 1)
	p.work.Go(func() {
		var err error
		records, missing, err = loadSDRsWanted(ctx, a, tellsOfFRU)
		read <- err
	})
	if first != nil {
		if err := p.print(first); err != nil {
			return err
		}
	} else if !a.Options.JSON {
		fmt.Fprintf(a.Out, "FRU Device Description : %s (ID 0)\n", builtin)
	}
	if err := <-read; err != nil {
		return err
	}
	a.note(missing)
	var jobs []*fruJob
	for _, r := range records {
		switch r := r.(type) {
		case *sdr.MCLocator:
			if r.FRU && r.Address != uint8(sdr.BMCAddress) {
				jobs = append(jobs, &fruJob{owner: sdr.Key{Owner: sdr.Owner(r.Address), Channel: r.Channel},
					name: r.Name.Text, title: fmt.Sprintf("%-16s", r.Name.Text)})
			}
		case *sdr.FRULocator:
			if j := locatedFRU(r); j != nil {
				jobs = append(jobs, j)
			}
		}
	}
	p.start(ctx, jobs...)
	for _, j := range jobs {
		if err := p.print(j); err != nil {
			return err
		}
	}
	return p.end()
}

// tellsOfFRU reports whether a record is one of those that tell of FRU devices.
func tellsOfFRU(head []byte) bool {
	t := sdr.Type(head[3])
	return t == sdr.TypeFRULocator || t == sdr.TypeMCLocator
}

// fruJob is a device that is to be printed.
type fruJob struct {
	owner sdr.Key
	id    uint8
	name  string
	title string
	dimm  bool // a memory module

	unreadable string // what is printed of a device that is no FRU inventory device

	done chan struct{} // the fields below are there
	view *fruView
	err  error
}

// fruPrinter prints devices in their order, or all of them as JSON at its end, while it reads several at a time.
type fruPrinter struct {
	a     *App
	c     client.Conn
	views []*fruView
	err   error // what is wrong with the devices that were printed

	work  sync.WaitGroup
	slots chan struct{}

	mu    sync.Mutex
	known map[sdr.Key]*client.FRUDevice // one of each controller, which knows how to read the others
}

// frusAtOnce is how many devices are read at a time.
const frusAtOnce = 8

func newFRUPrinter(a *App, c client.Conn) *fruPrinter {
	return &fruPrinter{a: a, c: c, slots: make(chan struct{}, frusAtOnce), known: map[sdr.Key]*client.FRUDevice{}}
}

// start begins to read devices. The first of each controller goes before the others of it, to find out how it is read.
func (p *fruPrinter) start(ctx context.Context, jobs ...*fruJob) {
	behind := map[sdr.Key]chan struct{}{}
	for _, j := range jobs {
		j.done = make(chan struct{})
		if j.unreadable != "" {
			close(j.done)
			continue
		}
		wait := behind[j.owner]
		if p.knows(j.owner) == nil && wait == nil {
			behind[j.owner] = j.done
		}
		p.work.Go(func() {
			defer close(j.done)
			if wait != nil {
				<-wait
			}
			select {
			case p.slots <- struct{}{}:
				defer func() { <-p.slots }()
				p.read(ctx, j)
			case <-ctx.Done():
				j.err = context.Cause(ctx)
			}
		})
	}
}

func (p *fruPrinter) knows(owner sdr.Key) *client.FRUDevice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[owner]
}

// read reads a device. A controller behind the BMC that does not answer is no failure.
func (p *fruPrinter) read(ctx context.Context, j *fruJob) {
	c := client.OwnerConn(p.c, j.owner)
	v, d, err := readFRU(ctx, func() (*client.FRUDevice, error) {
		if d := p.knows(j.owner); d != nil {
			return d.Open(ctx, j.id)
		}
		return client.OpenFRU(ctx, c, j.id)
	}, j.dimm)
	switch {
	case err != nil && errors.Is(err, ipmi.ErrTimeout) && ctx.Err() == nil && (!j.owner.Local() || p.answers(ctx)):
		v.Absent = "No Response"
	case err != nil:
		j.err = err
		return
	}
	if d != nil {
		p.mu.Lock()
		p.known[j.owner] = d
		p.mu.Unlock()
	}
	j.view = v
}

// answers reports whether the BMC answers, although it does not for a device.
func (p *fruPrinter) answers(ctx context.Context) bool {
	_, err := client.Do(ctx, p.c, ipmi.GetDeviceID{})
	return err == nil
}

// print prints a device when it is read.
func (p *fruPrinter) print(j *fruJob) error {
	if j.unreadable != "" {
		p.views = append(p.views, &fruView{ID: j.id, Description: j.name, Error: "not a FRU inventory device"})
		if !p.a.Options.JSON {
			fmt.Fprintf(p.a.Out, "FRU Device Description : %s\n%s\n\n", j.title, j.unreadable)
		}
		return nil
	}
	<-j.done
	if j.err != nil {
		return j.err
	}
	v := j.view
	v.ID, v.Description = j.id, j.name
	p.views = append(p.views, v)
	if p.a.Options.JSON {
		return nil
	}
	fmt.Fprintf(p.a.Out, "FRU Device Description : %s\n", j.title)
	v.text(p.a, p.a.Out)
	fmt.Fprintln(p.a.Out)
	if v.err != nil {
		p.err = errors.Join(p.err, v.problem(p.a))
	}
	return nil
}

// The device types of FRU devices (Table 43-12).
const (
	deviceEEPROMFirst sdr.DeviceType = 0x08
	deviceEEPROMLast  sdr.DeviceType = 0x0f
	deviceLogicalFRU  sdr.DeviceType = 0x10

	modifierDIMM = 0x01
	modifierFRU  = 0x02
)

// locatedFRU returns the device of a locator record, nil for one that is not printed. Device 0 of the BMC was printed before.
func locatedFRU(r *sdr.FRULocator) *fruJob {
	eeprom := r.DeviceType >= deviceEEPROMFirst && r.DeviceType <= deviceEEPROMLast && (r.Modifier == modifierDIMM || r.Modifier == modifierFRU)
	if !r.Logical || r.DeviceType != deviceLogicalFRU && !eeprom || r.Access == uint8(sdr.BMCAddress) && r.Device == 0 {
		return nil
	}
	j := &fruJob{owner: sdr.Key{Owner: sdr.Owner(r.Access), Channel: r.Channel}, id: r.Device,
		name: r.Name.Text, title: fmt.Sprintf("%s (ID %d)", r.Name.Text, r.Device)}
	switch r.Modifier {
	case 0, modifierFRU:
	case modifierDIMM:
		j.dimm = true
	default:
		j.unreadable = " Unsupported device"
	}
	return j
}

func (p *fruPrinter) end() error {
	if p.a.Options.JSON {
		return p.a.Show(p.views, nil, nil)
	}
	return p.err
}

// printLocatedFRU prints the device of one locator record.
func printLocatedFRU(ctx context.Context, a *App, r *sdr.FRULocator) error {
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	j := locatedFRU(r)
	if j == nil {
		return nil
	}
	p := newFRUPrinter(a, c)
	defer p.work.Wait()
	p.start(ctx, j)
	if err := p.print(j); err != nil {
		return err
	}
	return p.err
}
