package ircconn

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unique"
	"weak"
)

// What a server can make us remember. Real servers send about 40 parameters,
// none longer than 100 bytes.
const (
	maxSupportTokens     = 300
	maxSupportTokenBytes = 500
)

// supportParameters is how each ISUPPORT parameter that we understand changes a
// snapshot. A function returns false, having changed nothing, when the value
// is malformed.
var supportParameters = map[string]func(s *Support, value string) bool{
	"CASEMAPPING":   setCasemapping,
	"CHANTYPES":     func(s *Support, v string) bool { s.ChanTypes = v; return true },
	"NETWORK":       func(s *Support, v string) bool { s.Network = v; return v != "" },
	"NICKLEN":       setLength(func(s *Support) *int { return &s.NickLen }),
	"CHANNELLEN":    setLength(func(s *Support) *int { return &s.ChannelLen }),
	"TOPICLEN":      setLength(func(s *Support) *int { return &s.TopicLen }),
	"KICKLEN":       setLength(func(s *Support) *int { return &s.KickLen }),
	"AWAYLEN":       setLength(func(s *Support) *int { return &s.AwayLen }),
	"NAMELEN":       setLength(func(s *Support) *int { return &s.NameLen }),
	"USERLEN":       setLength(func(s *Support) *int { return &s.UserLen }),
	"HOSTLEN":       setLength(func(s *Support) *int { return &s.HostLen }),
	"LINELEN":       setLineLen,
	"MODES":         setModes,
	"PREFIX":        setPrefix,
	"CHANMODES":     setChanModes,
	"STATUSMSG":     func(s *Support, v string) bool { s.StatusMsg = v; return true },
	"TARGMAX":       setTargMax,
	"MAXLIST":       setMaxList,
	"EXCEPTS":       func(s *Support, v string) bool { return setModeLetter(&s.Excepts, v, "e") },
	"INVEX":         func(s *Support, v string) bool { return setModeLetter(&s.Invex, v, "I") },
	"WHOX":          func(s *Support, _ string) bool { s.Whox = true; return true },
	"MONITOR":       setMonitor,
	"CHATHISTORY":   setLength(func(s *Support) *int { return &s.ChatHistory }),
	"MSGREFTYPES":   setReferences,
	"UTF8ONLY":      func(s *Support, _ string) bool { s.UTF8Only = true; return true },
	"ELIST":         func(s *Support, v string) bool { s.Elist = strings.ToUpper(v); return true },
	"BOT":           func(s *Support, v string) bool { return setModeLetter(&s.BotMode, v, "") },
	"CLIENTTAGDENY": func(s *Support, v string) bool { s.ClientTagDeny = v; return true },
	"ACCOUNTEXTBAN": func(s *Support, v string) bool { s.AccountExtban = strings.Split(v, ","); return v != "" },
	"EXTBAN":        setExtban,
}

// setReferences notes whether MSGREFTYPES, which is in order of preference, has msgid.
func setReferences(s *Support, value string) bool {
	s.HistoryByID = slices.Contains(strings.Split(value, ","), "msgid")
	return true
}

// With returns a snapshot that also knows the ISUPPORT parameters in tokens:
// "NAME", "NAME=value" with \xHH escapes, or "-NAME", which takes one back. A
// malformed value, and what is beyond the bounds, changes nothing.
func (s *Support) With(tokens []string) *Support {
	if known := s.step.Load(); known != nil && slices.Equal(known.tokens, tokens) {
		if next := known.next.Value(); next != nil {
			return next
		}
	}
	next := s.with(tokens)
	kept := make([]string, len(tokens))
	for i, token := range tokens {
		kept[i] = strings.Clone(token)
	}
	s.step.Store(&supportStep{kept, weak.Make(next)})
	return next
}

// supportStep is what the last parameters made of a snapshot. Each connection to a
// server takes the same steps, and so needs not read them again.
type supportStep struct {
	tokens []string
	next   weak.Pointer[Support]
}

func (s *Support) with(tokens []string) *Support {
	kept := readTokens(s.tokens.Value())
	trial := newSupport()
	for _, token := range tokens {
		if len(token) > maxSupportTokenBytes {
			continue
		}
		name, value, _ := strings.Cut(token, "=")
		name, removal := strings.CutPrefix(name, "-")
		name = strings.ToUpper(name)
		if name == "" || strings.ContainsAny(token, "\r\n\x00") {
			continue
		}
		at := slices.IndexFunc(kept, func(t supportToken) bool { return t.name == name })
		value = unescapeSupport(value)
		switch apply := supportParameters[name]; {
		case removal && at >= 0:
			kept = slices.Delete(kept, at, at+1)
		case removal:
		case apply != nil && !apply(trial, value):
		case at >= 0:
			kept[at].value = value
		case len(kept) < maxSupportTokens:
			kept = append(kept, supportToken{name, value})
		}
	}
	return supportOf(unique.Make(writeTokens(kept)))
}

// supports are the snapshots in use, by their tokens: all connections to one server
// share theirs. It is shared by all connections because that is its purpose.
var supports sync.Map // unique.Handle[string] to weak.Pointer[Support]

// supportOf returns the snapshot of some tokens.
func supportOf(tokens unique.Handle[string]) *Support {
	if known, ok := supports.Load(tokens); ok {
		if support := known.(weak.Pointer[Support]).Value(); support != nil {
			return support
		}
	}
	next := newSupport()
	next.tokens = tokens
	for _, token := range readTokens(tokens.Value()) {
		if apply := supportParameters[token.name]; apply != nil {
			apply(next, token.value)
		}
	}
	kept := weak.Make(next)
	supports.Store(tokens, kept)
	runtime.AddCleanup(next, func(tokens unique.Handle[string]) { supports.CompareAndDelete(tokens, kept) }, tokens)
	return next
}

// supportToken is one ISUPPORT parameter without escapes. Neither part holds a
// line break, nor the name an equals sign.
type supportToken struct{ name, value string }

func readTokens(lines string) []supportToken {
	if lines == "" {
		return nil
	}
	tokens := make([]supportToken, 0, strings.Count(lines, "\n")+1)
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, _ := strings.Cut(line, "=")
		tokens = append(tokens, supportToken{name, value})
	}
	return tokens
}

func writeTokens(tokens []supportToken) string {
	lines := make([]string, len(tokens))
	for i, token := range tokens {
		lines[i] = token.name + "=" + token.value
	}
	return strings.Join(lines, "\n")
}

// unescapeSupport undoes \xHH; a sequence that is none stays as it is. CR, LF
// and NUL never come out of it.
func unescapeSupport(value string) string {
	if !strings.Contains(value, `\x`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+3 < len(value) && value[i+1] == 'x' {
			code, err := strconv.ParseUint(value[i+2:i+4], 16, 8)
			if err == nil && code != 0 && code != '\r' && code != '\n' {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(value[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func setCasemapping(s *Support, value string) bool {
	mapping, known := parseCasemapping(value)
	if known {
		s.Casemapping = mapping
	}
	return known
}

// limit reads a number of at least 1; an empty value means no limit.
func limit(value string) (int, bool) {
	if value == "" {
		return Unlimited, true
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < 1 || number > Unlimited {
		return 0, false
	}
	return number, true
}

func setLength(field func(*Support) *int) func(*Support, string) bool {
	return func(s *Support, value string) bool {
		length, ok := limit(value)
		if ok {
			*field(s) = length
		}
		return ok
	}
}

// setLineLen accepts only what is longer than the 512 bytes that all servers
// have; 65536 bounds what a strange server can make us build.
func setLineLen(s *Support, value string) bool {
	length, err := strconv.Atoi(value)
	if err != nil || length < 512 || length > 65536 {
		return false
	}
	s.LineLen = length
	return true
}

func setModes(s *Support, value string) bool {
	count, ok := limit(value)
	if ok {
		s.Modes = count
	}
	return ok
}

func setMonitor(s *Support, value string) bool {
	count, ok := limit(value)
	if ok {
		s.Monitor = count
	}
	return ok
}

// setPrefix reads "(modes)prefixes", both of the same length and without
// repetition; an empty value means that there are none.
func setPrefix(s *Support, value string) bool {
	if value == "" {
		s.PrefixModes, s.PrefixChars = "", ""
		return true
	}
	inside, found := strings.CutPrefix(value, "(")
	modes, chars, closed := strings.Cut(inside, ")")
	if !found || !closed || len(modes) != len(chars) || repeats(modes) || repeats(chars) {
		return false
	}
	s.PrefixModes, s.PrefixChars = modes, chars
	return true
}

func repeats(letters string) bool {
	for i := range len(letters) {
		if strings.IndexByte(letters[i+1:], letters[i]) >= 0 {
			return true
		}
	}
	return false
}

// setChanModes reads "A,B,C,D"; more types may follow and are ignored.
func setChanModes(s *Support, value string) bool {
	types := strings.Split(value, ",")
	if len(types) < 4 {
		return false
	}
	s.ChanModes = [4]string(types[:4])
	return true
}

// setTargMax reads "COMMAND:number,…", a missing number meaning no limit.
func setTargMax(s *Support, value string) bool {
	targets := map[string]int{}
	for entry := range strings.SplitSeq(value, ",") {
		command, number, _ := strings.Cut(entry, ":")
		count, ok := limit(number)
		if command != "" && ok {
			targets[strings.ToUpper(command)] = count
		}
	}
	s.TargMax = targets
	return true
}

// setMaxList reads "letters:number,…".
func setMaxList(s *Support, value string) bool {
	lists := map[byte]int{}
	for entry := range strings.SplitSeq(value, ",") {
		letters, number, _ := strings.Cut(entry, ":")
		count, ok := limit(number)
		for i := 0; ok && i < len(letters); i++ {
			lists[letters[i]] = count
		}
	}
	s.MaxList = lists
	return true
}

// setModeLetter reads a value of one letter; standard stands in for an empty
// one.
func setModeLetter(field *byte, value, standard string) bool {
	if value == "" {
		value = standard
	}
	if len(value) != 1 {
		return false
	}
	*field = value[0]
	return true
}

// setExtban reads "prefix,types", where the prefix may be missing.
func setExtban(s *Support, value string) bool {
	prefix, types, found := strings.Cut(value, ",")
	if !found || types == "" {
		return false
	}
	s.Extban = Extban{Prefix: prefix, Types: types}
	return true
}
