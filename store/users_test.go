package store

import (
	"slices"
	"testing"
)

func TestUsers(t *testing.T) {
	backends(t, func(t *testing.T, cfg Config) {
		s := openQuick(t, cfg)
		ctx := deadline(t)
		for _, user := range []string{"setting", "forgotten", "all"} {
			check(t, s.SaveSettings(ctx, Scope{User: user}, Settings{"a": {"b", "c"}}, nil))
		}
		for _, user := range []string{"contact", "all"} {
			check(t, s.AddContact(ctx, user, "x"))
		}
		for _, user := range []string{"archive", "forgotten", "all"} {
			line := sampleLine(1)
			line.User = user
			appendAll(t, s, line)
		}
		check(t, s.Flushed(ctx))
		check(t, s.ForgetUser(ctx, "forgotten"))
		got, err := s.Users(ctx)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []string{"all", "archive", "contact", "setting"}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
