package cli

import (
	"context"
	"errors"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// read measures something that reads n records of a BMC, with as many requests at a time as the BMC
// was found to take.
func (b *bench) read(ctx context.Context, what string, into **benchRead,
	f func(context.Context, client.PayloadConn) (int, error)) error {
	b.progress("%s", what)
	s, err := b.open(ctx, b.result.Best)
	if err != nil {
		return err
	}
	defer s.Close()
	before, began := s.Stats(), time.Now()
	n, err := f(ctx, s)
	r := &benchRead{Records: n, Seconds: time.Since(began).Seconds(),
		Exchanges: int(s.Stats().Sent - before.Sent), Cut: err != nil}
	if err == nil || n > 0 {
		*into = r
	}
	return err
}

// records measures how long it takes to read the SDR repository, and keeps the records for the
// sensors.
func (b *bench) records(ctx context.Context) error {
	err := b.read(ctx, "sensor records", &b.result.SDR,
		func(ctx context.Context, s client.PayloadConn) (int, error) {
			raw, err := client.ReadSDRs(ctx, s)
			for _, r := range raw {
				if rec, err := sdr.Parse(r); err == nil && client.SensorOf(rec) != nil &&
					client.SensorOf(rec).Key.Local() {
					b.result.sensors = append(b.result.sensors, rec)
				}
			}
			return len(raw), err
		})
	return unlessMissing(err)
}

// sensors measures how long it takes to read all the BMC's sensors once.
func (b *bench) sensors(ctx context.Context) error {
	if len(b.result.sensors) == 0 {
		return nil
	}
	return b.read(ctx, "sensors", &b.result.Sensors,
		func(ctx context.Context, s client.PayloadConn) (int, error) {
			all, err := client.ReadSensors(ctx, s, b.result.sensors, b.options.most)
			return len(all), err
		})
}

// events measures how long it takes to read the event log.
func (b *bench) events(ctx context.Context) error {
	err := b.read(ctx, "event log", &b.result.SEL,
		func(ctx context.Context, s client.PayloadConn) (n int, err error) {
			for _, err := range client.SELEntries(ctx, s, ipmi.FirstRecord) {
				if err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		})
	return unlessMissing(err)
}

// unlessMissing returns err, unless it says that the BMC does not have what was to be measured, or
// not all of it.
func unlessMissing(err error) error {
	if missing, _ := splitMissing(err); missing != nil || errors.Is(err, ipmi.CodeInvalidCommand) {
		return nil
	}
	return err
}

// The echo of a console: what is typed, and what rubs it out, which both log-in prompts and shells
// understand.
const (
	benchLetters = "lom-bench"
	eraseLine    = "\x15"
	echoWait     = 2 * time.Second
	echoPause    = 100 * time.Millisecond
)

// echo measures how long a letter takes to the host's serial port and back.
func (b *bench) echo(ctx context.Context) error {
	b.progress("console")
	s, err := b.open(ctx, 0)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := client.OpenConsole(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 4096)
	// hear waits for something from the host, and reports whether anything came.
	hear := func(d time.Duration) bool {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		n, err := c.Read(ctx, buf)
		return err == nil && n > 0
	}
	for hear(echoPause) { // what it has to say first
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r := &benchEcho{}
	var took []time.Duration
	for i := range len(benchLetters) {
		began := time.Now()
		if _, err := c.Write(ctx, []byte{benchLetters[i]}); err != nil {
			return err
		}
		r.Letters++
		if hear(echoWait) {
			took = append(took, time.Since(began))
		} else if len(took) == 0 && r.Letters == 2 {
			break // nothing there echoes
		}
		if err := sleep(ctx, echoPause); err != nil {
			break
		}
	}
	r.Echoed, r.benchTimes = len(took), timesOf(took)
	b.result.SOL = r
	if _, err := c.Write(ctx, []byte(eraseLine)); err != nil {
		return err
	}
	hear(echoPause)
	if r.Echoed == 0 {
		return errors.New("nothing on the console echoes what is typed")
	}
	return ctx.Err()
}
