package store

import (
	"bytes"
	"log/slog"
	"sync"
)

// recordingLog returns a log and what was said in it so far.
func recordingLog() (*slog.Logger, func() string) {
	var said lockedBuffer
	return slog.New(slog.NewTextHandler(&said, nil)), said.String
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
