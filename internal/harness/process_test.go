package harness

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func groupExists(id int) bool { return !errors.Is(syscall.Kill(-id, 0), syscall.ESRCH) }

// TestGroupEndsWithItsStarter kills a copy of this test binary that has started a process
// with a child of its own, and waits for both to be gone.
func TestGroupEndsWithItsStarter(t *testing.T) {
	const role = "PASSERELLE_HARNESS_STARTER"
	if os.Getenv(role) != "" {
		process, err := startProcess("sleeper", "/", nil, "/bin/sh", "-c", "sleep 600 & sleep 600")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("group %d\n", process.ID())
		<-process.Exited()
		return
	}
	starter := exec.Command(os.Args[0], "-test.run=^TestGroupEndsWithItsStarter$")
	starter.Env = append(os.Environ(), role+"=yes")
	output, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	var group int
	lines := bufio.NewScanner(output)
	for group == 0 && lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "group %d", &group)
	}
	if group == 0 || !groupExists(group) {
		t.Fatalf("the starter named the group %d, which is not there", group)
	}
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = starter.Wait()
	deadline := time.After(startLimit)
	for groupExists(group) {
		select {
		case <-deadline:
			t.Fatalf("group %d outlives its starter", group)
		case <-time.After(pollEvery):
		}
	}
}

// Somebody else's answer is not taken for that of a program that has ended.
func TestEndedProgramIsNotWaitedFor(t *testing.T) {
	process, err := startProcess("true", t.TempDir(), nil, "true")
	if err != nil {
		t.Fatal(err)
	}
	<-process.Exited()
	if err := process.waitFor(t.Context(), func() error { return nil }); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	process.Stop()
}

func TestMissingProgramNamesItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := findProgram("no-such-server", "no-such-package")
	if err == nil || !strings.Contains(err.Error(), "apt-get install no-such-package") {
		t.Errorf("got %v", err)
	}
}

func TestOutputKeepsItsEnd(t *testing.T) {
	kept := &tail{limit: 5}
	for _, part := range []string{"ab", "cdef", "gh"} {
		if _, err := kept.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if got := kept.String(); got != "defgh" {
		t.Errorf("got %q, want %q", got, "defgh")
	}
}
