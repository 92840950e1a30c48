package rmcp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"lom/ipmi"
)

// testRandom is a reproducible source of random bytes.
func testRandom(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// testBMC returns a BMC that knows the user "admin" with the given password and allows all suites.
func testBMC(password, kg string) BMCConfig {
	c := BMCConfig{
		GUID: [16]byte{0xa1, 2, 3, 4}, Kg: ipmi.NewSecret(kg), Random: testRandom(1),
		Lookup: func(name string, role Role, _ CipherSuite) (BMCUser, Status) {
			if name != "admin" {
				return BMCUser{}, StatusUnauthorizedName
			}
			if !role.NameOnly() && role.Privilege() != ipmi.PrivilegeAdministrator {
				return BMCUser{}, StatusUnauthorizedName
			}
			return BMCUser{ID: 2, Password: ipmi.NewSecret(password),
				Limit: ipmi.PrivilegeAdministrator}, StatusOK
		},
	}
	for _, s := range CipherSuites() {
		c.Suites = append(c.Suites, AllowedSuite{s, ipmi.PrivilegeAdministrator})
	}
	return c
}

func testClient(suite int, password, kg string) ClientConfig {
	s, _ := CipherSuiteByID(suite)
	return ClientConfig{
		LocalID: 0x11223344, User: "admin", Password: ipmi.NewSecret(password),
		Kg:        ipmi.NewSecret(kg),
		Privilege: ipmi.PrivilegeAdministrator, Suite: s, Random: testRandom(2),
	}
}

// shake runs a handshake to its end. Every packet of the client is sent twice, as if the first
// answer had been lost.
func shake(t *testing.T, client ClientConfig,
	bmc BMCConfig) (c *ClientHandshake, b *BMCHandshake, clientErr, bmcErr error) {
	t.Helper()
	c, err := NewClientHandshake(client)
	if err != nil {
		t.Fatal(err)
	}
	for clientErr == nil && c.Session() == nil {
		packet, err := c.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := c.Append(nil)
		if !bytes.Equal(packet, again) {
			t.Fatalf("repetition differs: % x and % x", packet, again)
		}
		p := parsed(t, packet)
		var reply []byte
		repeats := b != nil // an Open Session Request begins another handshake
		if !repeats {
			b, reply, bmcErr = AcceptHandshake(bmc, 0xa0b0c0d0, &p, nil)
		} else {
			if id, ok := HandshakeID(&p); !ok || id != 0xa0b0c0d0 {
				t.Fatalf("HandshakeID: %08x, %v", id, ok)
			}
			if b.Session() == nil {
				b = ResumeHandshake(bmc, b.State())
			}
			reply, bmcErr = b.Receive(&p, nil)
		}
		if reply == nil {
			t.Fatalf("no reply: %v", bmcErr)
		}
		if repeats {
			if repeated, _ := b.Receive(&p, nil); !bytes.Equal(reply, repeated) {
				t.Fatalf("repeated answer differs: % x and % x", reply, repeated)
			}
		}
		r := parsed(t, reply)
		clientErr = c.Receive(&r)
	}
	return c, b, clientErr, bmcErr
}

func parsed(t *testing.T, b []byte) Packet {
	t.Helper()
	p, err := Parse(b)
	if err != nil {
		t.Fatalf("Parse(% x): %v", b, err)
	}
	return p
}

func TestHandshake(t *testing.T) {
	for _, kg := range []string{"", "bmc-key"} {
		for _, s := range CipherSuites() {
			t.Run(s.String()+kg, func(t *testing.T) {
				c, b, err, bmcErr := shake(t, testClient(int(s.ID), "a password of 20 b.", kg),
					testBMC("a password of 20 b.", kg))
				if err != nil || bmcErr != nil {
					t.Fatal(err, bmcErr)
				}
				if b.Session() == nil || b.User().ID != 2 ||
					b.Session().Privilege() != ipmi.PrivilegeAdministrator {
					t.Fatalf("session %v of user %d", b.Session(), b.User().ID)
				}
				converse(t, c.Session(), b.Session())
			})
		}
	}
}

// converse sends payloads of many lengths both ways.
func converse(t *testing.T, a, b Session) {
	t.Helper()
	for n := range 100 {
		payload := bytes.Repeat([]byte{byte(n)}, n)
		for _, dir := range [][2]Session{{a, b}, {b, a}} {
			packet, err := dir[0].Append(nil, ipmi.PayloadIPMI, payload)
			if err != nil {
				t.Fatal(err)
			}
			copied := bytes.Clone(packet)
			p := parsed(t, packet)
			got, err := dir[1].Open(&p)
			if err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("payload of %d bytes: % x, %v", n, got, err)
			}
			p = parsed(t, copied)
			if _, err := dir[1].Open(&p); !errors.Is(err, ErrSequence) {
				t.Fatalf("a replayed packet: %v", err)
			}
		}
	}
}

func TestHandshakeRefusals(t *testing.T) {
	suite17only := testBMC("secret", "")
	suite17only.Suites = []AllowedSuite{suite17only.Suites[17]}
	operatorOnly := testBMC("secret", "")
	for i := range operatorOnly.Suites {
		operatorOnly.Suites[i].Privilege = ipmi.PrivilegeOperator
	}
	otherUser := testClient(3, "secret", "")
	otherUser.User = "nobody"
	byRole := testClient(3, "secret", "")
	byRole.RoleLookup, byRole.Privilege = true, ipmi.PrivilegeUser
	for _, tc := range []struct {
		name   string
		client ClientConfig
		bmc    BMCConfig
		want   error
	}{
		{"password", testClient(3, "wrong", ""), testBMC("secret", ""), ipmi.ErrPassword},
		{"Kg missing", testClient(3, "secret", ""), testBMC("secret", "key"), ipmi.ErrKey},
		{"Kg wrong", testClient(17, "secret", "other"), testBMC("secret", "key"), ipmi.ErrKey},
		{"user", otherUser, testBMC("secret", ""), ipmi.ErrUser},
		{"role", byRole, testBMC("secret", ""), ipmi.ErrUser},
		{"suite", testClient(3, "secret", ""), suite17only, ipmi.ErrCipherSuite},
		{"suite's privilege", testClient(3, "secret", ""), operatorOnly, ipmi.ErrCipherSuite},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, b, err, _ := shake(t, tc.client, tc.bmc)
			if !errors.Is(err, tc.want) || c.Session() != nil {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			abort := c.AppendAbort(nil)
			if (tc.want == ipmi.ErrPassword) != (abort != nil) {
				t.Fatalf("abort % x", abort)
			}
			if abort != nil {
				p := parsed(t, abort)
				if _, err := b.Receive(&p, nil); err == nil || !b.Over() {
					t.Fatalf("the BMC took the abort with %v", err)
				}
			}
		})
	}
}

// TestHandshakeWrongRAKP3 gives the BMC a RAKP Message 3 that was made with another password.
func TestHandshakeWrongRAKP3(t *testing.T) {
	c, err := NewClientHandshake(testClient(3, "secret", ""))
	if err != nil {
		t.Fatal(err)
	}
	bmc := testBMC("secret", "")
	packet, _ := c.Append(nil)
	p := parsed(t, packet)
	b, reply, err := AcceptHandshake(bmc, 7, &p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p = parsed(t, reply)
		if err := c.Receive(&p); err != nil {
			t.Fatal(err)
		}
		c.x.password = ipmi.NewSecret("other")
		if packet, err = c.Append(nil); err != nil {
			t.Fatal(err)
		}
		p = parsed(t, packet)
		if reply, err = b.Receive(&p, nil); err != nil {
			break
		}
		c.x.password = ipmi.NewSecret("secret")
	}
	if !errors.Is(err, ipmi.ErrPassword) || !b.Over() || b.Session() != nil {
		t.Fatalf("BMC: %v, over %v", err, b.Over())
	}
	p = parsed(t, reply)
	if err := c.Receive(&p); !errors.Is(err, ipmi.ErrPassword) {
		t.Fatalf("client: %v", err)
	}
}

func TestHandshakeIgnoresStrangers(t *testing.T) {
	c, err := NewClientHandshake(testClient(3, "secret", ""))
	if err != nil {
		t.Fatal(err)
	}
	good := OpenSessionResponse{Tag: 0, ConsoleID: 0x11223344, SystemID: 1, Auth: 1, Integrity: 1,
		Conf: 1}
	for _, tc := range []struct {
		name   string
		change func(*OpenSessionResponse)
		typ    ipmi.PayloadType
	}{
		{"tag", func(r *OpenSessionResponse) { r.Tag = 9 }, ipmi.PayloadOpenSessionResp},
		{"console ID", func(r *OpenSessionResponse) { r.ConsoleID++ }, ipmi.PayloadOpenSessionResp},
		{"refusal for another", func(r *OpenSessionResponse) { r.ConsoleID++; r.Status = 1 }, ipmi.PayloadOpenSessionResp},
		{"no session ID", func(r *OpenSessionResponse) { r.SystemID = 0 }, ipmi.PayloadOpenSessionResp},
		{"type", func(*OpenSessionResponse) {}, ipmi.PayloadRAKP2},
	} {
		r := good
		tc.change(&r)
		payload, _ := r.AppendBinary(nil)
		packet, _ := AppendPresession20(nil, tc.typ, payload)
		p := parsed(t, packet)
		if err := c.Receive(&p); !errors.Is(err, ErrIgnored) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	payload, _ := good.AppendBinary(nil)
	packet, _ := AppendPresession20(nil, ipmi.PayloadOpenSessionResp, payload)
	p := parsed(t, packet)
	if err := c.Receive(&p); err != nil {
		t.Errorf("after them: %v", err)
	}
}

func TestWildcardProposals(t *testing.T) {
	payload, _ := OpenSessionRequest{Tag: 1, ConsoleID: 5}.AppendBinary(nil)
	packet, _ := AppendPresession20(nil, ipmi.PayloadOpenSession, payload)
	p := parsed(t, packet)
	bmc := testBMC("secret", "")
	bmc.Suites = []AllowedSuite{
		{cipherSuites[17], ipmi.PrivilegeOperator}, {cipherSuites[3], ipmi.PrivilegeAdministrator}, {cipherSuites[1], ipmi.PrivilegeUser},
	}
	b, reply, err := AcceptHandshake(bmc, 7, &p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r OpenSessionResponse
	p = parsed(t, reply)
	if err := r.UnmarshalBinary(p.Payload); err != nil ||
		r.Privilege != ipmi.PrivilegeAdministrator || b.state.suite.ID != 3 {
		t.Fatalf("%+v, suite %v, %v", r, b.state.suite, err)
	}
}
