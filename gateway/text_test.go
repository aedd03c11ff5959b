package gateway

import (
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.UnixMilli(1_234_567_890_007), time.UnixMilli(-1), time.Unix(1_800_000_000, 999_999_999),
		time.Date(2026, 2, 28, 23, 59, 59, 120e6, time.FixedZone("", -7*3600)),
	} {
		if got, want := stamp(at), at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
