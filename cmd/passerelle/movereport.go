package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// mostExamples is how many places the summary names for each thing that was left.
const mostExamples = 3

// moveReport is the summary of an import: what was taken, what was left and why.
// No secret is ever in it.
type moveReport struct {
	taken []string
	left  []leftOut
	notes []string
}

// leftOut is one kind of thing that was not taken.
type leftOut struct {
	what, why string
	count     int
	examples  []string
}

func (r *moveReport) take(what, format string, arguments ...any) {
	r.taken = append(r.taken, fmt.Sprintf("%-14s ", what)+fmt.Sprintf(format, arguments...))
}

func (r *moveReport) note(format string, arguments ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, arguments...))
}

// leave notes that something was not taken: how many, what, why, and where one of
// them is, if that says anything.
func (r *moveReport) leave(count int, what, why, example string) {
	at := slices.IndexFunc(r.left, func(l leftOut) bool { return l.what == what && l.why == why })
	if at < 0 {
		at = len(r.left)
		r.left = append(r.left, leftOut{what: what, why: why})
	}
	left := &r.left[at]
	left.count += count
	if example != "" && len(left.examples) < mostExamples && !slices.Contains(left.examples, example) {
		left.examples = append(left.examples, example)
	}
}

func (r *moveReport) write(to io.Writer, dryRun bool) {
	title := "Taken over from biboumi:"
	if dryRun {
		title = "What would be taken over from biboumi (nothing was changed):"
	}
	var text strings.Builder
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			text.WriteString(title + "\n  " + strings.Join(lines, "\n  ") + "\n")
		}
	}
	section(title, r.taken)
	left := make([]string, len(r.left))
	for i, l := range r.left {
		left[i] = fmt.Sprintf("%d × %s, because %s", l.count, l.what, l.why)
		if len(l.examples) > 0 {
			left[i] += " (" + strings.Join(l.examples, ", ") + ")"
		}
	}
	section("Left out:", left)
	section("To know:", r.notes)
	fmt.Fprint(to, text.String())
}

// alreadyHere says how much of what was taken an earlier import had brought.
func alreadyHere(known int) string {
	if known == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d were here already)", known)
}
