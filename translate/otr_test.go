package translate

import "testing"

func TestIsOTR(t *testing.T) {
	tests := map[string]bool{
		"?OTR:AAMDJ+MVmSfjFZcAAAAAAQAAAAIAAADA.": true,
		"?OTRv2?":                                true,
		"?OTRv23?":                               true,
		"?OTR?":                                  true,
		"?OTR?v2?":                               true,
		"?OTR,1,3,?OTR:AAEK,":                    true,
		"?OTR|5a73a599|27e31597,1,3,?":           true,
		"?OTR Error:You sent an unencrypted message": true,
		"":                             false,
		"?":                            false,
		"OTR?":                         false,
		"what does ?OTRv2? mean?":      false,
		"?OTRANTO is a town, isn't it": false,
	}
	for body, want := range tests {
		if got := IsOTR(body); got != want {
			t.Errorf("IsOTR(%q) = %v, want %v", body, got, want)
		}
	}
}
