package component

import "strings"

// keptNodes is how many nodes a parser keeps for the next element.
const keptNodes = 1024

// topElement is a child of the stream, parsed.
type topElement struct {
	space, local string
	// from and to are the addresses as they stand.
	from, to string
	// stanza has everything but its Kind and addresses.
	stanza *Stanza
}

// binding ties a prefix to a namespace; the empty prefix is the default.
type binding struct {
	prefix, uri string
}

// rawAttr is an attribute before its prefix is resolved.
type rawAttr struct {
	prefix, local, value string
	// declaration says that it is a namespace declaration.
	declaration bool
}

// node is an element that is open, or that is complete and waits for its parent
// to become so.
type node struct {
	element Element
	// name is the name as written, for the end tag.
	name string
	// bindings is how many there were outside of the element.
	bindings int
}

// parser makes trees of what the tokenizer cut, and checks that it is well-formed
// and namespace-well-formed. It keeps its working memory from one element to the
// next; the tree shares nothing with it.
type parser struct {
	maxAttributes int
	// outer is how many bindings the stream's header made.
	outer    int
	bindings []binding

	s   string
	pos int
	// controls, references and brackets say that there are tabs or line ends,
	// '&' and ']' in s: mostly there are none, and nothing to look for again.
	controls, references, brackets bool

	raw []rawAttr
	// declarations says that there are some in raw.
	declarations bool
	rootAttrs    []Attr
	// nodes holds the open elements, each followed by its complete children;
	// open are the indexes of the open ones.
	nodes []node
	open  []int
	// texts gathers character data that comes in several pieces, by depth.
	texts    [][]byte
	elements []Element
	attrs    []Attr
}

func newParser(header []binding, maxAttributes int) *parser {
	bindings := append([]binding{{"xml", nsXML}}, header...)
	return &parser{maxAttributes: maxAttributes, outer: len(bindings), bindings: bindings}
}

// parse makes the tree of a whole element. Errors are errTooManyAttributes or a
// *StreamError.
func (p *parser) parse(f frame) (topElement, error) {
	if err := p.begin(f); err != nil {
		return topElement{}, err
	}
	defer p.release()
	var top topElement
	if err := p.startRoot(&top); err != nil {
		return topElement{}, err
	}
	p.elements = make([]Element, 0, max(0, f.elements-1))
	p.attrs = make([]Attr, 0, max(0, f.attributes-len(p.raw)))
	for len(p.open) > 0 {
		if err := p.step(); err != nil {
			return topElement{}, err
		}
	}
	if p.pos != len(p.s) {
		return topElement{}, notWellFormed("element does not end where it should")
	}
	top.stanza.Children = p.nodes[0].element.Children
	return top, nil
}

// parseHeader reads a start tag only, as far as the limit on attributes allows:
// of an element that was skipped it says whom to answer.
func (p *parser) parseHeader(f frame) (topElement, error) {
	if err := p.begin(f); err != nil {
		return topElement{}, err
	}
	defer p.release()
	var top topElement
	err := p.startRoot(&top)
	if err == errTooManyAttributes {
		err = p.resolveRoot(&top)
	}
	return top, err
}

func (p *parser) begin(f frame) error {
	valid, controls := checkCharacters(f.bytes)
	if !valid {
		return notWellFormed("character that XML does not allow")
	}
	p.s, p.pos, p.controls = string(f.bytes), 0, controls
	p.references = strings.IndexByte(p.s, '&') >= 0
	p.brackets = strings.IndexByte(p.s, ']') >= 0
	return nil
}

// release lets go of the tree and of working memory beyond the usual.
func (p *parser) release() {
	p.bindings = p.bindings[:p.outer]
	p.open = p.open[:0]
	p.s, p.elements, p.attrs = "", nil, nil
	if cap(p.nodes) > keptNodes {
		p.nodes, p.texts = nil, nil
	}
	p.nodes = p.nodes[:0]
}

// startRoot reads the start tag of the stream's child.
func (p *parser) startRoot(top *topElement) error {
	if !strings.HasPrefix(p.s, "<") {
		return notWellFormed("start tag expected")
	}
	p.pos = 1
	p.nodes = append(p.nodes, node{bindings: len(p.bindings)})
	root := &p.nodes[0]
	empty, err := p.startTag(&root.name)
	if err != nil {
		return err
	}
	if err := p.resolveRoot(top); err != nil {
		return err
	}
	if !empty {
		p.pushOpen(0)
	}
	return nil
}

func (p *parser) resolveRoot(top *topElement) error {
	root := &p.nodes[0]
	if p.declarations {
		if err := p.declare(); err != nil {
			return err
		}
	}
	attrs, err := p.resolveAttrs(p.rootAttrs[:0])
	p.rootAttrs = attrs
	if err != nil {
		return err
	}
	if top.space, top.local, err = p.resolveName(root.name); err != nil {
		return err
	}
	top.stanza = &Stanza{}
	for i := range attrs {
		top.attr(&attrs[i])
	}
	return nil
}

func (top *topElement) attr(a *Attr) {
	switch {
	case a.Space == nsXML && a.Local == "lang":
		top.stanza.Lang = a.Value
	case a.Space != "":
	case a.Local == "from":
		top.from = a.Value
	case a.Local == "to":
		top.to = a.Value
	case a.Local == "id":
		top.stanza.ID = a.Value
	case a.Local == "type":
		top.stanza.Type = a.Value
	}
}

// step reads the character data up to the next markup, and that.
func (p *parser) step() error {
	i := strings.IndexByte(p.s[p.pos:], '<')
	if i < 0 {
		return notWellFormed("element is not closed")
	}
	if i > 0 {
		if err := p.text(p.s[p.pos : p.pos+i]); err != nil {
			return err
		}
	}
	p.pos += i + 1
	rest := p.s[p.pos:]
	switch {
	case strings.HasPrefix(rest, "/"):
		p.pos++
		return p.endTag()
	case strings.HasPrefix(rest, "!"+cdataOpening):
		p.pos += len("!" + cdataOpening)
		return p.cdata()
	}
	return p.startElement()
}

func (p *parser) startElement() error {
	index := len(p.nodes)
	p.nodes = append(p.nodes, node{bindings: len(p.bindings)})
	n := &p.nodes[index]
	empty, err := p.startTag(&n.name)
	if err != nil {
		return err
	}
	if p.declarations {
		if err := p.declare(); err != nil {
			return err
		}
	}
	first := len(p.attrs)
	if p.attrs, err = p.resolveAttrs(p.attrs); err != nil {
		return err
	}
	if len(p.attrs) > first {
		n.element.Attrs = p.attrs[first:len(p.attrs):len(p.attrs)]
	}
	if n.element.Space, n.element.Local, err = p.resolveName(n.name); err != nil {
		return err
	}
	if space := n.element.Space; space == nsAccept || space == nsClient && len(p.open) == 1 {
		n.element.Space = ""
	}
	if empty {
		p.bindings = p.bindings[:n.bindings]
		return nil
	}
	p.pushOpen(index)
	return nil
}

func (p *parser) pushOpen(index int) {
	p.open = append(p.open, index)
	if len(p.texts) < len(p.open) {
		p.texts = append(p.texts, nil)
	}
	p.texts[len(p.open)-1] = p.texts[len(p.open)-1][:0]
}

func (p *parser) endTag() error {
	depth := len(p.open) - 1
	index := p.open[depth]
	n := &p.nodes[index]
	if !strings.HasPrefix(p.s[p.pos:], n.name) {
		return notWellFormed("end tag does not match its start tag")
	}
	p.pos += len(n.name)
	p.skipSpace()
	if p.pos >= len(p.s) || p.s[p.pos] != '>' {
		return notWellFormed("end tag does not match its start tag")
	}
	p.pos++
	if text := p.texts[depth]; len(text) > 0 {
		n.element.Text = string(text)
	}
	if children := p.nodes[index+1:]; len(children) > 0 {
		first := len(p.elements)
		for i := range children {
			p.elements = append(p.elements, children[i].element)
		}
		n.element.Children = p.elements[first:len(p.elements):len(p.elements)]
		p.nodes = p.nodes[:index+1]
	}
	p.bindings = p.bindings[:n.bindings]
	p.open = p.open[:depth]
	return nil
}

func (p *parser) cdata() error {
	i := strings.Index(p.s[p.pos:], "]]>")
	if i < 0 {
		return notWellFormed("CDATA section is not closed")
	}
	run := p.s[p.pos : p.pos+i]
	p.pos += i + len("]]>")
	if p.controls {
		run = normaliseLines(run)
	}
	p.addText(run)
	return nil
}

func (p *parser) text(run string) error {
	if p.brackets && strings.Contains(run, "]]>") {
		return notWellFormed("\"]]>\" in character data")
	}
	if p.controls {
		run = normaliseLines(run)
	}
	if p.references {
		resolved, err := resolveReferences(run)
		if err != nil {
			return err
		}
		run = resolved
	}
	p.addText(run)
	return nil
}

// addText keeps the first piece of an element's character data as it is, and
// gathers only when there are more.
func (p *parser) addText(run string) {
	depth := len(p.open) - 1
	n := &p.nodes[p.open[depth]]
	if len(p.texts[depth]) == 0 && n.element.Text == "" {
		n.element.Text = run
		return
	}
	if len(p.texts[depth]) == 0 {
		p.texts[depth] = append(p.texts[depth], n.element.Text...)
	}
	p.texts[depth] = append(p.texts[depth], run...)
}
