package gateway

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/component"
)

// logLevels are those that an admin may choose while the gateway runs. Trace is
// not among them: it shows what everybody writes, and is for one user, or for the
// configuration, to ask for.
var logLevels = []struct {
	name, label string
	level       slog.Level
}{
	{"error", "Faults only", slog.LevelError},
	{"warn", "What an admin should look at", slog.LevelWarn},
	{"info", "What happens", slog.LevelInfo},
	{"debug", "And why", slog.LevelDebug},
}

// logCommands are the admin's commands about the log.
func logCommands() []adhocCommand {
	return []adhocCommand{
		{node: "log-level", name: "What is logged", begin: beginLogLevel, chat: chatLogLevel, usage: "error, warn, info or debug"},
		{node: "trace-user", name: "Log what goes over the wire for a user", begin: beginTrace, chat: chatTrace, usage: "JID [minutes or off]"},
	}
}

func beginLogLevel(u *User, _ *request) (page, error) {
	if u.g.logLevel == nil {
		return page{}, errFixedLevel
	}
	f := field{name: "level", kind: listSingle, label: "From which level on", required: true}
	for _, known := range logLevels {
		f.options = append(f.options, option{known.name, known.label})
		if known.level == u.g.logLevel.Level() {
			f.values = []string{known.name}
		}
	}
	return page{
		form: &form{title: "What is logged", instructions: "This lasts until the next restart, or until the configuration is read again.", fields: []field{f}},
		submit: func(u *User, filled submission) (page, error) {
			note, err := chatLogLevel(u, filled.first("level"))
			return done(note), err
		},
	}, nil
}

var errFixedLevel = refuse("feature-not-implemented", "what is logged cannot be changed here")

func chatLogLevel(u *User, args string) (string, error) {
	if u.g.logLevel == nil {
		return "", errFixedLevel
	}
	for _, known := range logLevels {
		if known.name == strings.ToLower(args) {
			u.g.logLevel.Set(known.level)
			u.g.log.Warn("the log level was changed", "to", known.name, "by", u.jid.String())
			return "From level " + known.name + " on everything is logged, until the next restart or reload.", nil
		}
	}
	return "", refuse("not-acceptable", "%q is no level of the log: it may be error, warn, info or debug; trace-user shows what goes over the wire", args)
}

// usualTrace is for how long a user is traced where nothing is said, in minutes.
const usualTrace = 10

func beginTrace(*User, *request) (page, error) {
	return page{
		form: &form{
			title:        "Log what goes over the wire for a user",
			instructions: "The log then shows every line and stanza of the user, and with them what is written to and by them. Passwords are left out.",
			fields: []field{
				{name: "accountjid", kind: textSingle, label: "User", required: true},
				{name: "minutes", kind: textSingle, label: "For how many minutes; 0 ends it", values: []string{strconv.Itoa(usualTrace)},
					least: 0, most: int(longestTrace / time.Minute)},
			},
		},
		submit: func(u *User, filled submission) (page, error) {
			note, err := chatTrace(u, filled.first("accountjid")+" "+filled.first("minutes"))
			return done(note), err
		},
	}, nil
}

func chatTrace(u *User, args string) (string, error) {
	words := strings.Fields(args)
	if len(words) == 0 || len(words) > 2 {
		return "", refuse("bad-request", "name a user, and after that, if not %d, for how many minutes", usualTrace)
	}
	jid, err := component.ParseJID(words[0])
	if err != nil || jid.Local == "" {
		return "", refuse("not-acceptable", "%q is not a JID such as juliet@example.org", words[0])
	}
	whom := strings.ToLower(jid.Bare().String())
	minutes := usualTrace
	if len(words) == 2 {
		most := int(longestTrace / time.Minute)
		if minutes, err = strconv.Atoi(words[1]); slices.Contains([]string{"off", "0"}, words[1]) {
			return u.stopTrace(whom), nil
		}
		if err != nil || minutes < 1 || minutes > most {
			return "", refuse("not-acceptable", "%q is no number of minutes from 1 to %d, and not off", words[1], most)
		}
	}
	if err := u.g.trace(whom, time.Duration(minutes)*time.Minute); err != nil {
		return "", err
	}
	return fmt.Sprintf("The log shows what goes over the wire for %s, and with it what they write and read, for %d minutes.", whom, minutes), nil
}

// stopTrace ends a trace before its time.
func (u *User) stopTrace(whom string) string {
	if !u.g.endTrace(whom, u.g.now().Add(longestTrace)) {
		return whom + " was not traced."
	}
	return whom + " is not traced any more."
}
