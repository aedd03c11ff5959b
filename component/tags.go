package component

import (
	"strings"
	"unicode/utf8"
)

// startTag reads a start tag from behind its '<', its attributes into p.raw. It
// says whether the tag was of an empty element.
func (p *parser) startTag(name *string) (empty bool, err error) {
	p.raw, p.declarations = p.raw[:0], false
	if *name, _, err = p.qualifiedName(); err != nil {
		return false, err
	}
	for {
		spaced := p.skipSpace()
		if p.pos >= len(p.s) {
			return false, notWellFormed("start tag is not closed")
		}
		switch p.s[p.pos] {
		case '>':
			p.pos++
			return false, nil
		case '/':
			if p.pos++; p.pos >= len(p.s) || p.s[p.pos] != '>' {
				return false, notWellFormed("'/' inside a tag")
			}
			p.pos++
			return true, nil
		}
		if !spaced {
			return false, notWellFormed("no space in front of an attribute")
		}
		if err := p.attribute(); err != nil {
			return false, err
		}
	}
}

// attribute reads one attribute into p.raw.
func (p *parser) attribute() error {
	if len(p.raw) >= p.maxAttributes {
		return errTooManyAttributes
	}
	name, colon, err := p.qualifiedName()
	if err != nil {
		return err
	}
	p.skipSpace()
	if p.pos >= len(p.s) || p.s[p.pos] != '=' {
		return notWellFormed("attribute without a value")
	}
	p.pos++
	p.skipSpace()
	if p.pos >= len(p.s) || p.s[p.pos] != '\'' && p.s[p.pos] != '"' {
		return notWellFormed("attribute without quotes")
	}
	quote := p.s[p.pos]
	p.pos++
	end := strings.IndexByte(p.s[p.pos:], quote)
	if end < 0 {
		return notWellFormed("attribute is not closed")
	}
	value, err := p.attributeValue(p.s[p.pos : p.pos+end])
	if err != nil {
		return err
	}
	p.pos += end + 1
	attr := rawAttr{local: name, value: value}
	if colon > 0 {
		attr.prefix, attr.local = name[:colon], name[colon+1:]
	}
	if attr.prefix == "xmlns" || name == "xmlns" {
		attr.declaration, p.declarations = true, true
	}
	p.raw = append(p.raw, attr)
	return nil
}

// attributeValue normalises white space and resolves references
// (XML 1.0 §3.3.3). That there is no '<' in the value, the tokenizer has seen.
func (p *parser) attributeValue(value string) (string, error) {
	if p.controls {
		value = strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, normaliseLines(value))
	}
	if !p.references {
		return value, nil
	}
	return resolveReferences(value)
}

// qualifiedName reads a name with at most one colon inside, and says where that
// is, -1 without.
func (p *parser) qualifiedName() (name string, colon int, err error) {
	rest := p.s[p.pos:]
	n, colon := ncName(rest), -1
	if n > 0 && n < len(rest) && rest[n] == ':' {
		colon = n
		local := ncName(rest[n+1:])
		if local == 0 {
			n = 0
		} else {
			n += 1 + local
		}
	}
	if n == 0 {
		return "", 0, notWellFormed("name expected")
	}
	p.pos += n
	return rest[:n], colon, nil
}

// skipSpace says whether there was white space.
func (p *parser) skipSpace() bool {
	from := p.pos
	for p.pos < len(p.s) && isSpace(p.s[p.pos]) {
		p.pos++
	}
	return p.pos > from
}

// declare makes bindings of the namespace declarations in p.raw
// (Namespaces in XML 1.0 §3).
func (p *parser) declare() error {
	first := len(p.bindings)
	for i := range p.raw {
		a := &p.raw[i]
		if !a.declaration {
			continue
		}
		prefix, reserved := "", a.value == nsXML || a.value == nsXMLNS
		if a.prefix == "xmlns" {
			prefix = a.local
			if a.value == "" || prefix == "xmlns" {
				return notWellFormed("namespace declaration is not allowed")
			}
			if prefix == "xml" {
				reserved = a.value != nsXML
			}
		}
		if reserved {
			return notWellFormed("reserved namespace or prefix")
		}
		for _, b := range p.bindings[first:] {
			if b.prefix == prefix {
				return notWellFormed("duplicate attribute")
			}
		}
		p.bindings = append(p.bindings, binding{prefix, a.value})
	}
	return nil
}

// resolveAttrs appends the attributes in p.raw that are no namespace
// declarations.
func (p *parser) resolveAttrs(attrs []Attr) ([]Attr, error) {
	first := len(attrs)
	for i := range p.raw {
		a := &p.raw[i]
		if a.declaration {
			continue
		}
		space := ""
		if a.prefix != "" {
			var ok bool
			if space, ok = p.lookup(a.prefix); !ok {
				return attrs, badNamespacePrefix("prefix is not declared")
			}
		}
		for j := first; j < len(attrs); j++ {
			if attrs[j].Local == a.local && attrs[j].Space == space {
				return attrs, notWellFormed("duplicate attribute")
			}
		}
		attrs = append(attrs, Attr{Space: space, Local: a.local, Value: a.value})
	}
	return attrs, nil
}

// resolveName splits an element's name and finds its namespace.
func (p *parser) resolveName(name string) (space, local string, err error) {
	prefix := ""
	if i := strings.IndexByte(name, ':'); i >= 0 {
		prefix, name = name[:i], name[i+1:]
	}
	space, ok := p.lookup(prefix)
	if !ok && prefix != "" {
		return "", "", badNamespacePrefix("prefix is not declared")
	}
	return space, name, nil
}

func (p *parser) lookup(prefix string) (uri string, ok bool) {
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].uri, true
		}
	}
	return "", false
}

// normaliseLines makes every line end a line feed (XML 1.0 §2.11).
func normaliseLines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// resolveReferences replaces the references to characters and to the five
// entities that XML itself defines; there are no others (RFC 6120 §11.1).
func resolveReferences(s string) (string, error) {
	if strings.IndexByte(s, '&') < 0 {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		end := strings.IndexByte(s, ';')
		if end < 0 {
			return "", notWellFormed("reference is not closed")
		}
		r, err := resolveReference(s[:end])
		if err != nil {
			return "", err
		}
		b.WriteRune(r)
		s = s[end+1:]
	}
}

func resolveReference(name string) (rune, error) {
	switch name {
	case "amp":
		return '&', nil
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "apos":
		return '\'', nil
	case "quot":
		return '"', nil
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, restrictedXML("entity that XML does not define")
	}
	base := rune(10)
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		base, digits = 16, hex
	}
	r := rune(0)
	for i := range len(digits) {
		value := digitValue(digits[i])
		if value >= base {
			return 0, notWellFormed("character reference is not a number")
		}
		if r = r*base + value; r > utf8.MaxRune {
			return 0, notWellFormed("character reference beyond Unicode")
		}
	}
	if digits == "" || !isXMLRune(r) {
		return 0, notWellFormed("reference to a character that XML does not allow")
	}
	return r, nil
}

// digitValue is the value of a hexadecimal digit, 16 of anything else.
func digitValue(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 16
}
