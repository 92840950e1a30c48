//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One signal ends a command that waits for the other end of a pipe.
func TestSignalWhileAPipeIsOpened(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, line := range []string{
		"-H @PIPE -P x power status",
		"-H bmc1 -f PIPE power status",
		"-H bmc1 -P x exec PIPE",
		"-H bmc1 -P x sel add PIPE",
		"-H bmc1 -P x sel readraw PIPE",
		"-H bmc1 -P x event file PIPE",
		"-H bmc1 -P x -S PIPE sdr list",
		"-H bmc1 -P x fru write 0 PIPE",
		"-H bmc1 -P x sdr fill file PIPE",
		"bmc --config PIPE",
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var out, errs bytes.Buffer
		a := scriptedApp(newScriptedBMC(t, nil), strings.NewReader(""), &out, &errs)
		code := make(chan int)
		go func() { code <- a.Run(ctx, strings.Fields(strings.ReplaceAll(line, "PIPE", pipe))) }()
		cancel(signalError{syscall.SIGTERM})
		select {
		case got := <-code:
			if got != exitTerminated || errs.Len() > 0 {
				t.Errorf("%s: exit code %d, want %d; stderr %q", line, got, exitTerminated, &errs)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: does not end", line)
		}
		// Whoever waits still finds somebody at the other end.
		if f, err := os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
	}
}
