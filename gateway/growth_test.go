package gateway

import (
	"testing"

	"passerelle/ircconn"
)

func TestGrowth(t *testing.T) {
	var told []uint64
	g := growth{notice: func(bytes uint64) { told = append(told, bytes) }}
	const few = GrowthStep/connectionBytes + 1
	for range 2 * few {
		g.add(1, 0)
		g.add(-1, -100)
	}
	if len(told) != 2 || told[0]/GrowthStep != 1 || told[1]/GrowthStep != 2 {
		t.Errorf("told of %v", told)
	}
	g.add(0, 3*GrowthStep/memberBytes)
	if len(told) != 3 || told[2] != g.bytes.Load() {
		t.Errorf("told of %v", told)
	}
}

// Connections count from the attempt on, and the members of a channel when their
// list has come, and not one by one.
func TestGrowthOfANetwork(t *testing.T) {
	w := connected(t)
	w.u.recount()
	kept := w.g.growth.bytes.Load()
	if kept < connectionBytes || kept > 2*connectionBytes {
		t.Errorf("%d bytes for a connection", kept)
	}
	w.event(ircconn.Joined{Source: source("juliet"), Channel: "#large", Self: true}, namesOf("#large", 0, 10), ircconn.NamesEnd{Channel: "#large"})
	w.event(ircconn.Joined{Source: source("late"), Channel: "#large"})
	w.u.recount()
	if more := w.g.growth.bytes.Load() - kept; more != 10*memberBytes {
		t.Errorf("%d bytes for ten members", more)
	}
}
