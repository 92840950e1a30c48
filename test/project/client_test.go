package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What a connection can do is asked for with an interface. Who asks for a type of package client
// fails with a bridge, a wrapper, or a connection to another process.
func TestConnectionsAreAskedForByInterface(t *testing.T) {
	interfaces := map[string]bool{}
	concrete := map[string]bool{}
	for _, f := range parseFolder(t, "../../client") {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				s := s.(*ast.TypeSpec)
				_, isInterface := s.Type.(*ast.InterfaceType)
				interfaces[s.Name.Name] = isInterface
				// Errors are looked for by their types, which have Unwrap for that.
				concrete[s.Name.Name] = !isInterface && !strings.HasSuffix(s.Name.Name, "Error")
			}
		}
	}
	for _, name := range []string{"Router", "Describer", "Starter", "PayloadConn"} {
		if !interfaces[name] {
			t.Errorf("got no interface client.%s", name)
		}
	}
	found := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") && e.Name() != ".." ||
			path == filepath.FromSlash("../../client") {
			return filepath.SkipDir
		}
		for name, f := range parseFolder(t, path) {
			for _, a := range assertions(f) {
				found++
				if concrete[a] {
					t.Errorf("%s asks whether a connection is a client.%s; ask for an interface",
						name, a)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("got no assertion on a type of client at all")
	}
}

// The check sees both forms, with and without a pointer, under any name of the import.
func TestAssertionsAreSeen(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
import c "lom/client"
func f(v any) {
	_ = v.(*c.Session)
	switch v.(type) { case *c.Device, c.Router: }
}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(assertions(f), " "), "Session Device Router"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// assertions returns the types of package client that a file asks a value for.
func assertions(f *ast.File) (names []string) {
	client := ""
	for _, i := range f.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); path == "lom/client" {
			client = "client"
			if i.Name != nil {
				client = i.Name.Name
			}
		}
	}
	if client == "" {
		return nil
	}
	note := func(e ast.Expr) {
		if p, ok := e.(*ast.StarExpr); ok {
			e = p.X
		}
		if s, ok := e.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == client {
				names = append(names, s.Sel.Name)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeAssertExpr:
			note(n.Type)
		case *ast.TypeSwitchStmt:
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					note(e)
				}
			}
		}
		return true
	})
	return names
}

// parseFolder parses the Go files of a folder.
func parseFolder(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}
