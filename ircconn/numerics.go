package ircconn

import "slices"

// refusals are the numerics outside of 400 to 599 that say no.
var refusals = map[int]bool{
	263: true, // RPL_TRYAGAIN: the command was dropped
	696: true, // ERR_INVALIDMODEPARAM
	697: true, // ERR_LISTMODEALREADYSET
	698: true, // ERR_LISTMODENOTSET
	712: true, // ERR_TOOMANYKNOCK
	713: true, // ERR_CHANOPEN
	714: true, // ERR_KNOCKONCHAN
	715: true, // ERR_KNOCKDISABLED
	716: true, // ERR_TARGUMODEG: the nick takes no messages
	717: true, // RPL_TARGNOTIFY: the nick was told that we wrote
	723: true, // ERR_NOPRIVS
	734: true, // ERR_MONLISTFULL
	742: true, // ERR_MLOCKRESTRICTED
	902: true, // ERR_NICKLOCKED
	904: true, // ERR_SASLFAIL
	905: true, // ERR_SASLTOOLONG
	906: true, // ERR_SASLABORTED
	907: true, // ERR_SASLALREADY
	926: true, // InspIRCd: the channel is forbidden
	936: true, // InspIRCd: a censored word
	972: true, // ERR_CANNOTDOCOMMAND
}

// namesCommand are the refusals whose first parameter is a command.
var namesCommand = map[int]bool{
	263: true,
	421: true,
	461: true,
	723: true,
}

// numeric is a numeric without a handler of its own.
func (s *session) numeric(m *message) {
	number := numberOf(m.command)
	if number >= 400 && number <= 599 || refusals[number] {
		s.refused(m)
		return
	}
	s.emit(Reply{Meta: m.Meta, Numeric: number, Params: slices.Clone(withoutNick(m.params))})
}

func withoutNick(params []string) []string {
	if len(params) == 0 {
		return nil
	}
	return params[1:]
}

// refused is an error numeric: our nick, what it is about, a text.
func (s *session) refused(m *message) {
	event := Refused{Meta: m.Meta, Numeric: numberOf(m.command), Text: m.last()}
	if len(m.params) > 2 {
		last := len(m.params) - 1
		event.Params = slices.Clone(m.params[1:last])
		event.Target = event.Params[0]
		if namesCommand[event.Numeric] {
			event.Command = event.Params[0]
		}
	}
	s.emit(event)
}
