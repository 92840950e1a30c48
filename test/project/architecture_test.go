package project

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// A rule is one row of the table in docs/architecture.md.
type rule struct {
	floor   string // 1 is the lowest; tool, test
	imports []string
}

func rules(t *testing.T) map[string]rule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\w+) \\|[^|]*\\|([^|]*)\\|$")
	rs := map[string]rule{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		var imports []string
		for _, i := range strings.Fields(m[3]) {
			imports = append(imports, strings.Trim(i, "`"))
		}
		rs[m[1]] = rule{m[2], imports}
	}
	if len(rs) < 5 {
		t.Fatal("docs/architecture.md has no table of packages")
	}
	return rs
}

// listed is what go list says about a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	Imports         []string
	Standard        bool
}

// list returns the packages of the module as GOOS sees them.
func list(t *testing.T, goos string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Standard", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// Standard packages that do I/O or leave the process: nothing for floor 1.
var withIO = []string{"net", "os", "os/exec", "os/signal", "syscall", "log", "net/http",
	"io/ioutil", "unsafe", "plugin", "testing"}

func TestImportsGoDownOnly(t *testing.T) {
	rs := rules(t)
	for _, goos := range []string{"linux", "windows"} {
		for _, p := range list(t, goos) {
			name := strings.TrimPrefix(p.ImportPath, "lom/")
			if strings.HasPrefix(name, "test/") {
				continue
			}
			r, ok := rs[name]
			if !ok {
				t.Errorf("%s is not in the table of docs/architecture.md", name)
				continue
			}
			for _, i := range p.Imports {
				if why := forbidden(rs, name, r, i); why != "" {
					t.Errorf("%s imports %s: %s", name, i, why)
				}
			}
		}
	}
	if t.Failed() {
		return
	}
	for name := range rs {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("docs/architecture.md tells of %s, which there is not", name)
		}
	}
}

// forbidden returns why a package must not import another, or nothing.
func forbidden(rs map[string]rule, name string, r rule, imported string) string {
	own, mine := strings.CutPrefix(imported, "lom/")
	if !mine {
		if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
			for _, s := range withIO {
				if r.floor == "1" && imported == s {
					return "floor 1 does no I/O"
				}
			}
			return ""
		}
		for _, allowed := range r.imports {
			if imported == allowed || strings.HasPrefix(imported, allowed+"/") {
				return ""
			}
		}
		return "docs/architecture.md does not allow it"
	}
	other, ok := rs[own]
	switch {
	case !ok:
		return "it is not in the table of docs/architecture.md"
	case r.floor == "tool" || other.floor == "tool":
		return "generators stand alone"
	case r.floor == "test":
		return ""
	case other.floor == "test":
		return "it is for tests"
	case other.floor < r.floor:
		return ""
	case other.floor > r.floor:
		return "imports go down only"
	case r.floor == "2" && strings.SplitN(own, "/", 2)[0] != strings.SplitN(name, "/", 2)[0]:
		return "the two ends know nothing of each other"
	}
	return ""
}

// Floor 1 starts no goroutine and reads no clock.
func TestFormatsAreOnlyFormats(t *testing.T) {
	rs := rules(t)
	for _, p := range list(t, "linux") {
		if rs[strings.TrimPrefix(p.ImportPath, "lom/")].floor != "1" {
			continue
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil,
				parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: a goroutine on floor 1", fset.Position(n.Pos()))
				case *ast.FuncDecl:
					if n.Name.Name == "init" && n.Recv == nil {
						t.Errorf("%s: init does work that nobody asked for", fset.Position(n.Pos()))
					}
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if !ok || x.Name != "time" {
						break
					}
					switch n.Sel.Name {
					case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer",
						"NewTicker":
						t.Errorf("%s: time.%s reads the clock on floor 1", fset.Position(n.Pos()),
							n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// The rules refuse what they are there to refuse.
func TestForbiddenImportsAreSeen(t *testing.T) {
	rs := rules(t)
	for _, c := range [][2]string{
		{"client", "lom/bmc"}, {"bmc", "lom/client"}, {"bmc/host", "lom/client"}, {"ipmi", "lom/client"}, {"rmcp", "net"},
		{"ipmi/sdr", "github.com/google/go-cmp/cmp"}, {"client", "github.com/spf13/cobra"}, {"bmc", "lom/cli"},
		{"cli", "lom/internal/ipmisim"}, {"client", "lom/internal/wiregen"}, {"ipmi", "golang.org/x/sys/unix"},
	} {
		if forbidden(rs, c[0], rs[c[0]], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{
		{"client", "lom/ipmi/sdr"}, {"client", "golang.org/x/net/ipv4"}, {"cli", "lom/bmc"}, {"bmc", "lom/bmc/host"},
		{"ipmi/sel", "lom/ipmi/sdr"}, {"bmc", "net"},
	} {
		if why := forbidden(rs, c[0], rs[c[0]], c[1]); why != "" {
			t.Errorf("%s may not import %s: %s", c[0], c[1], why)
		}
	}
}
