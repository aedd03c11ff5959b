package store

import (
	"reflect"
	"testing"
	"time"
)

func TestBlocks(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		at := time.UnixMilli(1_790_000_000_123)
		blocks := []Block{
			{"user", "*@spam.example", "advertising", "nurse@example.org", at},
			{"server", "irc.example", "", "nurse@example.org", at.Add(time.Second)},
			{"user", "irc.example", "été", "prince@example.org", at.Add(2 * time.Second)},
		}
		for _, block := range []Block{blocks[0], blocks[2], {"server", "irc.example", "first", "x", at}, blocks[1], {"user", "gone", "", "", at}} {
			check(t, s.AddBlock(ctx, block))
		}
		check(t, s.RemoveBlock(ctx, "user", "gone"))
		check(t, s.RemoveBlock(ctx, "server", "never"))
		check(t, s.ForgetUser(ctx, "prince@example.org"))
		for range 2 {
			got, err := s.Blocks(ctx)
			if err != nil || !reflect.DeepEqual(got, blocks) {
				t.Errorf("got %v, %v", got, err)
			}
			check(t, s.Close())
			s = openQuick(t, cfg)
		}
		// What no database takes is left out and not refused.
		check(t, s.AddBlock(ctx, Block{Kind: "user", Pattern: "a\x00b\xff", At: at}))
		if got, err := s.Blocks(ctx); err != nil || len(got) != 4 || got[1].Pattern != "ab\uFFFD" {
			t.Errorf("got %v, %v", got, err)
		}
		check(t, s.RemoveBlock(ctx, "user", "a\x00b\xff"))
		if got, err := s.Blocks(ctx); err != nil || len(got) != 3 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
