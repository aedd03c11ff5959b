//go:build !linux

package ircconn

import "iter"

// arrivals are never any where the system has no epoll(7).
type arrivals struct{}

func (*arrivals) all() iter.Seq2[int, bool] { return func(func(int, bool) bool) {} }

func (p *Poller) open() error { return nil }

func (p *Poller) watch(int) error { return nil }

func (p *Poller) collect(uintptr) bool { return false }
