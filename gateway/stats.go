package gateway

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
)

// OtherNetworks is the name that all networks together have in Stats which the
// configuration does not list.
const OtherNetworks = "other"

// Stats is what the gateway counts, for those who watch over it: numbers, and the
// names of the networks that the configuration lists; nothing about one user.
type Stats struct {
	Users int
	// Networks are the listed ones that somebody has been connected to, and
	// OtherNetworks.
	Networks map[string]NetworkStats
	// StanzasOut are the stanzas handed to the component, by Kind.
	StanzasOut [component.Kinds]uint64
	// Refusals counts requests that were answered with an error, by its
	// condition (RFC 6120 §8.3.3).
	Refusals map[string]uint64
	// Limits counts those of them that a limit was the reason of, by its key in
	// gateway.limits.
	Limits map[string]uint64
	// Panics counts the faults of ours that ended a user's session or connection.
	Panics uint64
	// ToXMPP is the time from reading a line to handing what it makes to the
	// component, ToIRC that from reading a stanza to queueing its first lines.
	ToXMPP, ToIRC Latency
	// Lines are those to and from all IRC servers.
	Lines ircconn.TrafficStats
	// Stanzas and Events are what waits in the users' inlets, and LongestStanzas
	// and LongestEvents what waits for one user at most.
	Stanzas, Events, LongestStanzas, LongestEvents int
}

// NetworkStats is what is counted of a network.
type NetworkStats struct {
	// Connecting, Online and Interrupted are connections by state, now; the last
	// are those that were lost and are to come back.
	Connecting, Online, Interrupted int
	// Rooms are the channels that users are in, each counted for each of them,
	// and Occupants all who are in those.
	Rooms, Occupants int
	// Started counts connections that were begun, Ended those that ended, by
	// reason: see EndReasons.
	Started uint64
	Ended   map[string]uint64
	// Outages counts connections that were lost with rooms to come back to, and
	// Recoveries those that came back.
	Outages, Recoveries uint64
}

// endReasons are why connections end: because we wanted it, or by the kind of
// fault.
var endReasons = [...]string{
	"wanted", "local", "resolve", "connect", "timeout", "tls", "refused", "closed", "silent", "protocol", "login", "forbidden", "password",
}

// EndReasons are the reasons by which NetworkStats.Ended counts.
func EndReasons() []string { return slices.Clone(endReasons[:]) }

// endReason returns the index of the reason in endReasons.
func endReason(err error) int {
	var fault *ircconn.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &fault) && int(fault.Kind)+1 < len(endReasons):
		return int(fault.Kind) + 1
	}
	return 1
}

// latencyBounds are the upper bounds of the buckets of a Latency; there is one
// more for all that took longer.
var latencyBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// LatencyBounds are the upper bounds of the buckets of a Latency, in order.
func LatencyBounds() []time.Duration { return slices.Clone(latencyBounds[:]) }

// Latency is how long things took.
type Latency struct {
	// Buckets counts those within each of LatencyBounds and above the one
	// before, and last those above all.
	Buckets []uint64
	Sum     time.Duration
}

// Count is how many things are counted.
func (l Latency) Count() uint64 {
	var count uint64
	for _, bucket := range l.Buckets {
		count += bucket
	}
	return count
}

// latency is a Latency that many goroutines add to.
type latency struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64
	sum     atomic.Int64
}

func (l *latency) observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	l.buckets[i].Add(1)
	l.sum.Add(int64(d))
}

func (l *latency) addTo(total *Latency) {
	if total.Buckets == nil {
		total.Buckets = make([]uint64, len(l.buckets))
	}
	for i := range l.buckets {
		total.Buckets[i] += l.buckets[i].Load()
	}
	total.Sum += time.Duration(l.sum.Load())
}

// counters is what is counted on the way of each stanza and line. There are
// several, of which each scratch has one, so that users who work at the same time
// seldom write to the same memory.
type counters struct {
	stanzas       [component.Kinds]atomic.Uint64
	toXMPP, toIRC latency
	_             [64]byte // the next one's begin in another cache line
}

const counterShards = 8

// sent counts the stanzas of an encoder that were handed to the component.
func (c *counters) sent(e *component.Encoder) {
	for kind, count := range e.Stanzas() {
		if count > 0 {
			c.stanzas[kind].Add(uint64(count))
		}
	}
}

// meter is all that the gateway counts.
type meter struct {
	shards   [counterShards]counters
	next     atomic.Uint32 // shard to be given out
	refusals map[string]*atomic.Uint64
	limits   map[string]*atomic.Uint64
	traffic  ircconn.Traffic

	mu       sync.RWMutex
	networks map[string]*networkMeter // by label
}

// networkMeter is what is counted of the networks with one label.
type networkMeter struct {
	connecting, online, interrupted, rooms, occupants atomic.Int64
	started, outages, recoveries                      atomic.Uint64
	ended                                             [len(endReasons)]atomic.Uint64
}

// undefinedCondition stands for the conditions that RFC 6120 does not have.
const undefinedCondition = "undefined-condition"

func (m *meter) init() {
	m.networks = make(map[string]*networkMeter)
	m.refusals, m.limits = make(map[string]*atomic.Uint64), make(map[string]*atomic.Uint64)
	for _, key := range limitKeys() {
		m.limits[key] = new(atomic.Uint64)
	}
	for _, condition := range component.Conditions() {
		m.refusals[condition] = new(atomic.Uint64)
	}
}

func (m *meter) newScratch() *scratch {
	return &scratch{counters: &m.shards[m.next.Add(1)%counterShards]}
}

func (m *meter) refused(condition string) {
	counter := m.refusals[condition]
	if counter == nil {
		counter = m.refusals[undefinedCondition]
	}
	counter.Add(1)
}

// limited counts a refusal by a limit; an empty key is none.
func (m *meter) limited(key string) {
	if counter := m.limits[key]; counter != nil {
		counter.Add(1)
	}
}

// meterOf returns where a network is counted: by its name if it is listed, so
// that there is an end to the names.
func (g *Gateway) meterOf(network string) *networkMeter {
	label := OtherNetworks
	if _, listed := g.live().Servers[network]; listed || network == g.addressing.Fixed {
		label = network
	}
	m := &g.meter
	m.mu.RLock()
	found := m.networks[label]
	m.mu.RUnlock()
	if found != nil {
		return found
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.networks[label] == nil {
		m.networks[label] = new(networkMeter)
	}
	return m.networks[label]
}

// measure is what a network of one user adds to the sums of its networkMeter.
type measure struct {
	connecting, online, interrupted int8 // 0 or 1
	rooms, occupants                int32
}

func (m measure) connections() int32 { return int32(m.connecting + m.online + m.interrupted) }

// counted is what a network has added already.
type counted struct {
	meter *networkMeter
	measure
}

// recount brings the sums up to date with the user's networks.
func (u *User) recount() {
	for _, n := range u.networks {
		n.count(n.measure())
	}
}

func (n *Network) measure() measure {
	var m measure
	switch {
	case n.ready:
		m.online = 1
	case n.outage != nil:
		m.interrupted = 1
	default:
		m.connecting = 1
	}
	for _, ch := range n.channels {
		if ch.joined || m.interrupted > 0 {
			m.rooms++
			m.occupants += int32(ch.members.len())
		}
	}
	return m
}

// count replaces what the network adds to the sums; all zero takes it out.
func (n *Network) count(now measure) {
	was := n.counted.measure
	if now == was {
		return
	}
	if n.counted.meter == nil {
		n.counted.meter = n.u.g.meterOf(n.name)
	}
	n.counted.measure = now
	n.u.g.growth.add(int(now.connections()-was.connections()), 0)
	m := n.counted.meter
	m.connecting.Add(int64(now.connecting - was.connecting))
	m.online.Add(int64(now.online - was.online))
	m.interrupted.Add(int64(now.interrupted - was.interrupted))
	m.rooms.Add(int64(now.rooms - was.rooms))
	m.occupants.Add(int64(now.occupants - was.occupants))
	switch {
	case now.interrupted > was.interrupted:
		m.outages.Add(1)
	case was.interrupted > 0 && now.online > 0:
		m.recoveries.Add(1)
	}
}

// arrival is when that was read which a user's goroutine works on: one of the two,
// or neither. handed is whether it made stanzas that the component has.
type arrival struct {
	stanza, line time.Time
	handed       bool
}

// lineArrived notes the event that is about to be handled and when its line was
// read; what we did ourselves has none.
func (u *User) lineArrived(ev ircconn.Event, at time.Time) {
	switch ev.(type) {
	case ircconn.Written, ircconn.Progress:
		return
	case ircconn.Message:
		u.talk++
	}
	if u.arrival.line.IsZero() { // the first of several that are handed over together
		u.arrival.line = at
	}
}

// linesQueued measures the way of a stanza to its first lines.
func (u *User) linesQueued() {
	if u.arrival.stanza.IsZero() {
		return
	}
	u.counters.toIRC.observe(u.g.now().Sub(u.arrival.stanza))
	u.arrival.stanza = time.Time{}
}

// stanzasHanded counts the stanzas that the component has just taken.
func (u *User) stanzasHanded() {
	u.counters.sent(&u.enc)
	u.arrival.handed = true
}

// arrivalDone measures the way of a line to its stanzas, when all are handed over.
func (u *User) arrivalDone() {
	if u.arrival.handed && !u.arrival.line.IsZero() {
		u.counters.toXMPP.observe(u.g.now().Sub(u.arrival.line))
	}
	u.arrival = arrival{}
}

// roundDone brings the sums up to date after so many pieces of work. What is said
// changes nothing in them.
func (u *User) roundDone(pieces int) {
	if pieces != u.talk {
		u.recount()
	}
	u.talk = 0
}

// Stats returns the figures of this moment. It may be called from any goroutine.
func (g *Gateway) Stats() Stats {
	g.mu.Lock()
	users := slices.Collect(maps.Values(g.users))
	g.mu.Unlock()
	s := Stats{
		Users: len(users), Lines: g.meter.traffic.Stats(),
		Refusals: make(map[string]uint64), Networks: make(map[string]NetworkStats), Limits: make(map[string]uint64),
	}
	s.Panics = uint64(g.panics.Load()) + s.Lines.Panics
	for _, u := range users {
		stanzas, events := u.in.waiting()
		s.Stanzas += stanzas
		s.Events += events
		s.LongestStanzas, s.LongestEvents = max(s.LongestStanzas, stanzas), max(s.LongestEvents, events)
	}
	for i := range g.meter.shards {
		shard := &g.meter.shards[i]
		for kind := range component.Kinds {
			s.StanzasOut[kind] += shard.stanzas[kind].Load()
		}
		shard.toXMPP.addTo(&s.ToXMPP)
		shard.toIRC.addTo(&s.ToIRC)
	}
	for condition, count := range g.meter.refusals {
		s.Refusals[condition] = count.Load()
	}
	for key, count := range g.meter.limits {
		s.Limits[key] = count.Load()
	}
	for listed := range g.live().Servers {
		g.meterOf(listed)
	}
	g.meterOf(OtherNetworks)
	g.meter.mu.RLock()
	defer g.meter.mu.RUnlock()
	for label, m := range g.meter.networks {
		s.Networks[label] = m.stats()
	}
	return s
}

func (m *networkMeter) stats() NetworkStats {
	s := NetworkStats{
		Connecting: int(m.connecting.Load()), Online: int(m.online.Load()), Interrupted: int(m.interrupted.Load()),
		Outages: m.outages.Load(), Recoveries: m.recoveries.Load(),
		Rooms: int(m.rooms.Load()), Occupants: int(m.occupants.Load()),
		Started: m.started.Load(), Ended: make(map[string]uint64),
	}
	for i, reason := range endReasons {
		s.Ended[reason] = m.ended[i].Load()
	}
	return s
}
