package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lom/bmc"
	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/ipmi/fru"
)

// localBMC is a session with a BMC of this process.
type localBMC struct{ b *bmc.BMC }

func (s localBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	answer := make(chan ipmi.RawResponse, 1)
	from := &bmc.Context{
		Context: ctx, Channel: 1, LUN: req.LUN, Privilege: ipmi.PrivilegeAdministrator, User: 2,
	}
	body := []byte(req.Command.Body)
	s.b.Answer(from, req.Command.NetFn, req.Command.Code, append(body, req.Data...),
		func(cc ipmi.CompletionCode, out []byte) {
			answer <- ipmi.RawResponse{Code: cc, Data: bytes.TrimPrefix(out, body)}
		})
	return <-answer, nil
}

func (localBMC) Close() error { return nil }

// runLocal runs one command line against b.
func runLocal(b *bmc.BMC, args ...string) (stdout, stderr string, exit int) {
	var out, errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), &out, &errs)
	a.env = func(string) (string, bool) { return "", false }
	a.dial = func(context.Context, *Options, *slog.Logger) (Session, error) {
		return localBMC{b}, nil
	}
	words := append([]string{"-H", "bmc1", "-U", "admin", "-P", "secret"}, args...)
	exit = a.Run(context.Background(), words)
	return out.String(), errs.String(), exit
}

func TestFRUFiles(t *testing.T) {
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	file := filepath.Join(t.TempDir(), "fru")
	run := func(wantExit int, wantOut, wantErr string, args ...string) {
		t.Helper()
		out, errs, exit := runLocal(b, args...)
		if exit != wantExit || !strings.Contains(out, wantOut) ||
			!strings.Contains(errs, wantErr) || wantErr == "" && errs != "" {
			t.Errorf("%v: exit code %d\n%s%s", args, exit, out, errs)
		}
	}
	run(0, "Fru Size         : 1024 bytes\nDone\n", "", "fru", "read", "0", file)
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := fru.Parse(image)
	if err != nil || m.Product == nil {
		t.Fatal(err)
	}

	const serial = "a serial number that is long"
	run(0, "Updating Field '"+m.Chassis.SerialNumber.String()+"' with '"+serial+"' ...\n", "",
		"fru", "edit", "0", "field", "c", "1", serial)
	run(0, " Chassis Serial        : a serial number that is long\n", "", "fru", "print", "0")
	run(1, "", "the field cannot hold that",
		"fru", "edit", "0", "field", "c", "1", strings.Repeat("x", 64))
	for i, wantExit := range []int{0, 0, 1} {
		run(wantExit, "", []string{"", "", "does not fit"}[i],
			"-o", "json", "fru", "edit", "1", "field", "p", strconv.Itoa(i),
			strings.Repeat("x", 63))
	}
	run(0, "Size to Write    : 1024 bytes\n", "", "fru", "write", "0", file)
	run(0, m.Chassis.SerialNumber.String(), "", "fru", "print", "0")

	run(1, "", "1024 bytes, FRU 1 takes", "fru", "write", "1", file)
	run(1, "", "is not present", "fru", "write", "99", file)
	image[20] ^= 1
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	run(1, "", "is not a sound FRU image", "fru", "write", "0", file)
	run(0, "", "", "fru", "write", "0", file, "--force")
	run(0, "", "bad checksum", "fru", "print", "0")
	if err := os.WriteFile(file, make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	run(1, "", "blank", "fru", "write", "0", file)
	run(0, "FRU Device Description", "bad checksum", "fru", "print")
	run(1, "", "no such file", "fru", "write", "0", file+"x")
}
