package translate

import "testing"

func TestRefusalOf(t *testing.T) {
	tests := []struct {
		numeric int
		code    string
		text    string
		want    Refusal
	}{
		{474, "", "Cannot join (+b)", Refusal{Condition: "forbidden", Text: "Cannot join (+b)"}},
		{474, "", "", Refusal{Condition: "forbidden", Text: "you are banned from the channel (+b)"}},
		{471, "", "full", Refusal{Condition: "service-unavailable", Type: "wait", Text: "full"}},
		{0, "INVALID_UTF8", "", Refusal{Condition: "bad-request", Text: "the network takes nothing but UTF-8"}},
		{0, "RATE_LIMITED", "slow", Refusal{Condition: "resource-constraint", Type: "wait", Text: "slow"}},
		{599, "", "odd", Refusal{Condition: "undefined-condition", Type: "cancel", Text: "odd"}},
		{599, "", "", Refusal{Condition: "undefined-condition", Type: "cancel", Text: "the IRC server refused it (599)"}},
		{0, "NEW_CODE", "", Refusal{Condition: "undefined-condition", Type: "cancel", Text: "the IRC server refused it (0NEW_CODE)"}},
		// A numeric is never read as a code, nor the other way round.
		{474, "INVALID_UTF8", "x", Refusal{Condition: "forbidden", Text: "x"}},
		{0, "474", "x", Refusal{Condition: "undefined-condition", Type: "cancel", Text: "x"}},
	}
	for _, test := range tests {
		if got := RefusalOf(test.numeric, test.code, test.text); got != test.want {
			t.Errorf("RefusalOf(%d, %q, %q) = %+v, want %+v", test.numeric, test.code, test.text, got, test.want)
		}
	}
}

// What clients act upon when a join or a message is refused.
func TestConditionsOfNumerics(t *testing.T) {
	for numeric, want := range map[int]string{
		401: "item-not-found", 403: "item-not-found", 404: "forbidden", 405: "resource-constraint", 417: "policy-violation",
		432: "not-acceptable", 433: "conflict", 437: "conflict", 441: "item-not-found", 442: "not-acceptable", 461: "bad-request",
		470: "gone", 471: "service-unavailable", 472: "feature-not-implemented", 473: "registration-required", 474: "forbidden",
		475: "not-authorized", 476: "jid-malformed", 477: "registration-required", 479: "jid-malformed", 480: "resource-constraint",
		482: "forbidden", 489: "policy-violation", 697: "conflict", 698: "item-not-found", 716: "subscription-required", 926: "forbidden",
	} {
		if got := RefusalOf(numeric, "", "").Condition; got != want {
			t.Errorf("%d is %s, want %s", numeric, got, want)
		}
	}
}

// The conditions and types that RFC 6120 §8.3 knows.
func TestRefusalsAreStanzaErrors(t *testing.T) {
	conditions := map[string]bool{
		"bad-request": true, "conflict": true, "feature-not-implemented": true, "forbidden": true, "gone": true, "item-not-found": true,
		"jid-malformed": true, "not-acceptable": true, "not-allowed": true, "not-authorized": true, "policy-violation": true,
		"registration-required": true, "resource-constraint": true, "service-unavailable": true, "subscription-required": true,
	}
	types := map[string]bool{"": true, "auth": true, "cancel": true, "modify": true, "wait": true}
	check := func(name any, refusal Refusal) {
		if !conditions[refusal.Condition] || !types[refusal.Type] || refusal.Text == "" {
			t.Errorf("%v: %+v", name, refusal)
		}
	}
	for numeric, refusal := range numerics {
		check(numeric, refusal)
	}
	for code, refusal := range fails {
		check(code, refusal)
	}
}
