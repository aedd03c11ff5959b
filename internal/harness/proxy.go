package harness

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// Proxy is a TCP relay in front of a server that can take the connections through it
// down, as a network does.
type Proxy struct {
	listener net.Listener
	// dial connects to the server that a client is to be relayed to.
	dial func(client net.Conn) (net.Conn, error)

	mutex sync.Mutex
	// thawed is closed while bytes pass, and open while the proxy holds them back.
	thawed chan struct{}
	// delay is how late answers are, and delayChanged is closed when that changes.
	delay        time.Duration
	delayChanged chan struct{}
	connections  map[net.Conn]struct{}
	clients      []net.Addr
	refusing     bool
	waiting      sync.WaitGroup
	watcher      Watcher
}

// Watcher is told what has passed through a proxy on a connection, which counts from 0:
// each piece when it was written, and nil when nothing passes any more. toServer is whether
// it went to the server. A piece is the watcher's only until it returns, and the two
// directions of a connection call it at the same time.
type Watcher func(connection int, toServer bool, piece []byte)

// NewProxy listens on a free loopback port and relays to target, the "host:port" of a server.
func NewProxy(target string) (*Proxy, error) { return newProxy(dialling(target), nil) }

// NewIPv6Proxy is NewProxy on the IPv6 loopback address.
func NewIPv6Proxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	return relaying(listener, dialling(target)), nil
}

// NewTLSProxy is a proxy that takes TLS connections and relays them in plain text, for
// servers that offer no TLS of their own.
func NewTLSProxy(target string, configuration *tls.Config) (*Proxy, error) {
	return newProxy(dialling(target), configuration)
}

func dialling(target string) func(net.Conn) (net.Conn, error) {
	return func(net.Conn) (net.Conn, error) { return net.Dial("tcp", target) }
}

func newProxy(dial func(client net.Conn) (net.Conn, error), configuration *tls.Config) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	if configuration != nil {
		listener = tls.NewListener(listener, configuration)
	}
	return relaying(listener, dial), nil
}

func relaying(listener net.Listener, dial func(client net.Conn) (net.Conn, error)) *Proxy {
	p := &Proxy{
		listener:     listener,
		dial:         dial,
		thawed:       make(chan struct{}),
		delayChanged: make(chan struct{}),
		connections:  make(map[net.Conn]struct{}),
	}
	close(p.thawed)
	p.waiting.Go(p.accept)
	return p
}

// Watch has all connections that come from now on watched.
func (p *Proxy) Watch(watcher Watcher) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.watcher = watcher
}

// Address is where the proxy listens, as "host:port".
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Clients are the addresses of those whose connections have reached the server, oldest first,
// whether they are still connected or not.
func (p *Proxy) Clients() []net.Addr {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.clients)
}

// Freeze holds back all bytes, in both directions and of new connections too, without
// closing anything: the peer looks dead.
func (p *Proxy) Freeze() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.isThawed() {
		p.thawed = make(chan struct{})
	}
}

// Thaw lets bytes pass again.
func (p *Proxy) Thaw() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.isThawed() {
		close(p.thawed)
	}
}

// Delay makes whatever the server says come so much later than it was said. Zero lets
// pass at once, also what is being held back.
func (p *Proxy) Delay(delay time.Duration) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.delay = delay
	close(p.delayChanged)
	p.delayChanged = make(chan struct{})
}

// Refuse closes every connection and closes new ones as they come, until Allow.
func (p *Proxy) Refuse() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusing = true
	p.closeAll()
}

// Allow takes new connections again.
func (p *Proxy) Allow() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusing = false
}

// Cut closes every connection that passes through now.
func (p *Proxy) Cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closeAll()
}

// Close stops the proxy and waits for its goroutines.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Refuse()
	p.Delay(0)
	p.Thaw()
	p.waiting.Wait()
	return err
}

func (p *Proxy) isThawed() bool {
	select {
	case <-p.thawed:
		return true
	default:
		return false
	}
}

func (p *Proxy) closeAll() {
	for connection := range p.connections {
		connection.Close()
	}
	clear(p.connections)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.waiting.Go(func() { p.relay(client) })
	}
}

func (p *Proxy) relay(client net.Conn) {
	defer client.Close()
	if !p.register(client) {
		return
	}
	defer p.forget(client)
	server, err := p.dial(client)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.register(server) {
		return
	}
	defer p.forget(server)
	watch := p.note(client)
	var both sync.WaitGroup
	both.Go(func() {
		defer watch(true, nil)
		pass(server, client, gatedWriter{p, watchedWriter{server, func(piece []byte) { watch(true, piece) }}})
	})
	both.Go(func() {
		defer watch(false, nil)
		pass(client, server, lateWriter{p, gatedWriter{p, watchedWriter{client, func(piece []byte) { watch(false, piece) }}}})
	})
	both.Wait()
}

func (p *Proxy) register(connection net.Conn) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.refusing {
		return false
	}
	p.connections[connection] = struct{}{}
	return true
}

func (p *Proxy) forget(connection net.Conn) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.connections, connection)
}

// note counts a connection, and returns what its watcher is told with.
func (p *Proxy) note(client net.Conn) (watch func(toServer bool, piece []byte)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	connection, watcher := len(p.clients), p.watcher
	p.clients = append(p.clients, client.RemoteAddr())
	return func(toServer bool, piece []byte) {
		if watcher != nil {
			watcher(connection, toServer, piece)
		}
	}
}

// pass writes what comes from one connection until either ends, and then ends both.
func pass(to, from net.Conn, through io.Writer) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(through, from)
}

// gatedWriter writes when the proxy is not frozen.
type gatedWriter struct {
	proxy *Proxy
	to    io.Writer
}

func (g gatedWriter) Write(b []byte) (int, error) {
	g.proxy.mutex.Lock()
	thawed := g.proxy.thawed
	g.proxy.mutex.Unlock()
	<-thawed
	return g.to.Write(b)
}

// lateWriter writes as late as the proxy's delay wants it.
type lateWriter struct {
	proxy *Proxy
	to    io.Writer
}

func (l lateWriter) Write(b []byte) (int, error) {
	l.proxy.mutex.Lock()
	delay, changed := l.proxy.delay, l.proxy.delayChanged
	l.proxy.mutex.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-changed:
		}
	}
	return l.to.Write(b)
}

// watchedWriter tells what it has written.
type watchedWriter struct {
	to    io.Writer
	watch func(piece []byte)
}

func (w watchedWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if n > 0 {
		w.watch(b[:n])
	}
	return n, err
}
