package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func is(want string) func(string) bool { return func(got string) bool { return got == want } }

func TestAwait(t *testing.T) {
	in := New[string]()
	go func() {
		for _, item := range []string{"a", "b", "c", "b"} {
			in.Put(item)
		}
	}()
	if got, err := in.Await(t.Context(), is("c")); got != "c" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	if got, err := in.Await(t.Context(), is("b")); got != "b" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	if got, err := in.AwaitThrough(t.Context(), is("b")); !slices.Equal(got, []string{"a", "b"}) || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	in.Put("d")
	if got := in.Seen(is("d")); len(got) != 1 {
		t.Errorf("seen %q", got)
	}
	if got := in.TakeAll(); !slices.Equal(got, []string{"d"}) || len(in.TakeAll()) != 0 {
		t.Errorf("taken %q", got)
	}
}

func TestEnd(t *testing.T) {
	in := New[string]()
	in.Put("a")
	short, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := in.Await(short, is("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("an await that was given up: %v", err)
	}
	if err := in.AwaitEnd(short); !errors.Is(err, context.Canceled) || in.Err() != nil {
		t.Errorf("no end: %v", err)
	}
	reason := errors.New("closed")
	go in.End(reason)
	if _, err := in.Await(t.Context(), is("b")); err != reason {
		t.Errorf("the end: %v", err)
	}
	in.End(errors.New("later"))
	if err := in.AwaitEnd(t.Context()); err != nil || in.Err() != reason {
		t.Errorf("the end: %v, %v", err, in.Err())
	}
	if got, err := in.Await(t.Context(), is("a")); got != "a" || err != nil {
		t.Errorf("what came before the end: %q, %v", got, err)
	}
}

func TestTranscriptIsBounded(t *testing.T) {
	in := New[string]()
	for i := range 3 * transcriptEntries {
		in.Note(fmt.Sprint(i))
	}
	if lines := strings.Split(in.Transcript(), "\n"); len(lines) != transcriptEntries || lines[len(lines)-1] != fmt.Sprint(3*transcriptEntries-1) {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
}
