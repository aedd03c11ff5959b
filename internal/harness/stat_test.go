package harness

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestStateOfAProcess(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	id := child.Process.Pid
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	if children, err := childrenOf(os.Getpid()); err != nil || !slices.Contains(children, id) {
		t.Errorf("%d is not among %v, %v", id, children, err)
	}
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(startLimit)
	for state := ""; state != stopped; {
		var parent int
		var err error
		if state, parent, err = processState(id); err != nil || parent != os.Getpid() || time.Now().After(deadline) {
			t.Fatalf("it is in state %s, its parent is %d, %v", state, parent, err)
		}
	}
}
