package store

import (
	"context"
	"iter"
)

// ImportLines archives lines in their order, behind what the archives hold, and
// waits for them. A line whose id its archive has is known and left out, so that an
// import can be run again. It ends at the first error of the sequence; what came
// before stays.
func (s *Store) ImportLines(ctx context.Context, lines iter.Seq2[Line, error]) (imported, known int, err error) {
	batch := make([]Line, 0, batchLines)
	write := func() error {
		skipped := 0
		taken := batch
		err := s.queue.do(ctx, job{insists: true, run: func(ctx context.Context, w *writer) (err error) {
			for i := range taken {
				w.queue.expect(taken[i].scope(), 1)
			}
			if skipped, err = w.stageLines(ctx, taken); err != nil {
				for i := range taken {
					w.queue.settled(taken[i].scope(), 1)
				}
			}
			return err
		}})
		if err == nil {
			imported, known = imported+len(batch)-skipped, known+skipped
			batch = make([]Line, 0, batchLines)
		}
		return err
	}
	for line, err := range lines {
		if err != nil {
			return imported, known, doing("reading lines to import", err)
		}
		line.clean()
		if batch = append(batch, line); len(batch) == cap(batch) {
			if err := write(); err != nil {
				return imported, known, doing("importing lines", err)
			}
		}
	}
	if len(batch) > 0 {
		err = write()
	}
	return imported, known, doing("importing lines", err)
}
