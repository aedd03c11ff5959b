package store

import (
	"errors"
	"iter"
	"testing"
)

func sequence(lines []Line, err error) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
		if err != nil {
			yield(Line{}, err)
		}
	}
}

// An import can be broken off and run again without doubling or reordering.
func TestImportLines(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		lines := sampleLines(2500)
		lines[7], lines[8] = lines[8], lines[7]
		damaged := errors.New("the table is damaged")
		imported, known, err := s.ImportLines(ctx, sequence(lines[:1700], damaged))
		if !errors.Is(err, damaged) || imported != 1000 || known != 0 {
			t.Errorf("broken off: %d, %d, %v", imported, known, err)
		}
		imported, known, err = s.ImportLines(ctx, sequence(lines, nil))
		if err != nil || imported != 1500 || known != 1000 {
			t.Errorf("again: %d, %d, %v", imported, known, err)
		}
		imported, known, err = s.ImportLines(ctx, sequence(lines, nil))
		if err != nil || imported != 0 || known != 2500 {
			t.Errorf("a third time: %d, %d, %v", imported, known, err)
		}
		imported, known, err = s.ImportLines(ctx, sequence(nil, nil))
		if err != nil || imported != 0 || known != 0 {
			t.Errorf("nothing: %d, %d, %v", imported, known, err)
		}
		page, err := s.Page(ctx, ask(Query{Max: 9000}))
		if err != nil || ids(page.Lines) != ids(lines) || page.Total != 2500 {
			t.Errorf("%d lines, %v: %s", page.Total, err, ids(page.Lines))
		}
	})
}
