package harness

import (
	"net"
	"testing"
)

// A port that was given out is nobody else's, although nothing listens on it yet.
func TestPortsAreGivenOutOnce(t *testing.T) {
	var first, second Workspace
	t.Cleanup(first.giveBackPorts)
	t.Cleanup(second.giveBackPorts)
	given := make(map[int]bool)
	for range 50 {
		for _, w := range []*Workspace{&first, &second} {
			ports, err := w.freePorts(3)
			if err != nil {
				t.Fatal(err)
			}
			for _, port := range ports {
				if given[port] {
					t.Fatalf("%d is given out twice", port)
				}
				given[port] = true
				if port >= firstEphemeral() {
					t.Errorf("%d is one that the system picks", port)
				}
			}
		}
	}
	for port := range given {
		if mark, err := net.ListenPacket("udp", loopback(port)); err == nil {
			mark.Close()
			t.Fatalf("other processes do not see that %d is taken", port)
		}
	}
	first.giveBackPorts()
	second.giveBackPorts()
	for port := range given {
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			t.Fatalf("%d cannot be listened on: %v", port, err)
		}
		listener.Close()
	}
}
