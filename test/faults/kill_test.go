package faults

import (
	"bytes"
	crand "crypto/rand"
	"encoding"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lom/internal/programs"
	"lom/ipmi"
	"lom/rmcp"
)

var kills = flag.Int("kills", 40, "how often TestKill kills lom bmc")

// A BMC that is killed at any moment starts again, and knows everything that it has answered.
//
// Three consoles set users' names, add SEL entries and set a LAN parameter, each as fast as it is
// answered. What was not answered when the BMC was killed may or may not have happened, but nothing
// else may have.
func TestKill(t *testing.T) {
	state := t.TempDir()
	bmc := programs.StartBMCAt(t, "127.0.0.1:0", state)
	k := &killed{names: map[uint8]string{}, pendingNames: map[uint8]string{}, community: "public"}
	for n := range *kills {
		wait := time.Duration(rand.IntN(60)) * time.Millisecond
		var writers sync.WaitGroup
		var wires []*wire
		for _, write := range []func(*wire, int) error{k.setUser, k.addEntry, k.setLAN} {
			w := open(t, bmc.Addr)
			wires = append(wires, w)
			writers.Go(func() {
				for i := 0; ; i++ {
					if err := write(w, n*10000+i); err != nil {
						if !errors.Is(err, errSilent) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.Sleep(wait)
		bmc.Kill()
		for _, w := range wires {
			w.close() // what was not answered will not be
		}
		writers.Wait()
		if n%4 == 3 {
			killAtStart(t, bmc.Addr, state)
		}
		bmc = programs.StartBMCAt(t, bmc.Addr.String(), state)
		k.check(t, bmc.Addr)
		if t.Failed() {
			t.Fatalf("after kill %d, %v after the first change", n+1, wait)
		}
	}
	t.Logf("%d kills: %d names, %d entries, %d LAN parameters were answered", *kills, k.count[0],
		k.count[1], k.count[2])
	if slices.Contains(k.count[:], 0) {
		t.Error("a kind of change was never answered")
	}
}

// killAtStart starts a BMC and kills it while it starts.
func killAtStart(t *testing.T, addr netip.AddrPort, state string) {
	t.Helper()
	cmd := exec.Command(programs.Lom(), "bmc", "--listen", addr.String(), "--state", state, "-P",
		programs.BMCPassword)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	cmd.Process.Kill()
	cmd.Wait()
}

// killed is what the BMC has answered, and what it has not.
type killed struct {
	names, pendingNames         map[uint8]string // by user ID
	entries                     [][]byte         // data of the SEL records, in their order
	pendingEntry                []byte
	community, pendingCommunity string
	count                       [3]int
}

func (k *killed) setUser(w *wire, n int) error {
	id := uint8(3 + n%8)
	name := fmt.Sprintf("user-%d", n)
	k.pendingNames[id] = name
	if err := w.do(ipmi.SetUserName{User: id, Name: name}, nil); err != nil {
		return err
	}
	delete(k.pendingNames, id)
	k.names[id] = name
	k.count[0]++
	return nil
}

// selRoom is how many entries are added before the SEL is cleared.
const selRoom = 500

func (k *killed) addEntry(w *wire, n int) error {
	record := [16]byte{2: 0xe1} // OEM, without a timestamp: all of it stays as it is
	binary.BigEndian.PutUint64(record[3:], uint64(n))
	k.pendingEntry = record[3:]
	if err := w.do(ipmi.AddSELEntry{Record: record}, nil); err != nil {
		return err
	}
	k.entries = append(k.entries, record[3:])
	k.pendingEntry = nil
	k.count[1]++
	return nil
}

func (k *killed) setLAN(w *wire, n int) error {
	k.pendingCommunity = fmt.Sprintf("community-%d", n)
	data := make([]byte, 18)
	copy(data, k.pendingCommunity)
	if err := w.do(ipmi.SetLANConfiguration{Channel: 1, Parameter: 16, Data: data}, nil); err !=
		nil {
		return err
	}
	k.community, k.pendingCommunity = k.pendingCommunity, ""
	k.count[2]++
	return nil
}

// check compares what the BMC knows with what it has answered, and takes on what it did without an
// answer.
func (k *killed) check(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	w := open(t, addr)
	defer w.close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for id, pending := range k.pendingNames {
		if _, ok := k.names[id]; !ok {
			k.names[id] = ""
		}
		var r ipmi.UserName
		must(w.do(ipmi.GetUserName{User: id}, &r))
		if r.Name == pending {
			k.names[id] = pending
		}
	}
	clear(k.pendingNames)
	for _, id := range slices.Sorted(maps.Keys(k.names)) {
		var r ipmi.UserName
		must(w.do(ipmi.GetUserName{User: id}, &r))
		if r.Name != k.names[id] {
			t.Errorf("user %d is %q, want %q", id, r.Name, k.names[id])
		}
	}
	var p ipmi.ParameterData
	must(w.do(ipmi.GetLANConfiguration{Channel: 1, Parameter: 16}, &p))
	if got := string(bytes.TrimRight(p.Data, "\x00")); got != k.community &&
		(got != k.pendingCommunity || got == "") {
		t.Errorf("community is %q, want %q, or %q that was not answered", got, k.community,
			k.pendingCommunity)
	} else {
		k.community = got
	}
	k.pendingCommunity = ""
	k.checkEntries(t, w)
}

func (k *killed) checkEntries(t *testing.T, w *wire) {
	t.Helper()
	if k.pendingEntry != nil {
		k.entries = append(k.entries, k.pendingEntry)
	}
	next := uint16(ipmi.FirstRecord)
	for i, want := range k.entries {
		var e ipmi.SELEntry
		err := w.do(ipmi.GetSELEntry{Record: next, Count: ipmi.ReadAll}, &e)
		if next == ipmi.LastRecord || i == 0 && errors.Is(err, ipmi.CodeNotPresent) {
			if i == len(k.entries)-1 && k.pendingEntry != nil {
				k.entries = k.entries[:i] // it did not happen
				break
			}
			t.Fatalf("the SEL has %d entries, want %d", i, len(k.entries))
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Data) != 16 || !bytes.Equal(e.Data[3:], want) {
			t.Fatalf("SEL entry %d is % x, want % x", i, e.Data, want)
		}
		next = e.Next
	}
	if len(k.entries) > 0 && next != ipmi.LastRecord {
		t.Errorf("the SEL has more than %d entries", len(k.entries))
	}
	k.pendingEntry = nil
	if len(k.entries) < selRoom {
		return
	}
	var r ipmi.Reservation
	if err := w.do(ipmi.ReserveSEL{}, &r); err != nil {
		t.Fatal(err)
	}
	if err := w.do(ipmi.ClearSEL{Reservation: r.ID, Action: ipmi.EraseStart}, nil); err != nil {
		t.Fatal(err)
	}
	k.entries = nil
	time.Sleep(50 * time.Millisecond) // the SEL takes its time
}

// errSilent is the error of a request that was not answered.
var errSilent = errors.New("no answer")

// A wire is a session that sends each request once, so that nothing but the BMC decides what
// happens.
type wire struct {
	conn    *net.UDPConn
	session *rmcp.Session20
	seq     uint8
	buf     [rmcp.MaxPacket]byte
}

// open logs in as administrator.
func open(t *testing.T, addr netip.AddrPort) *wire {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	suite, _ := rmcp.CipherSuiteByID(17)
	h, err := rmcp.NewClientHandshake(rmcp.ClientConfig{
		LocalID: rand.Uint32() | 1, User: programs.BMCUser,
		Password:  ipmi.NewSecret(programs.BMCPassword),
		Privilege: ipmi.PrivilegeAdministrator, Suite: suite, Random: crand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{conn: conn}
	for h.Session() == nil {
		packet, err := h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.exchange(packet)
		if err == nil {
			err = h.Receive(p)
		}
		if err != nil {
			t.Fatalf("log-in: %v", err)
		}
	}
	w.session = h.Session()
	if err := w.do(ipmi.SetSessionPrivilege{Privilege: ipmi.PrivilegeAdministrator}, nil); err !=
		nil {
		t.Fatal(err)
	}
	return w
}

func (w *wire) close() { w.conn.Close() }

func (w *wire) exchange(packet []byte) (*rmcp.Packet, error) {
	if _, err := w.conn.Write(packet); err != nil {
		return nil, errSilent // refused: the BMC is gone
	}
	w.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := w.conn.Read(w.buf[:])
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("%w within 5 s", errSilent)
		}
		return nil, errSilent
	}
	p, err := rmcp.Parse(w.buf[:n])
	return &p, err
}

// do carries out a request and reads its answer into r, if that is not nil.
func (w *wire) do(q interface {
	Command() ipmi.Command
	encoding.BinaryAppender
}, r encoding.BinaryUnmarshaler) error {
	data, err := q.AppendBinary(nil)
	if err != nil {
		return err
	}
	w.seq = (w.seq + 1) & rmcp.MaxSeq
	m := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: q.Command().NetFn,
		Cmd: q.Command().Code, Seq: w.seq, Data: data}
	packet, err := w.session.Append(nil, ipmi.PayloadIPMI, rmcp.AppendMessage(nil, &m))
	if err != nil {
		return err
	}
	p, err := w.exchange(packet)
	if err != nil {
		return err
	}
	payload, err := w.session.Open(p)
	if err != nil {
		return err
	}
	answer, err := rmcp.ParseMessage(payload)
	if err != nil {
		return err
	}
	if !answer.Answers(&m) {
		return fmt.Errorf("%s: answer to something else", q.Command().Name)
	}
	if answer.Code != ipmi.CodeOK {
		return &ipmi.Error{Command: q.Command(), Code: answer.Code}
	}
	if r == nil {
		return nil
	}
	return r.UnmarshalBinary(answer.Data)
}

// A state directory serves one process at a time.
func TestStateInUse(t *testing.T) {
	bmc := programs.StartBMC(t)
	r := programs.Run(t, t.TempDir(), programs.Lom(), "bmc", "--listen", "127.0.0.1:0", "--state",
		bmc.State, "-P", programs.BMCPassword)
	if want := "lom: state directory " + bmc.State + " is in use by another lom\n"; r.Code != 1 ||
		r.Stdout != "" || r.Stderr != want {
		t.Error(r)
	}
}

// A damaged state file is told in one sentence that names it, and is left as it is.
func TestDamagedState(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(state, "bmc1.state")
	const damaged = "lom-bmc-state 1\nnonsense\n"
	if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	r := programs.Run(t, t.TempDir(), programs.Lom(), "bmc", "--listen", "127.0.0.1:0", "--state",
		state, "-P", programs.BMCPassword)
	want := "lom: state file " + file +
		" is damaged at byte 16 (a change does not begin as it should): put back a copy, or move " +
		"it away to begin with factory settings\n"
	if r.Code != 1 || r.Stdout != "" || r.Stderr != want {
		t.Error(r)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != damaged {
		t.Errorf("the file is now %q (%v)", now, err)
	}
}
