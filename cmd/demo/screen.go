package main

import (
	"fmt"
	"io"
	"os"
)

// screen prints what happens, in colours when it is a terminal.
type screen struct {
	out      io.Writer
	coloured bool
}

// newScreen prints to file, without colours when it is no terminal or NO_COLOR is set.
func newScreen(file *os.File) screen {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return screen{out: file, coloured: terminal && os.Getenv("NO_COLOR") == ""}
}

// ANSI colours of the two sides.
const (
	xmppColour = "36"
	ircColour  = "33"
	bold       = "1"
)

func (s screen) paint(colour, text string) string {
	if !s.coloured {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// title prints a heading.
func (s screen) title(text string) { fmt.Fprintf(s.out, "\n%s\n", s.paint(bold, text)) }

// line prints one line of running text.
func (s screen) line(format string, arguments ...any) { fmt.Fprintf(s.out, format+"\n", arguments...) }

// xmpp prints what happens at the XMPP client.
func (s screen) xmpp(format string, arguments ...any) {
	s.side(xmppColour, "XMPP", juliet, format, arguments)
}

// irc prints what happens at the IRC client.
func (s screen) irc(format string, arguments ...any) {
	s.side(ircColour, "IRC", romeo, format, arguments)
}

func (s screen) side(colour, protocol, who, format string, arguments []any) {
	label := fmt.Sprintf("%-4s %-6s", protocol, who)
	fmt.Fprintf(s.out, "  %s  %s\n", s.paint(colour, label), fmt.Sprintf(format, arguments...))
}
