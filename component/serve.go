package component

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// defaultPort is the conventional port for components (XEP-0114 §3 names none;
// servers use this one).
const defaultPort = "5347"

// serve runs one stream until it ends and says why it did.
func (c *Conn) serve(ctx context.Context, stream *link) error {
	s := &session{
		Conn:   c,
		stream: stream,
		queue:  newQueue(c.cfg.Hostname, c.cfg.ServerDomain),
		parser: newParser(stream.bindings, c.cfg.MaxAttributes),
	}
	s.queue.markEvery = c.markEvery
	s.watch.init(c.cfg, s.queue)
	s.tokenizer = newTokenizer(&countingReader{s}, stream.streamName, c.cfg.MaxStanzaBytes, c.cfg.MaxDepth)

	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := s.queue.write(stream, s.wrote); err != nil {
			s.fail(err)
		}
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := s.watch.run(); err != nil {
			s.fail(err)
		}
	}()
	stop := context.AfterFunc(ctx, func() {
		s.queue.close([]byte(streamEnd))
		_ = stream.SetReadDeadline(time.Unix(1, 0))
	})
	defer stop()

	c.queue.Store(s.queue)
	c.log.Info("stream to the XMPP server is open", "hostname", c.cfg.Hostname)
	c.h.StreamUp()
	err := s.read()
	c.queue.Store(nil)
	err = s.end(ctx, err)
	flushed := time.AfterFunc(flushTimeout, func() { _ = stream.Close() })
	<-written
	flushed.Stop()
	s.watch.stop()
	<-watched
	_ = stream.Close()
	c.h.StreamDown(err, s.queue.heard(s.watch.heard()))
	return err
}

// session is one stream that is open.
type session struct {
	*Conn
	stream    *link
	queue     *queue
	tokenizer *tokenizer
	parser    *parser
	watch     watch
	// reply encodes the reader's own answers.
	reply Encoder
	// failed keeps why the writer or the watch gave up.
	failed failure
}

// end closes the queue in the way that fits the reason why reading ended, and
// gives that reason.
func (s *session) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		s.queue.close([]byte(streamEnd))
		return context.Cause(ctx)
	}
	if failed := s.failed.get(); failed != nil {
		s.queue.abandon()
		return failed
	}
	var ours *StreamError
	switch {
	case errors.As(err, &ours) && !ours.Received:
		s.queue.close(ours.encode())
	case errors.Is(err, errStreamClosed) || ours != nil:
		s.queue.close([]byte(streamEnd))
	default:
		s.queue.abandon()
	}
	return err
}

// fail ends the stream from another goroutine than the reader's.
func (s *session) fail(err error) {
	s.failed.set(err)
	s.queue.abandon()
	_ = s.stream.Close()
}

func (s *session) wrote(n int) {
	s.stats.bytesOut.Add(uint64(n))
	s.watch.wrote()
}

// countingReader reads the stream's input and notes that something came.
type countingReader struct {
	s *session
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.s.stream.input.Read(p)
	if n > 0 {
		r.s.stats.bytesIn.Add(uint64(n))
		r.s.watch.didRead()
	}
	return n, err
}

// read hands in stanza after stanza until the stream ends.
func (s *session) read() error {
	for {
		f, err := s.tokenizer.next()
		if err != nil {
			return err
		}
		if f.skipped != nil {
			s.skip(f)
			continue
		}
		top, err := s.parser.parse(f)
		if errors.Is(err, errTooManyAttributes) {
			f.skipped = err
			s.skip(f)
			continue
		}
		if err != nil {
			return err
		}
		if top.space == nsStream && top.local == "error" {
			return parseStreamError(top.stanza.Children)
		}
		top.stanza.Size = f.size()
		s.dispatch(&top)
	}
}

// dispatch gives a stanza to the handler, if it is one that it should see.
func (s *session) dispatch(top *topElement) {
	if !s.address(top) {
		return
	}
	s.stats.stanzasIn[top.stanza.Kind].Add(1)
	if s.watch.isPong(top.stanza) || s.queue.answered(top.stanza) {
		return
	}
	top.stanza.Arrived = time.Now()
	s.h.HandleStanza(top.stanza)
}

// address fills in what the parser left open, and says whether the stanza is
// one, has a sender, and is for us.
func (s *session) address(top *topElement) bool {
	kind, ok := kindOf(top.local)
	if !ok || top.space != nsAccept && top.space != nsClient {
		s.log.Debug("element dropped that is no stanza", "name", top.local, "namespace", top.space)
		return false
	}
	stanza := top.stanza
	stanza.Kind = kind
	var err error
	if stanza.From, err = ParseJID(top.from); err != nil {
		s.log.Debug("stanza dropped without a usable sender", "kind", kind, "error", err)
		return false
	}
	if stanza.To, err = ParseJID(top.to); err != nil {
		s.log.Debug("stanza dropped without a usable addressee", "kind", kind, "from", top.from, "error", err)
		return false
	}
	if stanza.To.Domain != s.cfg.Hostname {
		s.log.Warn("stanza dropped that is not for our domain", "kind", kind, "from", top.from, "to", top.to)
		return false
	}
	return true
}

// skip answers for an element that was too large to be kept, as far as its start
// tag says whom. Anybody can send such elements, so they are counted rather than
// logged.
func (s *session) skip(f frame) {
	s.stats.skipped.Add(1)
	if len(f.bytes) == 0 {
		s.log.Debug("stanza skipped without an answer", "reason", f.skipped)
		return
	}
	top, err := s.parser.parseHeader(f)
	if err != nil || !s.address(&top) {
		s.log.Debug("stanza skipped without an answer", "reason", f.skipped)
		return
	}
	s.log.Debug("stanza skipped", "reason", f.skipped, "kind", top.stanza.Kind, "from", top.from, "to", top.to)
	s.reply.Reset()
	s.reply.ErrorReply(top.stanza, NewError("policy-violation", f.skipped.Error()))
	if err := s.Offer(s.reply.Bytes()); err != nil {
		s.log.Debug("answer to a skipped stanza not sent", "error", err)
	}
}

// fromDomain reports whether the first stanza in b has a sender in this domain.
// It looks into the first tag only, and takes a from attribute that is not
// there for a foreign one.
func fromDomain(b []byte, domain string) bool {
	end := bytes.IndexByte(b, '>')
	if end < 0 || b[0] != '<' {
		return false
	}
	tag := b[:end]
	i := bytes.Index(tag, []byte(" from="))
	if i < 0 {
		return false
	}
	value := tag[i+len(" from="):]
	if len(value) < 2 {
		return false
	}
	if end = bytes.IndexByte(value[1:], value[0]); end < 0 {
		return false
	}
	value = value[1 : 1+end]
	if end = bytes.IndexByte(value, '/'); end >= 0 {
		value = value[:end]
	}
	if at := bytes.IndexByte(value, '@'); at >= 0 {
		value = value[at+1:]
	}
	return string(value) == domain
}

// withDefaultPort makes host:port of what <see-other-host/> carries, which may
// lack the port (RFC 6120 §4.9.3.19).
func withDefaultPort(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if _, _, err := net.SplitHostPort(s); err == nil {
		return s
	}
	return net.JoinHostPort(strings.Trim(s, "[]"), defaultPort)
}
