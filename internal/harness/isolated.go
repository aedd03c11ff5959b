//go:build linux

package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Isolated is a proxy in a network of its own, with one cable to this one.
type Isolated struct {
	*Proxy
	cable string
}

// isolatedNumber tells the cables and addresses of one process apart.
var isolatedNumber atomic.Int32

// CanIsolate says why networks cannot be made here, or nil.
func CanIsolate() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make a network of its own")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("the program ip is missing; install the package iproute2")
	}
	return nil
}

// NewIsolatedProxy makes a proxy for a target that listens in a network of its own.
func NewIsolatedProxy(target string) (*Isolated, error) {
	number := int(isolatedNumber.Add(1))
	// The names of interfaces have at most 15 characters.
	near := fmt.Sprintf("pt%dn%d", os.Getpid(), number)
	far := fmt.Sprintf("pt%df%d", os.Getpid(), number)
	subnet := fmt.Sprintf("10.%d.%d.", 64+os.Getpid()%64, number)
	made := make(chan net.Listener, 1)
	failed := make(chan error, 1)
	go func() {
		// The thread is of no use to anybody else from now on, and ends with the
		// goroutine. The network lives on with the listener.
		runtime.LockOSThread()
		listener, err := listenApart(near, far, subnet)
		if err != nil {
			failed <- err
			return
		}
		made <- listener
	}()
	select {
	case err := <-failed:
		return nil, fmt.Errorf("making a network: %w", err)
	case listener := <-made:
		return &Isolated{Proxy: relaying(listener, dialling(target)), cable: near}, nil
	}
}

// listenApart puts the calling thread into a network of its own, lays a cable to it,
// and listens at its end.
func listenApart(near, far, subnet string) (net.Listener, error) {
	if err := ip("link", "add", near, "type", "veth", "peer", "name", far); err != nil {
		return nil, err
	}
	if err := errors.Join(ip("addr", "add", subnet+"1/24", "dev", near), ip("link", "set", near, "up")); err != nil {
		return nil, err
	}
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer here.Close()
	home := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), here.Fd())
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	thread := strconv.Itoa(unix.Gettid())
	if err := inNetwork(home, "link", "set", far, "netns", thread); err != nil {
		return nil, err
	}
	if err := errors.Join(ip("addr", "add", subnet+"2/24", "dev", far), ip("link", "set", far, "up")); err != nil {
		return nil, err
	}
	return net.Listen("tcp", subnet+"2:0")
}

// ip runs the program of that name in the network of the calling thread.
func ip(arguments ...string) error { return run("ip", arguments...) }

// inNetwork runs ip in another network.
func inNetwork(network string, arguments ...string) error {
	return run("nsenter", append([]string{"--net=" + network, "ip"}, arguments...)...)
}

func run(program string, arguments ...string) error {
	output, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, output)
	}
	return nil
}

// Unplug pulls the cable: what is sent gets lost, and nobody is told.
func (i *Isolated) Unplug() error { return ip("link", "set", i.cable, "down") }

// Plug puts the cable back.
func (i *Isolated) Plug() error { return ip("link", "set", i.cable, "up") }

// Close ends the proxy and removes the cable.
func (i *Isolated) Close() error {
	removed := ip("link", "delete", i.cable)
	return errors.Join(i.Proxy.Close(), removed)
}
