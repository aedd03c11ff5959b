package ircconn

// signal is something that happens once, and what those wait for who wait for it. For
// most connections nobody ever does. The mutex of the connection guards it.
type signal struct {
	happened bool
	channel  chan struct{} // nil while nobody has asked for it
}

// give says that it happens now, or has happened.
func (s *signal) give() {
	if s.happened {
		return
	}
	s.happened = true
	if s.channel != nil {
		close(s.channel)
	}
}

// wait returns what is closed once it has happened.
func (s *signal) wait() <-chan struct{} {
	if s.channel == nil {
		s.channel = make(chan struct{})
		if s.happened {
			close(s.channel)
		}
	}
	return s.channel
}
