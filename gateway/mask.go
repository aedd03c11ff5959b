package gateway

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"passerelle/component"
	"passerelle/ircconn"
	"passerelle/translate"
)

const maskedText = "***"

// maskStanza writes a stanza for the log, without passwords, keys, and values of
// forms that may be one.
func (g *Gateway) maskStanza(s *component.Stanza) string {
	var e component.Encoder
	e.Stanza(s.Kind, s.From, s.To, s.Type, s.ID)
	for i := range s.Children {
		child := g.maskElement(s, s.Children[i])
		e.Element(&child)
	}
	e.Close()
	return string(e.Bytes())
}

// maskElement returns what may be shown of an element of a stanza.
func (g *Gateway) maskElement(s *component.Stanza, el component.Element) component.Element {
	switch {
	case el.Local == "password" || el.Local == "key":
		el.Text, el.Children = maskedText, nil
		return el
	case el.Local == "body":
		el.Text = g.maskBody(s, el.Text)
		return el
	}
	hidden := el.Local == "field" && el.Space == nsForms && !g.isPublicField(el.Attr("var"))
	el.Children = slices.Clone(el.Children)
	for i := range el.Children {
		if child := &el.Children[i]; hidden && child.Local == "value" {
			child.Text, child.Children = maskedText, nil
			continue
		}
		el.Children[i] = g.maskElement(s, el.Children[i])
	}
	return el
}

// isPublicField reports whether the values of a form's field are known to be no
// secret.
func (g *Gateway) isPublicField(name string) bool {
	return name == "FORM_TYPE" || slices.ContainsFunc(g.settings, func(known setting) bool { return known.name == name && !known.secret })
}

// modesTold is how the gateway tells the modes of a channel.
var modesTold = regexp.MustCompile(`^(\S+(?:` + setsMode + `| modes: )\S+) .*$`)

// maskBody hides, in a message, what follows a command that may have a secret:
// those to services, to a server, and to the gateway, and those that begin with a
// slash.
func (g *Gateway) maskBody(s *component.Stanza, body string) string {
	lines := strings.Split(body, "\n")
	ours := s.To
	if s.From.Domain == g.domain {
		ours = s.From
	}
	to, err := g.addressing.Parse(ours.Local, func(string) string { return defaultChanTypes })
	if err != nil {
		return maskedText
	}
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "/") && !strings.HasPrefix(line, "/me "),
			to.Kind == translate.Gateway && ours == s.To:
			lines[i] = firstWord(line)
		case modesTold.MatchString(line): // a key may follow
			lines[i] = modesTold.ReplaceAllString(line, "$1 "+maskedText)
		case to.Kind == translate.Server:
			lines[i] = ircconn.MaskSecrets(line)
		case to.Kind == translate.Nick:
			says := "PRIVMSG " + to.Name + " :"
			lines[i] = strings.TrimPrefix(ircconn.MaskSecrets(says+line), says)
		}
	}
	return strings.Join(lines, "\n")
}

// firstWord is a line of which only the first word is shown.
func firstWord(line string) string {
	word, _, more := strings.Cut(line, " ")
	if more {
		word += " " + maskedText
	}
	return word
}

// parseStanzas reads what an Encoder wrote. With an error come the stanzas before
// it.
func parseStanzas(text []byte) ([]*component.Stanza, error) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	var stanzas []*component.Stanza
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return stanzas, nil
		}
		if err != nil {
			return stanzas, fmt.Errorf("reading a stanza of our own: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		s, err := stanzaOf(parseElement(decoder, start))
		if err != nil {
			return stanzas, err
		}
		stanzas = append(stanzas, s)
	}
}

// stanzaOf makes a stanza of its element.
func stanzaOf(root component.Element) (*component.Stanza, error) {
	s := &component.Stanza{Type: root.Attr("type"), ID: root.Attr("id"), Children: root.Children}
	s.Kind = map[string]component.Kind{"message": component.Message, "presence": component.Presence, "iq": component.IQ}[root.Local]
	var err error
	if s.From, err = component.ParseJID(root.Attr("from")); err != nil {
		return nil, err
	}
	s.To, err = component.ParseJID(root.Attr("to"))
	return s, err
}

// parseElement reads an element whose start tag has been read, to its end.
func parseElement(decoder *xml.Decoder, start xml.StartElement) component.Element {
	e := component.Element{Space: start.Name.Space, Local: start.Name.Local}
	for _, attr := range start.Attr {
		if attr.Name.Local != "xmlns" {
			e.Attrs = append(e.Attrs, component.Attr{Local: attr.Name.Local, Value: attr.Value})
		}
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return e
		}
		switch token := token.(type) {
		case xml.StartElement:
			e.Children = append(e.Children, parseElement(decoder, token))
		case xml.CharData:
			e.Text += string(token)
		case xml.EndElement:
			return e
		}
	}
}
