package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lom/internal/programs"
)

// A password appears nowhere: neither in what lom says at its most talkative, nor in what a BMC
// says, nor in the process list.
func TestPasswordsAppearNowhere(t *testing.T) {
	const changed = "Other-Lantern-88"
	bmc := programs.StartBMC(t, "-vvvv")
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(programs.BMCPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	say := func(r programs.Result) {
		// The command line is what the test itself gave.
		said.WriteString(r.Stdout + r.Stderr)
	}
	for _, iface := range []string{"lan", "lanplus"} {
		base := []string{"-I", iface, "-H", bmc.Addr.Addr().String(), "-p",
			fmt.Sprint(bmc.Addr.Port()), "-U", bmc.User}
		for _, line := range []string{
			"-vvvv -P " + programs.BMCPassword + " mc info",
			"-vvvv -f " + file + " power status",
			"-vvvv -f " + file + " -o json mc info",
			"-vvvv -f " + file + " user set name 7 carla",
			"-vvvv -f " + file + " user set password 7 " + changed,
			"-vvvv -f " + file + " user test 7 16 " + changed,
			"-vvvv -f " + file + " user test 7 16 wrong" + changed,
			"-vvvv -f " + file + " -k " + changed + " mc info",
			"-vvvv -P wrong" + programs.BMCPassword[5:] + " mc info",
			"-vvvv -f " + file + " user set password 7 " + changed + changed,
		} {
			say(programs.Run(t, dir, programs.Lom(), append(base, programs.Words(line)...)...))
		}
	}
	everything := said.String() + bmc.Output()
	if len(said.String()) < 1000 {
		t.Errorf("-vvvv says next to nothing:\n%s", said.String())
	}
	for _, secret := range []string{programs.BMCPassword, changed, programs.BMCPassword[5:]} {
		for name, form := range map[string]string{
			"as it is":  secret,
			"in hex":    hex.EncodeToString([]byte(secret)),
			"as bytes":  fmt.Sprintf("% x", secret),
			"in BASE64": base64.StdEncoding.EncodeToString([]byte(secret)),
			"as list":   strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		} {
			if i := strings.Index(strings.ToLower(everything), strings.ToLower(form)); i >= 0 {
				t.Errorf("the password is in the output %s: …%s…", name,
					everything[max(0, i-200):min(len(everything), i+len(form)+20)])
			}
		}
	}
}
