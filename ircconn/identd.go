package ircconn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxIdentClients bounds the servers that ask at the same time.
	maxIdentClients = 200
	// maxIdentQueries bounds what one of them may ask.
	maxIdentQueries = 10
	// maxIdentBytes is how long a query may be; a valid one has 12 characters
	// and perhaps some spaces.
	maxIdentBytes = 64
	// maxIdentUserBytes is how long an ident may be (RFC 1413 §6).
	maxIdentUserBytes = 512
	// identTimeout is how long one of them may take in all.
	identTimeout = 30 * time.Second
	// identPatience is how long a query waits for a connection that is being
	// made: a server may ask before we know our side of it.
	identPatience = 3 * time.Second
	// identPause is how long we accept nothing after it went wrong.
	identPause = time.Second
)

// Identd answers servers that ask who stands behind a connection (RFC 1413). It
// knows the connections that have it in their Options and answers about each
// only the address at the other end. Its methods may be called from every
// goroutine.
type Identd struct {
	log *slog.Logger

	mu      sync.Mutex
	idents  map[identKey][]identEntry
	dialing int           // connections under way
	changed chan struct{} // closed and replaced when the two above change
}

// identKey is a connection as a query describes it.
type identKey struct {
	localPort uint16
	remote    netip.AddrPort
}

type identEntry struct {
	local netip.Addr
	ident string
}

// NewIdentd returns a server that knows no connection yet. A nil log discards
// everything.
func NewIdentd(log *slog.Logger) *Identd {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Identd{log: log, idents: make(map[identKey][]identEntry), changed: make(chan struct{})}
}

// Serve answers on a listener until ctx is done, which returns nil, or the
// listener breaks. It closes the listener and returns when all that it began
// has ended.
func (i *Identd) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	defer listener.Close()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	places := make(chan struct{}, maxIdentClients)
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("accepting identd clients: %w", err)
		}
		if err != nil {
			// Too many open files, most likely: it passes.
			i.log.Warn("identd: a client was not accepted", "error", err)
			sleep(ctx, identPause)
			continue
		}
		select {
		case places <- struct{}{}:
			clients.Go(func() {
				defer func() { <-places }()
				i.serve(ctx, conn)
			})
		default:
			_ = conn.Close()
			i.log.Warn("identd: too many clients", "remote", conn.RemoteAddr().String())
		}
	}
}

func sleep(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve answers one client until it has no more to ask.
func (i *Identd) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(identTimeout))
	ours, theirs := addressOf(conn.LocalAddr()).Addr(), addressOf(conn.RemoteAddr()).Addr()
	lines := bufio.NewReaderSize(conn, maxIdentBytes)
	for range maxIdentQueries {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		local, remote, found := parseIdentQuery(string(line))
		if !found {
			return
		}
		answer := i.answer(ctx, local, remote, ours, theirs)
		if _, err := fmt.Fprintf(conn, "%d, %d : %s\r\n", local, remote, answer); err != nil {
			return
		}
	}
}

// parseIdentQuery reads "6193, 6667": the port of our side and that of the
// other, whatever their size (RFC 1413 §3).
func parseIdentQuery(line string) (local, remote uint64, found bool) {
	first, second, found := strings.Cut(line, ",")
	if !found {
		return 0, 0, false
	}
	local, err := strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	if err != nil {
		return 0, 0, false
	}
	remote, err = strconv.ParseUint(strings.TrimSpace(second), 10, 64)
	return local, remote, err == nil
}

// answer is what follows the ports: who it is, or why not (RFC 1413 §5). ours
// and theirs are the two ends of the connection that asks.
func (i *Identd) answer(ctx context.Context, local, remote uint64, ours, theirs netip.Addr) string {
	const maxPort = 1<<16 - 1
	if local == 0 || local > maxPort || remote == 0 || remote > maxPort {
		return "ERROR : INVALID-PORT"
	}
	key := identKey{uint16(local), netip.AddrPortFrom(theirs, uint16(remote))}
	ident, found := i.await(ctx, key, ours)
	i.log.Debug("identd: asked", "remote", theirs.String(), "known", found)
	if !found {
		return "ERROR : NO-USER"
	}
	return "USERID : UNIX : " + ident
}

// await looks a connection up, for a while if one may be about to appear.
func (i *Identd) await(ctx context.Context, key identKey, ours netip.Addr) (ident string, found bool) {
	ctx, cancel := context.WithTimeout(ctx, identPatience)
	defer cancel()
	for {
		i.mu.Lock()
		ident, found = i.lookUp(key, ours)
		waiting, changed := i.dialing > 0, i.changed
		i.mu.Unlock()
		if found || !waiting {
			return ident, found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", false
		}
	}
}

// lookUp prefers the connection from the address that was asked. Where ports
// are forwarded to us that is not the connection's own; the only connection
// with these ports is meant then.
func (i *Identd) lookUp(key identKey, ours netip.Addr) (ident string, found bool) {
	entries := i.idents[key]
	for _, entry := range entries {
		if entry.local == ours {
			return entry.ident, true
		}
	}
	if len(entries) == 1 {
		return entries[0].ident, true
	}
	return "", false
}

// dial notes that a connection is being made, until the function it returns is
// called.
func (i *Identd) dial() (dialled func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dialing++
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.dialing--
		i.changeLocked()
	}
}

func (i *Identd) changeLocked() {
	close(i.changed)
	i.changed = make(chan struct{})
}

// add makes a connection known until remove.
func (i *Identd) add(socket net.Conn, ident string) {
	key, local := identOf(socket)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.idents[key] = append(i.idents[key], identEntry{local, ident})
	i.changeLocked()
}

func (i *Identd) remove(socket net.Conn) {
	key, local := identOf(socket)
	i.mu.Lock()
	defer i.mu.Unlock()
	entries := slices.DeleteFunc(i.idents[key], func(entry identEntry) bool { return entry.local == local })
	if len(entries) == 0 {
		delete(i.idents, key)
	} else {
		i.idents[key] = entries
	}
}

func identOf(socket net.Conn) (identKey, netip.Addr) {
	local := addressOf(socket.LocalAddr())
	return identKey{local.Port(), addressOf(socket.RemoteAddr())}, local.Addr()
}

// addressOf returns an address without its zone, and as IPv4 where it is one;
// the zero value for what is not TCP.
func addressOf(address net.Addr) netip.AddrPort {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	found := tcp.AddrPort()
	return netip.AddrPortFrom(found.Addr().Unmap().WithZone(""), found.Port())
}

// checkIdent refuses what an answer cannot hold: RFC 1413 §6 allows more than
// printable ASCII, but servers take that for an attempt to cheat.
func checkIdent(ident string) error {
	if ident == "" || len(ident) > maxIdentUserBytes {
		return localError("an ident has 1 to %d characters, not %d", maxIdentUserBytes, len(ident))
	}
	if strings.ContainsFunc(ident, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		return localError("an ident cannot hold spaces, colons or anything but ASCII")
	}
	return nil
}
