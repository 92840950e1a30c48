package machine

import (
	"context"
	"errors"
	"iter"
	"sync"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// builtinFRU is ipmitool's name for device 0 of the BMC.
const builtinFRU = "Builtin FRU Device"

// Inventories reads device 0 of the BMC, then those that the sensor records name, several at a
// time, and yields them in their order. A device that is not there is Absent: it may be a free
// slot. A BMC that says that it has none of its own yields one with the Source [InventoryNone].
// What could not be read of the sensor records is a [*PartialError]; the sequence ends with other
// errors.
func (m *Machine) Inventories(ctx context.Context) iter.Seq2[Inventory, error] {
	return func(yield func(Inventory, error) bool) {
		id, err := m.DeviceID(ctx)
		if err != nil {
			yield(Inventory{}, failed("Get Device ID command", err))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		r := newInventoryReader(m.conn)
		defer r.work.Wait()
		defer cancel()

		first := &inventoryJob{
			owner: sdr.Key{Owner: sdr.BMCAddress},
			v:     Inventory{Description: builtinFRU, Source: InventoryLocated},
		}
		if id.Support&ipmi.SupportsFRUInventory == 0 {
			first.v.Source = InventoryNone
		}
		r.start(ctx, first)
		var records []sdr.Record
		unread := make(chan error, 1)
		r.work.Go(func() {
			var err error
			records, err = m.Records(ctx, isAboutFRU)
			unread <- err
		})
		if !first.yield(yield) {
			return
		}
		if err := <-unread; err != nil {
			partial := new(PartialError)
			if !yield(Inventory{}, err) || !errors.As(err, &partial) {
				return
			}
		}
		var jobs []*inventoryJob
		for _, r := range records {
			switch r := r.(type) {
			case *sdr.MCLocator:
				if r.FRU && r.Address != uint8(sdr.BMCAddress) {
					jobs = append(jobs, &inventoryJob{
						owner: sdr.Key{Owner: sdr.Owner(r.Address), Channel: r.Channel},
						v:     Inventory{Description: r.Name.Text, Source: InventoryController},
					})
				}
			case *sdr.FRULocator:
				if j := located(r); j != nil {
					jobs = append(jobs, j)
				}
			}
		}
		r.start(ctx, jobs...)
		for _, j := range jobs {
			if !j.yield(yield) {
				return
			}
		}
	}
}

// isAboutFRU reports whether a record names FRU inventory devices.
func isAboutFRU(head []byte) bool {
	t := sdr.Type(head[3])
	return t == sdr.TypeFRULocator || t == sdr.TypeMCLocator
}

// LocatedInventory reads the device that a FRU locator record names. ok is false if there is
// nothing to read, or if it is device 0 of the BMC, which Inventory reads.
func (m *Machine) LocatedInventory(ctx context.Context, record *sdr.FRULocator) (
	v Inventory, ok bool, err error) {
	j := located(record)
	if j == nil {
		return v, false, nil
	}
	r := newInventoryReader(m.conn)
	defer r.work.Wait()
	r.start(ctx, j)
	j.yield(func(got Inventory, failure error) bool {
		v, err = got, failure
		return true
	})
	return v, err == nil, err
}

// The device types of FRU inventory devices, and their modifiers (Table 43-12).
const (
	deviceEEPROMFirst sdr.DeviceType = 0x08
	deviceEEPROMLast  sdr.DeviceType = 0x0f
	deviceLogicalFRU  sdr.DeviceType = 0x10

	modifierDIMM = 0x01
	modifierFRU  = 0x02
)

// located returns the device of a locator record, nil for one that is not to be read.
func located(r *sdr.FRULocator) *inventoryJob {
	eeprom := r.DeviceType >= deviceEEPROMFirst && r.DeviceType <= deviceEEPROMLast &&
		(r.Modifier == modifierDIMM || r.Modifier == modifierFRU)
	builtin := r.Access == uint8(sdr.BMCAddress) && r.Device == 0
	if !r.Logical || builtin || r.DeviceType != deviceLogicalFRU && !eeprom {
		return nil
	}
	j := &inventoryJob{
		owner: sdr.Key{Owner: sdr.Owner(r.Access), Channel: r.Channel},
		v:     Inventory{ID: r.Device, Description: r.Name.Text, Source: InventoryLocated},
	}
	switch r.Modifier {
	case 0, modifierFRU:
	case modifierDIMM:
		j.dimm = true
	default:
		j.v.Source, j.v.Error = InventoryOther, "not a FRU inventory device"
	}
	return j
}

// An inventoryJob is a device that is to be read.
type inventoryJob struct {
	owner sdr.Key
	dimm  bool          // a memory module
	v     Inventory     // what is known before
	done  chan struct{} // closed when v is complete, or err is set
	err   error
}

// yield hands the device on when it is read, and reports whether more are wanted.
func (j *inventoryJob) yield(yield func(Inventory, error) bool) bool {
	<-j.done
	if j.err != nil {
		yield(Inventory{}, j.err)
		return false
	}
	return yield(j.v, nil)
}

// An inventoryReader reads several devices at a time.
type inventoryReader struct {
	conn  client.Conn
	work  sync.WaitGroup
	slots chan struct{}

	mu    sync.Mutex
	known map[sdr.Key]*client.FRUDevice // one of each controller: it knows how to read the others
}

func newInventoryReader(conn client.Conn) *inventoryReader {
	return &inventoryReader{
		conn: conn, slots: make(chan struct{}, atOnce), known: map[sdr.Key]*client.FRUDevice{},
	}
}

// start begins to read devices. The first of each controller goes before its others, to find out
// how it is read.
func (r *inventoryReader) start(ctx context.Context, jobs ...*inventoryJob) {
	after := map[sdr.Key]chan struct{}{}
	for _, j := range jobs {
		j.done = make(chan struct{})
		if j.v.Source == InventoryNone || j.v.Source == InventoryOther {
			close(j.done)
			continue
		}
		wait := after[j.owner]
		if r.knows(j.owner) == nil && wait == nil {
			after[j.owner] = j.done
		}
		r.work.Go(func() {
			defer close(j.done)
			if wait != nil {
				<-wait
			}
			select {
			case r.slots <- struct{}{}:
				defer func() { <-r.slots }()
				r.read(ctx, j)
			case <-ctx.Done():
				j.err = context.Cause(ctx)
			}
		})
	}
}

func (r *inventoryReader) knows(owner sdr.Key) *client.FRUDevice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[owner]
}

// read reads a device. A satellite controller that does not answer is no failure.
func (r *inventoryReader) read(ctx context.Context, j *inventoryJob) {
	c := client.OwnerConn(r.conn, j.owner)
	v, d, err := readInventory(ctx, func() (*client.FRUDevice, error) {
		if d := r.knows(j.owner); d != nil {
			return d.Open(ctx, j.v.ID)
		}
		return client.OpenFRU(ctx, c, j.v.ID)
	}, j.dimm)
	if err != nil {
		if !errors.Is(err, ipmi.ErrTimeout) || ctx.Err() != nil ||
			j.owner.Local() && !r.answers(ctx) {
			j.err = err
			return
		}
		v.Absent = "No Response"
	}
	if d != nil {
		r.mu.Lock()
		r.known[j.owner] = d
		r.mu.Unlock()
	}
	v.ID, v.Description, v.Source = j.v.ID, j.v.Description, j.v.Source
	j.v = v
}

// answers reports whether the BMC answers, although it does not for a device.
func (r *inventoryReader) answers(ctx context.Context) bool {
	_, err := client.Do(ctx, r.conn, ipmi.GetDeviceID{})
	return err == nil
}
