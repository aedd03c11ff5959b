package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// stopped is the state of a process that SIGSTOP has stopped (proc_pid_stat(5)).
const stopped = "T"

// processState returns the state of a process and the id of its parent.
func processState(id int) (state string, parent int, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	if err != nil {
		return "", 0, err
	}
	// The name, in parentheses, may have any characters.
	name := strings.LastIndexByte(string(text), ')')
	if _, err := fmt.Sscan(string(text[name+1:]), &state, &parent); err != nil {
		return "", 0, fmt.Errorf("reading the state of process %d: %w", id, err)
	}
	return state, parent, nil
}

// childrenOf returns the ids of the processes that a process has started and that are there
// still.
func childrenOf(parent int) ([]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, folder := range folders {
		id, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			return nil, err
		}
		_, itsParent, err := processState(id)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return nil, err
		}
		if itsParent == parent {
			children = append(children, id)
		}
	}
	return children, nil
}
