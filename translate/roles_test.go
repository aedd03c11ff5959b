package translate

import (
	"errors"
	"testing"
)

// features: q and a are owners, o administers, h moderates as a member, v has
// voice; without any of these only +m makes a visitor.
func TestRolesOf(t *testing.T) {
	tests := []struct {
		has, prefixModes string
		moderated        Moderation
		affiliation      Affiliation
		role             Role
	}{
		{"q", "qaohv", Unmoderated, Owner, Moderator},
		{"a", "qaohv", Unmoderated, Owner, Moderator},
		{"o", "qaohv", Unmoderated, Admin, Moderator},
		{"h", "qaohv", Unmoderated, Member, Moderator},
		{"v", "qaohv", Unmoderated, Member, Participant},
		{"", "qaohv", Unmoderated, NoAffiliation, Participant},
		{"", "qaohv", Moderated, NoAffiliation, Visitor},
		{"v", "ov", Moderated, Member, Participant},
		{"ov", "ov", Moderated, Admin, Moderator},
		{"vo", "ov", Unmoderated, Admin, Moderator},
		{"qaohv", "qaohv", Unmoderated, Owner, Moderator},
		// What only one network has takes its rank from its place.
		{"Y", "Yqaohv", Unmoderated, Owner, Moderator},
		{"Y", "qYohv", Unmoderated, Admin, Moderator},
		{"Y", "ovY", Unmoderated, NoAffiliation, Participant},
		{"", "", Unmoderated, NoAffiliation, Participant},
		// A mode that the network does not have is none.
		{"q", "ov", Unmoderated, NoAffiliation, Participant},
	}
	for _, test := range tests {
		affiliation, role := RolesOf(test.has, test.prefixModes, test.moderated)
		if affiliation != test.affiliation || role != test.role {
			t.Errorf("RolesOf(%q, %q, %v) = %s, %s; want %s, %s",
				test.has, test.prefixModes, test.moderated, affiliation, role, test.affiliation, test.role)
		}
	}
}

func stepsText(steps []ModeStep) string {
	text := ""
	for _, step := range steps {
		text += map[bool]string{true: "+", false: "-"}[step.Add] + string(step.Mode)
	}
	return text
}

func TestAffiliationSteps(t *testing.T) {
	tests := []struct {
		want             Affiliation
		has, prefixModes string
		steps            string // "!" for an error
	}{
		{Owner, "", "qaohv", "+q"},
		{Owner, "o", "qaohv", "+q"},
		{Owner, "q", "qaohv", ""},
		{Owner, "", "ov", "!"},
		{Admin, "", "ov", "+o"},
		{Admin, "v", "ov", "+o"},
		{Admin, "o", "ov", ""},
		{Admin, "qo", "qaohv", "-q"},
		{Admin, "qa", "qaohv", "-q-a+o"},
		{Member, "", "ov", "+v"},
		{Member, "o", "ov", "-o+v"},
		{Member, "ov", "ov", "-o"},
		{Member, "oh", "qaohv", "-o"},
		{Member, "h", "qaohv", ""},
		{NoAffiliation, "qaohv", "qaohv", "-q-a-o-h-v"},
		{NoAffiliation, "v", "ov", "-v"},
		{NoAffiliation, "", "ov", ""},
		{Outcast, "", "ov", "!"},
		{"king", "", "ov", "!"},
	}
	for _, test := range tests {
		steps, err := AffiliationSteps(test.want, test.has, test.prefixModes)
		got := stepsText(steps)
		if err != nil {
			got = "!"
			if !errors.Is(err, ErrNoSuchMode) {
				t.Errorf("the error %v is no ErrNoSuchMode", err)
			}
		}
		if got != test.steps {
			t.Errorf("AffiliationSteps(%s, %q, %q) = %q, want %q", test.want, test.has, test.prefixModes, got, test.steps)
		}
	}
}

func TestRoleSteps(t *testing.T) {
	tests := []struct {
		want             Role
		has, prefixModes string
		moderated        Moderation
		steps            string // "!" for an error
	}{
		{Moderator, "", "qaohv", Unmoderated, "+h"},
		{Moderator, "v", "ov", Unmoderated, "+o"},
		{Moderator, "o", "ov", Unmoderated, ""},
		{Moderator, "", "v", Unmoderated, "!"},
		{Participant, "o", "ov", Unmoderated, "-o"},
		{Participant, "qoh", "qaohv", Unmoderated, "-q-o-h"},
		{Participant, "o", "ov", Moderated, "-o+v"},
		{Participant, "ov", "ov", Moderated, "-o"},
		{Participant, "", "ov", Moderated, "+v"},
		{Participant, "", "ov", Unmoderated, ""},
		{Visitor, "v", "ov", Moderated, "-v"},
		{Visitor, "ohv", "qaohv", Moderated, "-o-h-v"},
		{Visitor, "", "ov", Moderated, ""},
		{Visitor, "", "ov", Unmoderated, "!"},
		{NoRole, "", "ov", Unmoderated, "!"},
		{"jester", "", "ov", Unmoderated, "!"},
	}
	for _, test := range tests {
		steps, err := RoleSteps(test.want, test.has, test.prefixModes, test.moderated)
		got := stepsText(steps)
		if err != nil {
			got = "!"
		}
		if got != test.steps {
			t.Errorf("RoleSteps(%s, %q, %q, %v) = %q, want %q", test.want, test.has, test.prefixModes, test.moderated, got, test.steps)
		}
	}
}

// Whatever somebody has, the steps lead to what was asked for.
func TestStepsLeadThere(t *testing.T) {
	apply := func(has string, steps []ModeStep) string {
		modes := map[byte]bool{}
		for i := range len(has) {
			modes[has[i]] = true
		}
		for _, step := range steps {
			modes[step.Mode] = step.Add
		}
		result := ""
		for _, mode := range []byte("qaohv") {
			if modes[mode] {
				result += string(mode)
			}
		}
		return result
	}
	for _, prefixModes := range []string{"qaohv", "ov", "ohv"} {
		for bits := range 1 << len(prefixModes) {
			has := ""
			for i := range len(prefixModes) {
				if bits&(1<<i) != 0 {
					has += prefixModes[i : i+1]
				}
			}
			for _, want := range []Affiliation{Owner, Admin, Member, NoAffiliation} {
				steps, err := AffiliationSteps(want, has, prefixModes)
				if err != nil {
					continue
				}
				if got, _ := RolesOf(apply(has, steps), prefixModes, Unmoderated); got != want {
					t.Errorf("%q on %q: asked for %s, got %s by %s", has, prefixModes, want, got, stepsText(steps))
				}
			}
			for _, moderated := range []Moderation{Moderated, Unmoderated} {
				for _, want := range []Role{Moderator, Participant, Visitor} {
					steps, err := RoleSteps(want, has, prefixModes, moderated)
					if err != nil {
						continue
					}
					if _, got := RolesOf(apply(has, steps), prefixModes, moderated); got != want {
						t.Errorf("%q on %q: asked for %s, got %s by %s", has, prefixModes, want, got, stepsText(steps))
					}
				}
			}
		}
	}
}
