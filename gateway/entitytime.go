package gateway

import (
	"time"

	"passerelle/component"
)

const nsTime = "urn:xmpp:time"

// timeFeature says what time it is at an address (XEP-0202): here, or with
// somebody on IRC, whose client is asked (CTCP TIME).
func timeFeature() feature {
	return feature{
		xep: "XEP-0202", on: everywhere, advertise: []string{nsTime},
		iq: map[iqKey]iqHandler{{"get", nsTime, "time"}: (*User).onTime},
	}
}

func (u *User) onTime(r *request, _ *component.Element) error {
	if at(r)&(onOccupant|onNick) == 0 || u.isOwnOccupant(r) {
		u.writeTime(r, u.g.now().UTC())
		return nil
	}
	return u.askCTCP(r, "TIME", "", func(reply string) {
		if there, ok := parseTime(reply); ok {
			u.writeTime(r, there)
			return
		}
		u.replyError(r.Stanza, refuse("undefined-condition", "their client says that it is: %s", reply))
	})
}

func (u *User) writeTime(r *request, t time.Time) {
	zone := t.Format("-07:00")
	if zone == "+00:00" {
		zone = "Z"
	}
	u.enc.Result(r.Stanza)
	u.enc.Open("time", nsTime)
	u.enc.Leaf("tzo", "", zone)
	u.enc.Leaf("utc", "", t.UTC().Format("2006-01-02T15:04:05Z"))
	u.enc.Close()
	u.enc.Close()
}

// timeLayouts are the ways in which IRC clients answer CTCP TIME that say the
// zone as a number; a zone's name alone does not tell an offset.
var timeLayouts = []string{
	time.RFC3339, time.RFC1123Z, time.RFC822Z, time.RubyDate,
	"Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04:05 2006 -0700",
	"2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700",
}

func parseTime(reply string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, reply); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
