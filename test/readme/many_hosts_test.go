package readme

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What docs/many-hosts.md shows is what lom prints, on another port.
func TestManyHostsPageIsTrue(t *testing.T) {
	all := examples(t, "../../docs/many-hosts.md")
	if len(all) < 8 {
		t.Fatalf("docs/many-hosts.md shows %d commands", len(all))
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(c.LocalAddr().(*net.UDPAddr).Port)
	c.Close()
	home, env := newHome(t)
	exports := ""
	for _, e := range all {
		command, shown := strings.ReplaceAll(e.command, "6230", port),
			strings.ReplaceAll(e.output, "6230", port)
		switch name, isFile := strings.CutPrefix(command, "cat "); {
		case isFile:
			if err := os.WriteFile(filepath.Join(home, name), []byte(shown), 0o600); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(command, "export "):
			exports += command + "\n"
		case strings.HasPrefix(command, "lom bmc "):
			background(t, home, env, exports+"exec "+command, shown, 20*time.Second)
		default:
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			cmd := exec.CommandContext(ctx, "sh", "-c", exports+command)
			cmd.Dir, cmd.Env = home, env
			out, _ := cmd.CombinedOutput()
			cancel()
			if !like(shown, string(out)) {
				t.Errorf("$ %s\nthe page shows\n%s\nit is\n%s", e.command, shown, out)
			}
		}
	}
}
