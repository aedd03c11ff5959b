package component

import (
	"bytes"
	"errors"
	"io"
)

// readSize is how much room there is at least for one read, in bytes.
const readSize = 16 * 1024

// Reasons to skip a stanza that may be well-formed.
var (
	errTooLarge          = errors.New("stanza is too large")
	errTooDeep           = errors.New("stanza is nested too deeply")
	errTooManyAttributes = errors.New("element has too many attributes")
)

// errStreamClosed says that the peer has closed its stream with an end tag.
var errStreamClosed = errors.New("stream closed by the host server")

// frame is one top-level element of the stream.
type frame struct {
	// bytes are the element's, valid until the next call. Of a skipped one only
	// the start tag is left, or nothing when that was too large itself.
	bytes []byte
	// elements and attributes are how many there are at most, for the parser
	// to make room.
	elements, attributes int
	// skipped is why the element was not kept, or nil.
	skipped error
}

// What an element and an attribute take beside their text, in bytes.
const (
	elementSize = 112
	attrSize    = 48
)

// size is about how much memory the element takes once it is parsed, in bytes.
func (f frame) size() int {
	return len(f.bytes) + f.elements*elementSize + f.attributes*attrSize
}

// tokenizerState is where in the markup the tokenizer stands.
type tokenizerState uint8

const (
	inText tokenizerState = iota
	afterLess
	inStartTag
	inQuotes
	inEndTag
	afterBang
	inCDATA
)

// cdataOpening is what follows "<!" in the only such markup that is allowed.
const cdataOpening = "[CDATA["

// tokenizer cuts the input into top-level elements. It knows just enough of XML
// to find their ends, so that a look at each byte costs little; the parser then
// checks everything else. What it lets pass as one element may thus be
// malformed, but an element that is well-formed is always cut rightly.
//
// Its memory is bounded by maxBytes: of a larger element, or a deeper one, only
// the start tag is kept while the rest is read and forgotten.
type tokenizer struct {
	r        io.Reader
	maxBytes int
	maxDepth int
	// streamName is the name of the stream's element with its prefix.
	streamName string

	// buf[start:end] was read and belongs to the current element; the tokenizer
	// has looked at what is in front of pos.
	buf             []byte
	start, pos, end int

	state tokenizerState
	quote byte
	// slash says that the last byte of a start tag was one.
	slash bool
	// bang counts the bytes of cdataOpening that were seen.
	bang int
	// brackets counts the "]" in front of the next byte of a CDATA section.
	brackets int
	depth    int
	// header is the length of the element's start tag, 0 while it is not known.
	header     int
	elements   int
	attributes int
	// skipped is why the element is not kept; kept is its start tag then.
	skipped error
	kept    []byte
}

func newTokenizer(r io.Reader, streamName string, maxBytes, maxDepth int) *tokenizer {
	return &tokenizer{r: r, streamName: streamName, maxBytes: maxBytes, maxDepth: maxDepth}
}

// next reads until one top-level element is complete. Errors are those of the
// reader, errStreamClosed, or a *StreamError to send to the peer; after an error
// the tokenizer is of no use any more.
func (t *tokenizer) next() (frame, error) {
	t.beginElement()
	for {
		done, err := t.scan()
		if err != nil {
			return frame{}, err
		}
		if length := t.pos - t.start; length > t.maxBytes && t.skipped == nil {
			t.skip(errTooLarge)
		}
		if done {
			return t.finish(), nil
		}
		if t.skipped != nil {
			t.start, t.pos, t.end = 0, 0, 0
		}
		if err := t.fill(); err != nil {
			return frame{}, err
		}
	}
}

func (t *tokenizer) beginElement() {
	t.start = t.pos
	t.state = inText
	t.depth, t.header, t.elements, t.attributes = 0, 0, 0, 0
	t.skipped, t.kept = nil, nil
}

func (t *tokenizer) finish() frame {
	f := frame{elements: t.elements, attributes: t.attributes, skipped: t.skipped}
	if t.skipped != nil {
		f.bytes = t.kept
	} else {
		f.bytes = t.buf[t.start:t.pos]
	}
	return f
}

// skip gives up the element that is being read, but for its start tag.
func (t *tokenizer) skip(reason error) {
	t.skipped = reason
	if t.header > 0 && t.header <= t.maxBytes {
		t.kept = bytes.Clone(t.buf[t.start : t.start+t.header])
	}
}

// fill reads more, moving what is kept to the front of the buffer when there is
// no room behind it.
func (t *tokenizer) fill() error {
	if t.start == t.end {
		t.start, t.pos, t.end = 0, 0, 0
	}
	if len(t.buf)-t.end < readSize/4 {
		held := t.end - t.start
		buf := t.buf
		if size := held + readSize; len(buf) < size {
			buf = make([]byte, max(size, 2*held))
		}
		copy(buf, t.buf[t.start:t.end])
		t.buf, t.pos, t.start, t.end = buf, t.pos-t.start, 0, held
	}
	n, err := t.r.Read(t.buf[t.end:])
	t.end += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// scan goes on through what was read until the element ends or nothing is left.
func (t *tokenizer) scan() (done bool, err error) {
	for t.pos < t.end {
		switch t.state {
		case inText:
			err = t.scanText()
		case afterLess:
			err = t.scanMarkup()
		case inStartTag:
			done, err = t.scanStartTag()
		case inQuotes:
			err = t.scanQuotes()
		case inEndTag:
			done, err = t.scanEndTag()
		case afterBang:
			err = t.scanBang()
		case inCDATA:
			t.scanCDATA()
		}
		if done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// scanText looks for the next markup. Outside of elements only white space may
// stand: it is the peer's keepalive.
func (t *tokenizer) scanText() error {
	if t.depth == 0 {
		for t.pos < t.end && isSpace(t.buf[t.pos]) {
			t.pos++
		}
		t.start = t.pos
		if t.pos == t.end {
			return nil
		}
		if t.buf[t.pos] != '<' {
			return notWellFormed("character data between stanzas")
		}
	}
	i := bytes.IndexByte(t.buf[t.pos:t.end], '<')
	if i < 0 {
		t.pos = t.end
		return nil
	}
	t.pos += i + 1
	t.state = afterLess
	return nil
}

// scanMarkup looks at the byte after a '<'.
func (t *tokenizer) scanMarkup() error {
	switch t.buf[t.pos] {
	case '/':
		t.pos++
		t.state = inEndTag
	case '!':
		t.pos++
		t.state, t.bang = afterBang, 0
	case '?':
		return restrictedXML("processing instruction")
	case '>':
		return notWellFormed("name expected")
	default:
		t.state, t.slash = inStartTag, false
		t.elements++
	}
	return nil
}

func (t *tokenizer) scanStartTag() (done bool, err error) {
	buf := t.buf[:t.end]
	pos, slash := t.pos, t.slash
	for pos < len(buf) {
		c := buf[pos]
		pos++
		switch c {
		case '>':
			t.pos, t.slash = pos, slash
			return t.endStartTag(), nil
		case '\'', '"':
			t.attributes++
			t.pos, t.quote, t.slash, t.state = pos, c, false, inQuotes
			return false, nil
		case '<':
			return false, notWellFormed("'<' inside a tag")
		}
		slash = c == '/'
	}
	t.pos, t.slash = pos, slash
	return false, nil
}

// endStartTag is called behind the '>' of a start tag.
func (t *tokenizer) endStartTag() (done bool) {
	t.state = inText
	if t.header == 0 && t.skipped == nil {
		t.header = t.pos - t.start
	}
	if t.depth >= t.maxDepth && t.skipped == nil {
		t.skip(errTooDeep)
	}
	if t.slash {
		return t.depth == 0
	}
	t.depth++
	return false
}

func (t *tokenizer) scanQuotes() error {
	rest := t.buf[t.pos:t.end]
	i := bytes.IndexByte(rest, t.quote)
	if i >= 0 {
		rest = rest[:i]
	}
	if bytes.IndexByte(rest, '<') >= 0 {
		return notWellFormed("'<' inside an attribute")
	}
	t.pos += len(rest)
	if i >= 0 {
		t.pos++
		t.state = inStartTag
	}
	return nil
}

func (t *tokenizer) scanEndTag() (done bool, err error) {
	i := bytes.IndexByte(t.buf[t.pos:t.end], '>')
	if i < 0 {
		t.pos = t.end
		return false, nil
	}
	t.pos += i + 1
	t.state = inText
	if t.depth == 0 {
		return false, t.streamEnd()
	}
	t.depth--
	return t.depth == 0, nil
}

// streamEnd judges an end tag outside of elements: it can only be the stream's.
func (t *tokenizer) streamEnd() error {
	if t.skipped == nil {
		name := t.buf[t.start+len("</") : t.pos-len(">")]
		if string(bytes.TrimRight(name, " \t\r\n")) == t.streamName {
			return errStreamClosed
		}
	}
	return notWellFormed("unexpected end tag")
}

func (t *tokenizer) scanBang() error {
	for t.bang < len(cdataOpening) {
		if t.pos == t.end {
			return nil
		}
		if t.buf[t.pos] != cdataOpening[t.bang] {
			return restrictedXML("comment or declaration")
		}
		t.pos++
		t.bang++
	}
	if t.depth == 0 {
		return notWellFormed("character data between stanzas")
	}
	t.state, t.brackets = inCDATA, 0
	return nil
}

// scanCDATA looks for the "]]>" that ends a CDATA section.
func (t *tokenizer) scanCDATA() {
	for t.pos < t.end {
		c := t.buf[t.pos]
		t.pos++
		switch {
		case c == ']':
			t.brackets++
		case c == '>' && t.brackets >= 2:
			t.state = inText
			return
		default:
			t.brackets = 0
		}
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r'
}
