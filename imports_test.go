// Package passerelle_test holds the tests of the module as a whole.
package passerelle_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "passerelle/"

// mayImport says which packages of this module each package of the shipped program may
// import. Imports go one way: docs/architecture.md has the picture.
var mayImport = map[string][]string{
	"cmd/passerelle": {"monitor", "gateway", "component", "ircconn", "translate", "store"},
	"monitor":        {"gateway", "component", "ircconn", "store"},
	"gateway":        {"component", "ircconn", "translate", "store", "crew"},
	"component":      {},
	"crew":           {},
	"ircconn":        {"crew"},
	"translate":      {},
	"store":          {},
}

// onlyForTests are folders whose packages the shipped program never imports, and which may
// import what they like.
var onlyForTests = []string{"internal/", "e2e", "cmd/demo", "cmd/loadtest"}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == p.ImportPath || slices.ContainsFunc(onlyForTests, func(folder string) bool { return strings.HasPrefix(name, folder) }) {
			continue
		}
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s is in no layer: give it its place in mayImport", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, found := strings.CutPrefix(imported, module)
			if found && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, against the direction of imports", name, ours)
			}
		}
	}
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	var problems bytes.Buffer
	command := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("listing the packages: %v\n%s", err, problems.String())
	}
	var packages []listedPackage
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var p listedPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("reading the list of packages: %v", err)
		}
		packages = append(packages, p)
	}
}
