package ircconn

import (
	"slices"
	"strings"
)

// maxBatches bounds the open batches of a connection. The lines of further ones
// are taken as if they stood alone.
const maxBatches = 64

// labeledResponse is the type of batch that holds a labelled answer.
const labeledResponse = "labeled-response"

// batch is one that is open (IRCv3 batch).
type batch struct {
	reference string
	kind      string
	// outermost is what Meta.Batch says about lines inside.
	outermost string
	label     string
}

func (s *session) findBatch(reference string) int {
	return slices.IndexFunc(s.batches, func(b batch) bool { return b.reference == reference })
}

// placeInBatch gives a line the label and the type of the batch it stands in.
func (s *session) placeInBatch(m *message) {
	if m.batch == "" {
		return
	}
	at := s.findBatch(m.batch)
	if at < 0 {
		return
	}
	m.Batch = s.batches[at].outermost
	if m.Label == "" {
		m.Label = s.batches[at].label
	}
}

// onBatch is "BATCH +reference type [parameters]" or "BATCH -reference".
func onBatch(s *session, m *message) {
	reference := m.params[0]
	switch {
	case strings.HasPrefix(reference, "+") && len(m.params) >= 2:
		s.openBatch(reference[1:], m)
	case strings.HasPrefix(reference, "-"):
		s.endBatch(reference[1:], m)
	default:
		s.unhandled(m)
	}
}

func (s *session) openBatch(reference string, m *message) {
	if len(s.batches) >= maxBatches || s.findBatch(reference) >= 0 || !isName(reference) || !isName(m.params[1]) || !isName(m.Label) {
		s.log().Debug("batch ignored", "type", m.params[1], "open", len(s.batches))
		return
	}
	opened := batch{
		reference: strings.Clone(reference), kind: strings.Clone(m.params[1]),
		outermost: m.Batch, label: strings.Clone(m.Label),
	}
	if opened.outermost == "" && opened.kind != labeledResponse {
		opened.outermost = opened.kind
	}
	s.batches = append(s.batches, opened)
}

func (s *session) endBatch(reference string, m *message) {
	at := s.findBatch(reference)
	if at < 0 {
		return
	}
	ended := s.batches[at]
	s.batches = slices.Delete(s.batches, at, at+1)
	if len(s.batches) == 0 {
		s.batches = nil
	}
	m.Batch = ended.outermost
	m.Label = ended.label
	s.emit(BatchEnded{Meta: m.Meta, Type: ended.kind})
}
