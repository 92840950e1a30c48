package ipmitest

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/bmc/rack"
	"lom/client"
	"lom/ipmi"
)

// User and Password are those of the administrator that BMCs of [New] have.
const (
	User     = "admin"
	Password = "secret"
)

// A BMC is a simulated server with its BMC, which answers on a UDP port of the loopback interface.
type BMC struct {
	*bmc.BMC              // to raise events and set sensors
	Addr     string       // where it answers, such as 127.0.0.1:40623
	Host     *sim.Machine // the server

	close func() error
}

// An Option changes the BMC that New makes.
type Option func(*settings)

type settings struct {
	config     bmc.Config
	host       sim.Config
	make       string
	satellites map[uint8]rack.Satellite
}

// WithMake makes the server one of a make: dell, hpe, lenovo, supermicro, dense (60 sensors), or
// lom, the default.
func WithMake(name string) Option { return func(s *settings) { s.make = name } }

// WithHost sets how the server behaves: whether it is on, how long it takes to start and stop,
// whether it ignores a soft shutdown.
func WithHost(c sim.Config) Option { return func(s *settings) { s.host = c } }

// WithConfig changes the BMC's configuration, such as its users and faults.
func WithConfig(change func(*bmc.Config)) Option {
	return func(s *settings) { change(&s.config) }
}

// WithSatellite adds a controller on the BMC's IPMB, with sensors of its own. Its slave address is
// even, from 10h to EEh, and not 20h.
func WithSatellite(address uint8, c bmc.Config) Option {
	return func(s *settings) {
		if s.satellites == nil {
			s.satellites = map[uint8]rack.Satellite{}
		}
		s.satellites[address] = rack.Satellite{
			BMC: c, Host: func() host.Host { return sim.New(sim.Config{On: true}) },
		}
	}
}

// New runs a simulated server that is on, until the test ends. Its readings do not waver.
func New(t testing.TB, opts ...Option) *BMC {
	t.Helper()
	b, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// Start is New without a test: the server runs until Close.
func Start(opts ...Option) (*BMC, error) {
	s := settings{
		host: sim.Config{On: true},
		config: bmc.Config{Still: true, Users: []bmc.UserConfig{
			{Name: User, Password: ipmi.NewSecret(Password), Privilege: ipmi.PrivilegeAdministrator},
		}},
	}
	for _, o := range opts {
		o(&s)
	}
	if s.make != "" {
		if err := rack.ApplyProfile(&s.config, s.make); err != nil {
			return nil, err
		}
	}
	machine := sim.New(s.host)
	r, err := rack.Start(rack.Config{Servers: []rack.Server{{
		Name: "test", Addr: netip.MustParseAddrPort("127.0.0.1:0"), BMC: s.config,
		Host: func() host.Host { return machine }, Satellites: s.satellites,
	}}})
	if err != nil {
		return nil, err
	}
	u := r.Units()[0]
	return &BMC{BMC: u.BMC, Addr: u.Addr.String(), Host: machine, close: r.Close}, nil
}

// Close ends the server. One that [New] made ends with its test.
func (b *BMC) Close() error { return b.close() }

// Dial logs in to the BMC over the loopback interface. The session ends with the test.
func (b *BMC) Dial(t testing.TB, opts ...client.Option) *client.Session {
	t.Helper()
	opts = append([]client.Option{client.WithUser(User, ipmi.NewSecret(Password))}, opts...)
	s, err := client.Dial(t.Context(), b.Addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Conn returns a connection to the BMC in memory, as an administrator of its first LAN channel. It
// needs no log-in, and no packet is sent.
func (b *BMC) Conn() client.Conn { return inMemory{b.BMC} }

// inMemory hands requests to a BMC.
type inMemory struct{ bmc *bmc.BMC }

// lanChannel is the number of the first LAN channel.
const lanChannel = 1

// firstUser is the ID of the first user that has a name.
const firstUser = 2

// Exchange implements client.Conn.
func (m inMemory) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	on := &bmc.Context{
		Context: ctx, Channel: lanChannel, LUN: req.LUN,
		Privilege: ipmi.PrivilegeAdministrator, User: firstUser,
	}
	body := req.Command.Body
	answer := make(chan ipmi.RawResponse, 1)
	var once sync.Once
	m.bmc.Answer(on, req.Command.NetFn, req.Command.Code, append([]byte(body), req.Data...),
		func(code ipmi.CompletionCode, data []byte) {
			once.Do(func() {
				answer <- ipmi.RawResponse{Code: code, Data: append([]byte(nil), data...)}
			})
		})
	select {
	case r := <-answer:
		if len(r.Data) >= len(body) {
			r.Data = r.Data[len(body):]
		}
		return r, nil
	case <-ctx.Done():
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: context.Cause(ctx)}
	}
}
