package ircconn

// onMode is MODE of a channel or of ourselves.
func onMode(s *session, m *message) {
	target, letters, args := m.params[0], m.params[1], m.params[2:]
	switch {
	case s.support.IsChannel(target):
		s.emit(ModeChanged{
			Meta: m.Meta, Source: m.source, Channel: target,
			Changes: parseModes(s.support, letters, args),
		})
	case s.isSelf(target):
		s.emit(ModeChanged{Meta: m.Meta, Source: m.source, Changes: parseUserModes(letters)})
	default:
		s.unhandled(m)
	}
}

// onChannelModes is 324, the answer to "MODE #channel".
func onChannelModes(s *session, m *message) {
	s.emit(ChannelModes{
		Meta: m.Meta, Channel: m.params[1],
		Changes: parseModes(s.support, m.params[2], m.params[3:]),
	})
}

// parseModes gives each letter of a channel's MODE its parameter, by its kind
// (ISUPPORT CHANMODES and PREFIX). A parameter that is missing is empty; what is
// beyond the bounds is left out.
func parseModes(support *Support, letters string, args []string) []ModeChange {
	changes := make([]ModeChange, 0, min(len(letters), maxModeChanges))
	add := true
	for i := range len(letters) {
		switch letters[i] {
		case '+':
			add = true
			continue
		case '-':
			add = false
			continue
		}
		change := ModeChange{Add: add, Mode: letters[i], Kind: support.KindOf(letters[i])}
		if takesParameter(change) && len(args) > 0 {
			change.Arg, args = args[0], args[1:]
		}
		if len(changes) < maxModeChanges && len(change.Arg) <= maxModeArgBytes {
			changes = append(changes, change)
		}
	}
	return changes
}

func takesParameter(change ModeChange) bool {
	switch change.Kind {
	case ModePrefix, ModeList, ModeAlways:
		return true
	case ModeWhenSet:
		return change.Add
	}
	return false
}

// parseUserModes reads the modes of a user. Their few parameters, such as that
// of the server notice mask, tell nobody anything here.
func parseUserModes(letters string) []ModeChange {
	changes := parseModes(&Support{}, letters, nil)
	for i := range changes {
		changes[i].Kind = ModeUserFlag
	}
	return changes
}
