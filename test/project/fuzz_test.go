package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Every package of formats that reads bytes is fuzzed.
func TestReadersAreFuzzed(t *testing.T) {
	rs := rules(t)
	for _, p := range list(t, "linux") {
		if rs[strings.TrimPrefix(p.ImportPath, "lom/")].floor != "1" {
			continue
		}
		readers := functions(t, p.Dir, false, func(f *ast.FuncDecl) bool {
			return f.Name.IsExported() && readsBytes(f) &&
				(f.Name.Name == "UnmarshalBinary" || strings.HasPrefix(f.Name.Name, "Parse") ||
					strings.HasPrefix(f.Name.Name, "Read"))
		})
		targets := functions(t, p.Dir, true, func(f *ast.FuncDecl) bool {
			return strings.HasPrefix(f.Name.Name, "Fuzz")
		})
		if len(readers) > 0 && len(targets) == 0 {
			t.Errorf("%s reads bytes (%s) and has no fuzz target", p.ImportPath,
				strings.Join(readers[:min(3, len(readers))], ", "))
		}
		t.Logf("%s: %d readers, %s", p.ImportPath, len(readers), strings.Join(targets, " "))
	}
}

// functions returns the names of the functions that are wanted, in the package's files or in those
// of its tests.
func functions(t *testing.T, dir string, tests bool, want func(*ast.FuncDecl) bool) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") != tests {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && want(fn) {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// readsBytes reports whether the first parameter of f is a []byte.
func readsBytes(f *ast.FuncDecl) bool {
	if f.Type.Params.NumFields() == 0 {
		return false
	}
	a, ok := f.Type.Params.List[0].Type.(*ast.ArrayType)
	if !ok || a.Len != nil {
		return false
	}
	id, ok := a.Elt.(*ast.Ident)
	return ok && id.Name == "byte"
}
