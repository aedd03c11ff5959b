package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

const (
	// firstPort is the lowest port that is given to servers.
	firstPort = 10000
	// usualEphemeral is where Linux begins with the ports that it picks itself, unless told
	// otherwise.
	usualEphemeral = 32768
	// portTries is how many ports are tried before there is taken to be none.
	portTries = 1000
)

// FreeAddress is a loopback "host:port" that nothing listens on, and that nobody else gets.
func (w *Workspace) FreeAddress() (string, error) {
	ports, err := w.freePorts(1)
	if err != nil {
		return "", err
	}
	return loopback(ports[0]), nil
}

// freePorts returns count loopback ports for servers to listen on. Until the workspace is
// closed nobody else gets them: neither another test, also of another process, nor a
// connection that the system picks a port for. Else a server that is slow to start, or starts
// again, finds its port taken, and whoever waits for it to answer there takes somebody else's
// answer for its own.
func (w *Workspace) freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		port, err := w.reservePort()
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

func (w *Workspace) reservePort() (int, error) {
	end := firstEphemeral()
	for range portTries {
		port := firstPort + rand.IntN(end-firstPort)
		// Servers listen by TCP only, so that UDP's port of the same number is free to say, in
		// all processes, that this one is taken.
		mark, err := net.ListenPacket("udp", loopback(port))
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			mark.Close()
			continue
		}
		listener.Close()
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.reserved = append(w.reserved, mark)
		return port, nil
	}
	return 0, errors.New("looking for a free port: all that were tried are taken")
}

func (w *Workspace) giveBackPorts() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, mark := range w.reserved {
		mark.Close()
	}
	w.reserved = nil
}

// firstEphemeral is the lowest port that the system picks by itself, where that leaves enough
// ports below.
func firstEphemeral() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usualEphemeral
	}
	var lowest int
	if _, err := fmt.Sscan(string(text), &lowest); err != nil || lowest < firstPort+portTries {
		return usualEphemeral
	}
	return lowest
}
