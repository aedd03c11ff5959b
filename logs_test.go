package passerelle_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Warnings and errors are shown to whoever sees the status page, so what they say is
// written in the program, and what it is about is in their attributes.
func TestLogMessagesAreWrittenInTheProgram(t *testing.T) {
	seen := 0
	for folder := range mayImport {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				seen += checkLogMessages(t, file)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d warnings and errors were found, which cannot be all", seen)
	}
}

// checkLogMessages returns how many warnings and errors a file logs.
func checkLogMessages(t *testing.T, file string) int {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(parsed, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		called, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || called.Sel.Name != "Warn" && called.Sel.Name != "Error" {
			return true
		}
		if where, ok := called.X.(*ast.Ident); ok && where.Name == "http" {
			return true // http.Error answers a request
		}
		seen++
		if text, ok := call.Args[0].(*ast.BasicLit); !ok || text.Kind != token.STRING {
			t.Errorf("%s: what is logged is not written there", files.Position(call.Pos()))
		}
		return true
	})
	return seen
}
