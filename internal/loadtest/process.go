package loadtest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running program as the kernel accounts for it.
type process int

// cpu is how much processor time all of its threads have used. The clock of a process
// is finer than /proc (clock_getcpuclockid(3)).
func (p process) cpu() (time.Duration, error) {
	const scheduled = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^int(p)<<3|scheduled), &used); err != nil {
		return 0, fmt.Errorf("reading the processor time of process %d: %w", p, err)
	}
	return time.Duration(used.Nano()), nil
}

// settle waits until it has nothing more to do, and returns the processor time that it
// has used.
func (p process) settle() (time.Duration, error) {
	const pause, rest = 150 * time.Millisecond, 5 * time.Millisecond
	last, err := p.cpu()
	for range 40 {
		time.Sleep(pause)
		used, problem := p.cpu()
		if problem != nil || used-last < rest {
			return used, problem
		}
		last = used
	}
	return last, err
}

// resident is how much of its memory is in RAM, in bytes.
func (p process) resident() (float64, error) {
	kibibytes, err := p.account("status", "VmRSS:")
	return kibibytes * 1024, err
}

// written is how many bytes it has made the kernel write to a disk.
func (p process) written() (float64, error) { return p.account("io", "write_bytes:") }

// account is a number in a file of /proc.
func (p process) account(file, key string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, file))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), key); found {
			var number float64
			if _, err := fmt.Sscan(value, &number); err != nil {
				return 0, fmt.Errorf("%s of process %d: %w", key, p, err)
			}
			return number, nil
		}
	}
	return 0, fmt.Errorf("the kernel does not say %s of process %d", key, p)
}
