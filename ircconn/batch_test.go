package ircconn

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestBatches(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	before := len(r.all())
	for _, line := range []string{
		"@label=9 :irc.test BATCH +1 labeled-response",
		"@batch=1 :irc.test BATCH +2 chathistory #c",
		"@batch=2 :irc.test BATCH +3 netsplit irc.a irc.b",
		"@batch=1 :a!b@c PRIVMSG #c :one",
		"@batch=2 :a!b@c PRIVMSG #c :two",
		":irc.test BATCH -1",
		"@batch=3 :a!b@c PRIVMSG #c :three",
		"@batch=1 :a!b@c PRIVMSG #c :four",
		":irc.test BATCH -3",
		":irc.test BATCH -2",
		":irc.test BATCH -2",
		":a!b@c PRIVMSG #c :five",
	} {
		s.receive([]byte(line))
	}
	type line struct {
		what, batch, label string
	}
	var got []line
	for _, event := range r.all()[before:] {
		switch event := event.(type) {
		case Message:
			got = append(got, line{event.Text, event.Batch, event.Label})
		case BatchEnded:
			got = append(got, line{"-" + event.Type, event.Batch, event.Label})
		default:
			t.Fatalf("unexpected %T%+v", event, event)
		}
	}
	want := []line{
		{"one", "", "9"},
		{"two", "chathistory", "9"},
		{"-labeled-response", "", "9"},
		{"three", "chathistory", "9"},
		{"four", "", ""},
		{"-netsplit", "chathistory", "9"},
		{"-chathistory", "chathistory", "9"},
		{"five", "", ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

// TestBatchesAreBounded: a server that never ends its batches.
func TestBatchesAreBounded(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	for i := range 1000 {
		s.receive(fmt.Appendf(nil, ":irc.test BATCH +%d netjoin a b", i))
	}
	if len(s.batches) != maxBatches {
		t.Fatalf("%d batches are open", len(s.batches))
	}
	s.receive([]byte("@batch=999 :a!b@c JOIN #c"))
	if got := waitFor[Joined](t, r, nil); got.Batch != "" {
		t.Fatalf("got %+v", got)
	}
}

func TestListsAreBounded(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	for i := range maxListItems + 10 {
		s.receive(fmt.Appendf(nil, ":irc.test 367 juliet #c mask%d!*@*", i))
	}
	s.receive([]byte(":irc.test 367 juliet #d a!*@*"))
	s.receive([]byte(":irc.test 368 juliet #c :End"))
	s.receive([]byte(":irc.test 368 juliet #d :End"))
	got := eventsOf[ListMode](r.all())
	if len(got) != 2 || len(got[0].Items) != maxListItems || !got[0].Truncated || len(got[1].Items) != 0 || !got[1].Truncated {
		t.Fatalf("got %d lists", len(got))
	}
	if s.lists != nil {
		t.Fatalf("still held: %+v", s.lists)
	}
	long := strings.Repeat("x", maxListBytes/100)
	for range 200 {
		s.receive([]byte(":irc.test 367 juliet #long " + long))
	}
	if s.lists.bytes > maxListBytes {
		t.Fatalf("%d bytes are held", s.lists.bytes)
	}
	s.receive([]byte(":irc.test 368 juliet #long :End"))
	if s.lists != nil {
		t.Fatalf("still held: %+v", s.lists)
	}
	for i := range 2 * maxLists {
		s.receive(fmt.Appendf(nil, ":irc.test 367 juliet #c%d mask", i))
	}
	if len(s.lists.open) != maxLists {
		t.Fatalf("%d lists are open", len(s.lists.open))
	}
}

func TestMotdIsBounded(t *testing.T) {
	r := newRecorder()
	s := newTestSession(r.sink)
	for range maxMotdLines + 10 {
		s.receive([]byte(":irc.test 372 juliet :- x"))
	}
	s.receive([]byte(":irc.test 376 juliet :End"))
	if got := waitFor[Motd](t, r, nil); len(got.Lines) != maxMotdLines {
		t.Fatalf("%d lines", len(got.Lines))
	}
	for range 100 {
		s.receive([]byte(":irc.test 372 juliet :" + strings.Repeat("x", maxMotdBytes/50)))
	}
	if s.motd.bytes > maxMotdBytes {
		t.Fatalf("%d bytes are held", s.motd.bytes)
	}
}
