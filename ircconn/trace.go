package ircconn

import (
	"context"
	"log/slog"
	"strings"
)

// LevelTrace is the level of the wire trace, below debug: every line in both
// directions, bodies included, with secrets masked.
const LevelTrace = slog.LevelDebug - 4

const masked = "***"

// secretParams is from which parameter on a command carries a secret.
var secretParams = map[string]int{
	"PASS":         0,
	"AUTHENTICATE": 0,
	"WEBIRC":       0,
	"OPER":         1,
	"JOIN":         1,
	"NS":           1,
	"NICKSERV":     1,
	"CS":           1,
	"CHANSERV":     1,
	"IDENTIFY":     0,
	"ID":           0,
	"LOGIN":        0,
	"REGISTER":     0,
	"VERIFY":       0,
	"AUTH":         0,
}

// services are the nicks whose messages may carry passwords, in lower case.
var services = map[string]bool{
	"nickserv": true,
	"chanserv": true,
	"authserv": true,
	"userserv": true,
	"operserv": true,
	"hostserv": true,
	"botserv":  true,
	"q":        true,
	"x":        true,
	"l":        true,
}

func trace(log *slog.Logger, direction string, batch []outgoing) {
	if !log.Enabled(context.Background(), LevelTrace) {
		return
	}
	for _, line := range batch {
		log.Log(context.Background(), LevelTrace, "wire", "direction", direction, "line", MaskSecrets(string(line.data)))
	}
}

func traceIncoming(log *slog.Logger, line string) {
	if log.Enabled(context.Background(), LevelTrace) {
		log.Log(context.Background(), LevelTrace, "wire", "direction", "in", "line", MaskSecrets(line))
	}
}

// MaskSecrets replaces what may be a password, a key or a token in one line of IRC
// without its line end, for logs.
func MaskSecrets(line string) string {
	line = strings.TrimRight(line, "\r\n")
	start := 0
	for start < len(line) && (line[start] == '@' || line[start] == ':' || line[start] == ' ') {
		space := strings.IndexByte(line[start:], ' ')
		if space < 0 {
			return line
		}
		start += space + 1
	}
	words := strings.Split(line[start:], " ")
	command := strings.ToUpper(words[0])
	from, secret := secretParams[command]
	switch {
	case (command == "PRIVMSG" || command == "NOTICE") && len(words) > 1 && isService(words[1]):
		// The first word says what it is about, as IDENTIFY; the rest is hidden.
		from, secret = 2, true
	case command == "MODE" && len(words) > 2 && strings.Contains(words[2], "k"):
		from, secret = 2, true
	case command == "324" && len(words) > 3:
		from, secret = 3, true
	}
	if !secret || len(words) <= from+1 {
		return line
	}
	return line[:start] + strings.Join(words[:from+1], " ") + " " + masked
}

// isService also knows "NickServ@services.example".
func isService(target string) bool {
	nick, _, _ := strings.Cut(strings.TrimPrefix(target, ":"), "@")
	return services[strings.ToLower(nick)]
}
