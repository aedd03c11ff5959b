package translate

import (
	"errors"
	"fmt"
	"strings"
)

// Affiliation is a long-lived association with a room (XEP-0045 §5.2).
type Affiliation string

// The affiliations.
const (
	Owner         Affiliation = "owner"
	Admin         Affiliation = "admin"
	Member        Affiliation = "member"
	NoAffiliation Affiliation = "none"
	Outcast       Affiliation = "outcast"
)

// Role is what an occupant may do for the time of the visit (XEP-0045 §5.1).
type Role string

// The roles.
const (
	Moderator   Role = "moderator"
	Participant Role = "participant"
	Visitor     Role = "visitor"
	NoRole      Role = "none"
)

// standing is what the channel modes that networks share mean in a room.
var standing = map[byte]struct {
	affiliation Affiliation
	role        Role
}{
	'q': {Owner, Moderator},
	'a': {Owner, Moderator},
	'o': {Admin, Moderator},
	'h': {Member, Moderator},
	'v': {Member, Participant},
}

// RolesOf returns the affiliation and role of a member who has the prefix modes
// has, on a network whose modes are prefixModes, highest first (ISUPPORT
// PREFIX, such as "qaohv"). A mode that only one network has counts as the next
// lower one that is known, and as the highest known one when it stands above
// all. Without any mode it is none, and participant, or visitor in a moderated
// channel (+m), where they cannot speak.
func RolesOf(has, prefixModes string, moderated Moderation) (Affiliation, Role) {
	for i := 0; i < len(prefixModes); i++ {
		if strings.IndexByte(has, prefixModes[i]) < 0 {
			continue
		}
		for _, mode := range []byte(prefixModes[i:]) {
			if known, ok := standing[mode]; ok {
				return known.affiliation, known.role
			}
		}
	}
	if moderated {
		return NoAffiliation, Visitor
	}
	return NoAffiliation, Participant
}

// Moderation is whether only those with voice may speak in a channel (+m).
type Moderation bool

// The two states of a channel.
const (
	Moderated   Moderation = true
	Unmoderated Moderation = false
)

// ModeStep is one change of a member's modes.
type ModeStep struct {
	Add  bool
	Mode byte
}

// ErrNoSuchMode is the error of a role or affiliation that the network has no
// mode for; its text says which and what to do instead.
var ErrNoSuchMode = errors.New("the network has no such standing")

// AffiliationSteps returns the mode changes that give a member who has the
// modes has the affiliation want, by what the network has (prefixModes as for
// RolesOf). No steps mean that nothing has to change. Outcast is not a mode of
// a member and is refused.
func AffiliationSteps(want Affiliation, has, prefixModes string) ([]ModeStep, error) {
	target, drop := byte(0), ""
	switch want {
	case Owner:
		target, drop = 'q', ""
	case Admin:
		target, drop = 'o', "qa"
	case Member:
		target, drop = 'v', "qao"
	case NoAffiliation:
		drop = "qaohv"
	default:
		return nil, fmt.Errorf("%w: %q is not an affiliation that modes can give", ErrNoSuchMode, want)
	}
	if target != 0 && strings.IndexByte(prefixModes, target) < 0 {
		return nil, fmt.Errorf("%w: it has no channel mode for the affiliation %q; try another one", ErrNoSuchMode, want)
	}
	steps := removals(has, drop, prefixModes)
	keepsHalfop := want == Member && strings.IndexByte(has, 'h') >= 0
	if target != 0 && strings.IndexByte(has, target) < 0 && !keepsHalfop {
		steps = append(steps, ModeStep{true, target})
	}
	return steps, nil
}

// RoleSteps returns the mode changes that give a member who has the modes has
// the role want. NoRole is a kick and not a mode, and a visitor in a channel
// that is not moderated needs a mute; both are refused here.
func RoleSteps(want Role, has, prefixModes string, moderated Moderation) ([]ModeStep, error) {
	_, role := RolesOf(has, prefixModes, moderated)
	if role == want {
		return nil, nil
	}
	switch want {
	case Moderator:
		for _, mode := range []byte("ho") {
			if strings.IndexByte(prefixModes, mode) >= 0 {
				return []ModeStep{{true, mode}}, nil
			}
		}
		return nil, fmt.Errorf("%w: it has no channel operators", ErrNoSuchMode)
	case Participant:
		steps := removals(has, "qaoh", prefixModes)
		if bool(moderated) && strings.IndexByte(has, 'v') < 0 {
			steps = append(steps, ModeStep{true, 'v'})
		}
		return steps, nil
	case Visitor:
		if !moderated {
			return nil, fmt.Errorf("%w: in a channel that is not moderated (+m) everybody may speak", ErrNoSuchMode)
		}
		return removals(has, "qaohv", prefixModes), nil
	}
	return nil, fmt.Errorf("%w: %q is not a role that modes can give", ErrNoSuchMode, want)
}

// removals takes away those of the modes drop that a member has, highest first.
func removals(has, drop, prefixModes string) []ModeStep {
	var steps []ModeStep
	for _, mode := range []byte(prefixModes) {
		if strings.IndexByte(has, mode) >= 0 && strings.IndexByte(drop, mode) >= 0 {
			steps = append(steps, ModeStep{false, mode})
		}
	}
	return steps
}
