package ircconn

import "strings"

// How long what a server calls by name may be, in bytes. Real servers stay below
// a quarter of these. Names are kept by the receiver of the events, many of them
// for long, so that without a bound each could take a whole line.
const (
	// maxNameBytes is of a nick, user, host or account, and of the reference,
	// type and label of a batch.
	maxNameBytes = 255
	// maxChannelBytes is of a channel.
	maxChannelBytes = 512
	// maxAwayBytes is of a reason for being away; its rest is dropped.
	maxAwayBytes = 512
	// maxModeChanges and maxModeArgBytes are of one MODE. Further changes are
	// dropped, and those with a longer parameter.
	maxModeChanges  = 200
	maxModeArgBytes = 512
	// maxCapValueBytes is of the value of a capability; a longer one is none.
	maxCapValueBytes = 1024
	// maxSupportLines is how often one connection may be told what the server is
	// able to do. Each time everything that depends on it is computed anew.
	maxSupportLines = 200
)

func isName(name string) bool { return len(name) <= maxNameBytes }

func isChannelName(name string) bool { return len(name) <= maxChannelBytes }

// isSane reports whether a source is somebody.
func (s Source) isSane() bool { return isName(s.Nick) && isName(s.User) && isName(s.Host) }

// nameOrNone returns a name, or nothing when it is none.
func nameOrNone(name string) string {
	if !isName(name) {
		return ""
	}
	return name
}

// cutBytes returns the beginning of a text, whole characters of it.
func cutBytes(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}
