package gateway

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// User is everything that one bare JID has here.
type User struct {
	g        *Gateway
	jid      component.JID // bare
	networks few[string, *Network]
	chosen   map[store.Scope]store.Settings // once they are known
	contacts map[string]bool                // whom the user follows on IRC, once they are known
	// chosenKnown and contactsKnown say that they were read, for which they must have
	// been needed.
	chosenKnown, contactsKnown bool
	commandsWatched            bool                  // for those that nobody goes on with
	aheadWatched               bool                  // for a page that nobody asks for
	leaving                    bool                  // because the gateway goes down: what the user has is kept
	choices                    int                   // how often a choice was changed, for what is computed of them
	loginTried                 map[string]time.Time  // when presence last connected to a network
	online                     map[onlineClient]bool // clients that said so to the gateway or a network
	adhoc                      map[string]*adhocSession
	standing                   standing
	searchPause                time.Time // until when the archive is not searched, which took too long
	ahead                      *readAhead
	usage                      usage
	firstSeen                  time.Time            // zero where it was before that was kept
	inquiries                  map[string]*inquiry  // clients that are asked whether they are there, by id
	unheard                    *unheard             // nil while there is a stream
	stream                     *streamState         // as the user last saw it
	retelling                  time.Time            // of the loss that clients are being told about; else zero
	returning                  map[store.Scope]bool // what is to be brought back when its clients have answered
	whole                      int                  // how much of what is encoded the finished work has made
	*scratch
	sender component.Sender
	effort effort
	// refusing belongs to the gateway's mutex.
	refusing *refuser // nil until something was refused
	in       inlet
}

// scratch is where stanzas are encoded. A user has one only while there is work,
// so that those who do nothing hold no buffers.
type scratch struct {
	enc  component.Encoder
	tail component.Encoder // what all recipients of a stanza share

	counters *counters
	arrival  arrival
	queued   []*Network // whose lines are to leave
	talk     int        // how much of the work at hand was messages from IRC
	worked   int        // what the work at hand counts for in effort
}

// largestScratch is how large a buffer is kept for the next user.
const largestScratch = 4 * flushBytes

func (g *Gateway) giveBack(s *scratch) {
	s.arrival, s.talk, s.worked = arrival{}, 0, 0
	clear(s.queued)
	s.queued = s.queued[:0]
	if cap(s.enc.Bytes()) <= largestScratch && cap(s.tail.Bytes()) <= largestScratch {
		g.scratches.Put(s)
	}
}

func newUser(g *Gateway, jid component.JID) *User {
	u := &User{g: g, jid: cloneJID(jid)}
	if stream := g.stream.Load(); stream != nil && stream.isUp {
		u.stream = stream // otherwise what is said is kept at once, see followStream
	}
	return u
}

// start has a goroutine work for the user.
func (u *User) start() { u.g.crew.Give(u) }

// post gives the user's goroutine something to do. It may wait until done is
// closed, and reports whether the event was queued.
func (u *User) post(ev event, done <-chan struct{}) bool {
	return u.in.postEvent(happening{do: ev}, func() <-chan struct{} { return done }, u.start, nil)
}

// after runs an event on the user's goroutine when d has passed.
func (u *User) after(d time.Duration, ev event) *time.Timer {
	return u.g.timer(d, func() { u.post(ev, nil) })
}

// run is the user's goroutine: it works until both inlets are empty, or until the user
// is to pause.
func (u *User) run() {
	s := u.g.scratches.Get().(*scratch)
	defer u.g.giveBack(s)
	u.scratch = s
	for round := 0; ; round++ {
		idle := len(u.networks) == 0 && len(u.adhoc) == 0 && len(u.inquiries) == 0 && u.unheard == nil && u.ahead == nil
		work := u.in.take(idle)
		if work == nil {
			if idle {
				u.g.retire(u)
			}
			return
		}
		if round > 0 {
			runtime.Gosched() // whoever is flooded takes turns with the others
		}
		if !u.doAll(work) {
			return
		}
		u.handOn()
		u.roundDone(work.len())
		pause := u.effort.spend(u.worked+doneBytes*work.len(), u.g.now())
		u.worked = 0
		work.finish()
		if pause > 0 && !u.g.isClosing() {
			u.g.timer(pause, u.start)
			return
		}
	}
}

// doAll does what was taken from the inlet, and reports whether the user lives on.
func (u *User) doAll(work *work) (alive bool) {
	for i, s := range work.stanzas {
		if !u.guard(func() { u.handleStanza(s) }) {
			u.abandon(work.stanzas[i:])
			return false
		}
		if !comeInRows(work.stanzas[i:]) && !u.guard(u.flushLines) {
			u.abandon(work.stanzas[i+1:])
			return false
		}
		u.handOn()
	}
	for i := range work.events {
		if !u.guard(func() { work.events[i].happen(u) }) || len(u.queued) > 0 && !u.guard(u.flushLines) {
			u.abandon(nil)
			return false
		}
		if len(u.enc.Bytes()) >= eventBytes {
			u.handOn()
		}
	}
	return true
}

// comeInRows reports whether the first of some stanzas is followed by a message to a
// room: then its lines leave together with those of the next. What comes otherwise may
// wait for the store, and no line should wait for that.
func comeInRows(stanzas []*component.Stanza) bool {
	return len(stanzas) > 1 && stanzas[1].Kind == component.Message && stanzas[1].Type == "groupchat"
}

// queuedFor notes that lines of a network are to leave.
func (u *User) queuedFor(n *Network) {
	if !slices.Contains(u.queued, n) {
		u.queued = append(u.queued, n)
	}
}

// flushLines has the lines leave that the work so far has queued. What shows them is
// handed on by and by: there may be many, and whoever waits for the XMPP server should
// not hold much meanwhile.
func (u *User) flushLines() {
	for i := 0; i < len(u.queued); i++ {
		n := u.queued[i]
		n.conn.Flush(func(receipt uint64) {
			n.onWritten(ircconn.Written{Receipt: receipt})
			if len(u.enc.Bytes()) >= eventBytes {
				u.flush()
			}
		})
	}
	clear(u.queued)
	u.queued = u.queued[:0]
}

// guard does one piece of work, and reports whether the user lives on: a panic
// ends this user and nobody else.
func (u *User) guard(work func()) (alive bool) {
	defer func() {
		if fault := recover(); fault != nil {
			u.g.panics.Add(1)
			u.log().Error("a fault of the gateway ended this user's session", "fault", fault, "stack", string(debug.Stack()))
			u.end("a fault in the gateway ended your IRC sessions; join your rooms again, and tell the gateway's admin if it happens twice")
		}
	}()
	u.followStream()
	work()
	u.whole = len(u.enc.Bytes())
	return true
}

// handOn sends what the work so far has made.
func (u *User) handOn() {
	u.flush()
	u.arrivalDone()
}

// end quits all networks and forgets the user, and then tells the clients. What
// broke may break again while they are told, which must not be noticed beyond
// this user either.
func (u *User) end(reason string) {
	u.enc.Truncate(u.whole)
	u.flush()
	u.dropAhead()
	networks := u.networks
	for _, n := range networks {
		u.despite(func() {
			n.conn.Quit(reason)
			n.remove()
		})
	}
	u.g.forget(u)
	u.despite(func() { u.notify(component.JID{Domain: u.g.domain}, reason) })
	for _, n := range networks {
		u.despite(func() { n.drop(exit{text: reason, codes: []int{statusShutdown}}) })
	}
}

// despite does a part of a user's end, whatever becomes of it.
func (u *User) despite(work func()) {
	defer func() {
		if fault := recover(); fault != nil {
			u.log().Error("a part of the end of a user's session failed", "fault", fault)
			u.enc.Reset()
		}
	}()
	work()
	u.flush()
}

// abandon answers what a user who has ended did not come to: the rest of the
// stanzas at hand, and those that wait.
func (u *User) abandon(rest []*component.Stanza) {
	for _, s := range append(slices.Clone(rest), u.in.drain()...) {
		u.replyError(s, errAbandoned)
	}
	u.flush()
}

var errAbandoned = refuse("internal-server-error", "a fault in the gateway ended your session before this was done; try again")

// shutDown is end for the gateway's own end.
func (u *User) shutDown() {
	u.leaving = true
	u.dropAhead()
	for _, n := range u.networks {
		n.conn.Quit(u.g.live().QuitMessage)
	}
	for _, n := range u.networks {
		n.remove()
		n.drop(exit{text: "the gateway is going down; join again in a minute", codes: []int{statusShutdown}})
	}
	u.flush()
}

const (
	// flushBytes is how much is encoded at most before it is handed on.
	flushBytes = 64 << 10
	// eventBytes is how much several events make together before it is.
	eventBytes = 8 << 10
)

// flush sends what was encoded since the last time.
func (u *User) flush() {
	u.whole = 0
	if len(u.enc.Bytes()) == 0 {
		return
	}
	u.traceOut()
	u.worked += len(u.enc.Bytes())
	err := u.g.out.SendAs(&u.sender, u.enc.Bytes())
	if err == nil {
		u.stanzasHanded()
	}
	u.enc.Reset()
	if err == nil {
		return
	}
	if errors.Is(err, component.ErrDisconnected) {
		u.log().Debug("stanzas were lost while the XMPP server was away")
		return
	}
	u.log().Error("stanzas could not be sent", "error", err)
}

// flushLarge is flush between the stanzas of a long series. Those of other users come
// in between, which otherwise could wait for a room of tens of thousands.
func (u *User) flushLarge() {
	if len(u.enc.Bytes()) >= flushBytes {
		u.flush()
		runtime.Gosched()
	}
}

// notify sends the user a line of text from one of our addresses. It is for now
// and not for an archive (XEP-0334).
func (u *User) notify(from component.JID, text string) {
	start := len(u.enc.Bytes())
	u.enc.Stanza(component.Message, from, u.jid, "chat", newID())
	u.enc.Leaf("body", "", forBody(text))
	u.enc.Leaf("no-store", nsHints, "")
	u.writeHeld(&u.enc)
	u.enc.Close()
	u.holdNotice(start)
}

// address parses the localpart of one of our addresses.
func (u *User) address(localpart string) (translate.Address, error) {
	return u.g.addressing.Parse(localpart, u.chanTypes)
}

// addressee returns whom a stanza is for. A message may write somebody on IRC as
// biboumi's users do where a nick does not fit before the @: %server@gateway/Nick.
func (u *User) addressee(s *component.Stanza) (translate.Address, error) {
	address, err := u.address(s.To.Local)
	server, noName := strings.CutPrefix(s.To.Local, "%")
	if err == nil || !noName || s.Kind != component.Message || s.To.Resource == "" {
		return address, err
	}
	if address, err = u.address(server); err != nil || address.Kind != translate.Server {
		return address, fmt.Errorf("%w: %q names no server", translate.ErrAddress, s.To.Local)
	}
	return translate.Address{Kind: translate.Nick, Name: s.To.Resource, Network: address.Network}, nil
}

// defaultChanTypes are the channel sigils of the usual networks.
const defaultChanTypes = "#&+!"

// chanTypes returns the channel sigils of a network: what its server said, or
// the usual ones of the networks there are, so that no bookmark needs a
// connection to be understood.
func (u *User) chanTypes(network string) string {
	if n := u.networks.of(network); n != nil && n.ready {
		return n.support.ChanTypes
	}
	return defaultChanTypes
}

// jidOf returns the JID of an address.
func (u *User) jidOf(kind translate.Kind, name, network string) component.JID {
	local := u.g.addressing.Localpart(translate.Address{Kind: kind, Name: name, Network: network})
	return component.JID{Local: local, Domain: u.g.domain}
}

// network returns the user's connection to a server, or a refusal that says how
// to get one.
func (u *User) network(name string) (*Network, error) {
	n := u.networks.of(name)
	if n != nil && n.outage != nil {
		return nil, n.interruption()
	}
	if n == nil || !n.registered() {
		return nil, refuse("recipient-unavailable", "you are not connected to %s; join one of its channels first", name)
	}
	return n, nil
}

// sink returns what ircconn gives the events of one connection to.
func (u *User) sink(name string, generation int) ircconn.Sink {
	counts := u.g.meterOf(name)
	counts.started.Add(1)
	w := &wire{u: u, network: name, generation: generation}
	goOn := w.goOn
	return func(conn *ircconn.Conn, ev ircconn.Event) {
		w.post(ev, conn.Heard(), conn.Patience, func() { conn.Afterwards(goOn) })
		if end, last := ev.(ircconn.Disconnected); last {
			counts.ended[endReason(end.Err)].Add(1)
			u.g.gone.Done()
		}
	}
}

// post gives the user's goroutine a line, and when it was read. It may wait until
// what patience returns is closed. later is called when the goroutine of the connection is to be the
// user's as soon as it has given all lines, by goOn; nil has another begin at once.
func (w *wire) post(line ircconn.Event, heard time.Time, patience func() <-chan struct{}, later func()) {
	w.u.in.postEvent(happening{from: w, line: line, heard: heard}, patience, w.u.start, later)
}

// goOn makes the goroutine at hand the user's, unless there is one.
func (w *wire) goOn() {
	if w.u.in.startPending() {
		w.u.run()
	}
}

// happen does what an event asks for.
func (h *happening) happen(u *User) {
	if h.do != nil {
		h.do(u)
		return
	}
	n := u.networks.of(h.from.network)
	if n == nil || n.generation != h.from.generation {
		return
	}
	u.lineArrived(h.line, h.heard)
	n.handle(h.line)
}
