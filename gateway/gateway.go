package gateway

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/component"
	"passerelle/crew"
	"passerelle/ircconn"
	"passerelle/store"
	"passerelle/translate"
)

// stanzaSender is where stanzas go: a *component.Conn.
type stanzaSender interface {
	// Send may wait; it fails when the stream is down.
	Send(stanzas []byte) error
	// SendAs waits for the sender's own stanzas, too, when there are many.
	SendAs(sender *component.Sender, stanzas []byte) error
	// Offer never waits.
	Offer(stanzas []byte) error
	// OfferAs never waits; it fails when too many of the sender's stanzas are on
	// their way.
	OfferAs(sender *component.Sender, stanzas []byte) error
}

// lineSender is where IRC lines go: a *ircconn.Conn.
type lineSender interface {
	// Queue takes all lines or none; they leave at the next Flush, which says of which
	// it knows that they have.
	Queue(lines ...ircconn.Line) error
	Flush(written func(receipt uint64))
	Quit(reason string)
	Close()
}

// dialer begins an IRC connection; its events go to the sink.
type dialer func(ircconn.Options, ircconn.Sink, *slog.Logger) lineSender

// Options are what a Gateway is made of.
type Options struct {
	Config  Config
	Domain  string // our domain, the component's host name
	Version string // of the program, for XEP-0092
	Servers Servers
	IRC     ircconn.Config
	// Store keeps settings and history; nil keeps nothing.
	Store *store.Store
	// Reload reads the configuration again and says what it did; nil where that
	// cannot be done. Stop ends the program.
	Identd *ircconn.Identd // nil for none
	// Poller is where IRC connections wait; nil for a goroutine each.
	Poller *ircconn.Poller
	Reload func() (string, error)
	Stop   func()
	// LogLevel is from which level on is logged, for admins to change; nil where
	// that cannot be done.
	LogLevel *slog.LevelVar
	// Grows is called, from any goroutine, with about how many bytes of memory the
	// connections to IRC and the members of channels take that there have been so far,
	// as if none had ever gone: each time that it is GrowthStep more. It may be nil.
	Grows func(bytes uint64)
	// OccupantKey is the secret of the occupant ids (XEP-0421).
	OccupantKey []byte
	Log         *slog.Logger
}

// Gateway is the registry of users. Its methods may be called from any
// goroutine.
type Gateway struct {
	current     atomic.Pointer[Live]
	rules       atomic.Pointer[rules]
	blocks      blocks
	domain      string
	version     string
	occupantKey []byte
	addressing  translate.Addressing
	features    []feature
	settings    []setting
	messages    routes
	presences   routes
	log         *slog.Logger
	store       *store.Store
	connections connections
	knocks      knocks
	bans        bans
	invitations invitations
	identd      *ircconn.Identd
	reload      func() (string, error)
	stop        func()
	logLevel    *slog.LevelVar
	traces      traces
	stopping    sync.Once
	dial        dialer
	now         func() time.Time
	started     time.Time
	timer       func(time.Duration, func()) *time.Timer
	aside       func(work func()) // does work on a goroutine of its own
	crew        *crew.Crew[*User] // does what users have to do
	scratches   sync.Pool
	readers     chan struct{} // has one element for each who reads history
	occupantIDs idKeeper
	meter       meter
	growth      growth
	panics      atomic.Int64
	storeAway   atomic.Int64                // until when the store is not waited for, in ns
	stream      atomic.Pointer[streamState] // nil before the first
	generations atomic.Int64                // of IRC connections, for Network.generation

	mu      sync.Mutex
	out     stanzaSender
	users   map[component.JID]*User
	usages  usages
	closing bool
	refused component.Encoder // errors that the reader answers itself
	// refusing is for those who are no users.
	refusing *refuser
	gone     sync.WaitGroup // IRC connections that have not ended
}

// crewSize is how many goroutines do the work of users, for each processor. Most of
// what comes from IRC is done by those that read it.
const crewSize = 2

// Live is the part of the configuration that can change while the gateway runs.
type Live struct {
	Config
	Servers Servers
}

// live returns the configuration as it is now.
func (g *Gateway) live() *Live { return g.current.Load() }

// Apply replaces the configuration for all that is done from now on. Users leave
// the networks that it does not allow them any more.
func (g *Gateway) Apply(live Live) {
	g.current.Store(&live)
	g.setRules()
	g.enforce()
}

// New returns a gateway without a stream; Attach gives it one.
func New(options Options) *Gateway {
	g := &Gateway{
		domain:      options.Domain,
		version:     options.Version,
		occupantKey: options.OccupantKey,
		log:         options.Log,
		store:       options.Store,
		identd:      options.Identd,
		reload:      options.Reload,
		stop:        options.Stop,
		logLevel:    options.LogLevel,
		now:         time.Now,
		timer:       time.AfterFunc,
		aside:       func(work func()) { go work() },
		users:       make(map[component.JID]*User),
		refusing:    new(refuser),
		readers:     make(chan struct{}, readersAtOnce),
	}
	g.crew = crew.New(crewSize*runtime.GOMAXPROCS(0), (*User).run)
	g.meter.init()
	g.occupantIDs.init(options.OccupantKey)
	g.growth.notice = options.Grows
	g.scratches.New = func() any { return g.meter.newScratch() }
	g.started = g.now()
	g.addressing.Fixed = strings.ToLower(options.Config.FixedServer)
	g.current.Store(&Live{Config: options.Config, Servers: options.Servers})
	g.loadBlocks()
	g.setRules()
	if g.store != nil {
		g.store.OnGap(g.tellGaps)
	}
	g.features, g.settings = featureList(), settingList()
	g.messages, g.presences = messageRoutes(), presenceRoutes()
	irc, poller := options.IRC, options.Poller
	g.dial = func(o ircconn.Options, sink ircconn.Sink, log *slog.Logger) lineSender {
		o.Traffic, o.Poller = &g.meter.traffic, poller
		return ircconn.Start(&irc, o, sink, log)
	}
	return g
}

// Attach names the stream that stanzas leave by. It comes before the stream
// runs.
func (g *Gateway) Attach(out stanzaSender) { g.out = out }

// HandleStanza gives a stanza to the user who sent it. It never waits: a user
// who has too much to do is told so with resource-constraint.
func (g *Gateway) HandleStanza(s *component.Stanza) {
	if s.From.Domain == g.domain {
		// Our own, sent back, or somebody who poses as an occupant: an answer
		// would come back too.
		g.log.Debug("a stanza from an address of our own was dropped", "from", s.From.String())
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	bare := s.From.Bare()
	u := g.users[bare]
	if u == nil {
		if s.Type == "error" || s.Kind == component.IQ && s.Type == "result" {
			return
		}
		if s.Kind == component.Presence && s.Type == "unavailable" {
			return
		}
		if g.closing {
			g.refuse(g.refusing, s, component.NewError("service-unavailable", "the gateway is going down; try again in a minute"))
			return
		}
		u = newUser(g, bare)
		u.usage = g.usages.take(u.jid)
		g.users[u.jid] = u
	}
	if !u.in.postStanza(s, u.start) {
		if u.refusing == nil {
			u.refusing = new(refuser)
		}
		g.refuse(u.refusing, s, component.NewError("resource-constraint", "too many requests at once; try again in a moment"))
	}
}

// refuse answers a stanza on the reader's goroutine; g.mu is held. Who floods is
// told of a part of it only, for the answers to all of it would hold up those of
// everybody.
func (g *Gateway) refuse(to *refuser, s *component.Stanza, reason *component.StanzaError) {
	if !wantsError(s) {
		return
	}
	g.meter.refused(reason.Condition)
	g.refused.Reset()
	g.refused.ErrorReply(s, reason)
	g.meter.shards[0].sent(&g.refused)
	err := g.out.OfferAs(&to.sender, g.refused.Bytes())
	if now := g.now(); err != nil && now.Sub(to.logged) >= floodsLogged {
		to.logged = now
		g.log.Warn("a user floods, and is not told of all that is refused", "user", s.From.Bare().String(), "error", err)
	}
}

// floodsLogged is how often it is logged that somebody floods: the log is written while
// all others wait.
const floodsLogged = time.Minute

// refuser is what the reader notes of somebody whose stanzas it refuses. The
// gateway's mutex guards it.
type refuser struct {
	sender component.Sender
	logged time.Time // when it was last said that a refusal could not be told
}

func (g *Gateway) isClosing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closing
}

// retire forgets a user who has nothing left, unless something has just come in.
func (g *Gateway) retire(u *User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users[u.jid] == u && u.in.endIfIdle() {
		g.usages.keep(u.jid, u.usage, g.now())
		delete(g.users, u.jid)
	}
}

// connect begins an IRC connection, unless the gateway is going down.
func (g *Gateway) connect(o ircconn.Options, sink ircconn.Sink, log *slog.Logger) (lineSender, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return nil, refuse("service-unavailable", "the gateway is going down; try again in a minute")
	}
	g.gone.Add(1)
	return g.dial(o, sink, log), nil
}

// forget removes a user who ended by force.
func (g *Gateway) forget(u *User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u.in.end()
	if g.users[u.jid] == u {
		g.usages.keep(u.jid, u.usage, g.now())
		delete(g.users, u.jid)
	}
}

// Users returns how many users have something here.
func (g *Gateway) Users() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.users)
}

// Shutdown takes everybody out of their rooms (status 332), sends QUIT to every
// IRC server, and waits until the connections have ended or ctx has. New
// stanzas are refused from now on. The stream must be up until it returns.
func (g *Gateway) Shutdown(ctx context.Context) {
	g.mu.Lock()
	g.closing = true
	users := make([]*User, 0, len(g.users))
	for _, u := range g.users {
		users = append(users, u)
	}
	g.mu.Unlock()

	var told sync.WaitGroup
	for _, u := range users {
		told.Add(1)
		go func() {
			defer told.Done()
			finished := make(chan struct{})
			if u.post(func(u *User) { defer close(finished); u.shutDown() }, ctx.Done()) {
				select {
				case <-finished:
				case <-u.in.hasEnded():
				case <-ctx.Done():
				}
			}
		}()
	}
	g.noteAlive()
	ended := make(chan struct{})
	go func() {
		g.greet(ctx, "unavailable")
		told.Wait()
		g.gone.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		g.log.Warn("some IRC connections did not end in time")
	}
	g.crew.Close()
}
