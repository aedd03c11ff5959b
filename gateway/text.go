package gateway

import (
	"strings"
	"time"

	"passerelle/component"
	"passerelle/translate"
)

// oneLine makes one line of a text of several.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// plain is a text from IRC without formatting and without what XML cannot hold.
func plain(text string) string {
	return translate.CleanText(translate.StripFormatting(text))
}

// cloneJID copies a JID whose parts share the memory of a whole stanza.
func cloneJID(j component.JID) component.JID {
	return component.JID{Local: strings.Clone(j.Local), Domain: strings.Clone(j.Domain), Resource: strings.Clone(j.Resource)}
}

// clip cuts a text that IRC takes only in one piece to limit bytes, at the end of
// a character.
func clip(text string, limit int) string { return translate.CutBytes(text, limit) }

// Host servers close the stream of a component that sends too large a stanza,
// and with it everybody's sessions (Prosody at 512 KiB). Lists stop, and texts
// are cut, well before that.
const (
	largestStanza = 128 << 10 // bytes
	largestText   = 32 << 10  // bytes
)

// isFull reports whether the stanza that begins at an offset of the encoder is
// as large as a stanza may be.
func (u *User) isFull(start int) bool { return len(u.enc.Bytes())-start >= largestStanza }

// forBody makes a text of our own fit to be a body.
func forBody(text string) string { return translate.CutBytes(translate.CleanText(text), largestText) }

// writeDelay says when a stanza's content happened (XEP-0203, XEP-0082).
func writeDelay(e *component.Encoder, by component.JID, at time.Time) {
	e.Open("delay", nsDelay)
	e.JIDAttr("from", by)
	e.Attr("stamp", stamp(at))
	e.Close()
}

// stamp is a time as XMPP writes it (XEP-0082). Package time has a fast way to write
// one of whole seconds, and none for one with milliseconds.
func stamp(at time.Time) string {
	at = at.UTC()
	text := at.AppendFormat(make([]byte, 0, len("2006-01-02T15:04:05.000Z")), time.RFC3339)
	ms := at.Nanosecond() / int(time.Millisecond)
	return string(append(text[:len(text)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z'))
}
