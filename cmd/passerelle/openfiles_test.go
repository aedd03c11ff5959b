package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// fewFilesVariable makes the test's own program say what fileShortage says of so many
// connections.
const fewFilesVariable = "PASSERELLE_TEST_FILE_SHORTAGE"

func TestFileShortage(t *testing.T) {
	if text := os.Getenv(fewFilesVariable); text != "" {
		var connections int
		if _, err := fmt.Sscan(text, &connections); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("[%s]\n", fileShortage(connections))
		return
	}
	for _, test := range []struct {
		name, limits, connections, want string
	}{
		{"no limit of connections", "ulimit -n 256", "0", "[]"},
		{"enough", "ulimit -n 256", "156", "[]"},
		{"too few", "ulimit -n 256", "157", "may have 256 files open, and 157 connections (gateway.limits.connections) need 257"},
		{"a soft limit that may be raised", "ulimit -S -n 128; ulimit -H -n 512", "400", "[]"},
		{"a soft limit that may not be raised enough", "ulimit -S -n 128; ulimit -H -n 512", "413", "files open, and 413 connections"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := exec.Command("/bin/sh", "-c", test.limits+` && exec "$0" -test.run='^TestFileShortage$'`, os.Args[0])
			command.Env = append(os.Environ(), fewFilesVariable+"="+test.connections)
			output, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(output), test.want) {
				t.Errorf("%v, %s\nwant %q in it", err, output, test.want)
			}
		})
	}
}
