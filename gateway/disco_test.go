package gateway

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"passerelle/ircconn"
)

// info is the answer to a disco#info query.
type info struct {
	identities, features []string // identities as category/type/name
	form                 map[string]string
	raw                  string
}

var (
	identityTags = regexp.MustCompile(`<identity category='([^']*)' type='([^']*)' name='([^']*)'/>`)
	featureTags  = regexp.MustCompile(`<feature var='([^']*)'/>`)
	fieldTags    = regexp.MustCompile(`<field var='([^']*)' type='[^']*'><value(?:/>|>([^<]*)</value>)</field>`)
)

// info asks what is at an address.
func (w *world) info(from, to, node string) info {
	w.t.Helper()
	attr := ""
	if node != "" {
		attr = ` node='` + node + `'`
	}
	w.stanza(`<iq from='%s' to='%s' type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#info'%s/></iq>`, from, to, attr)
	got := w.sent()
	if len(got) != 1 {
		w.t.Fatalf("%d answers from %s", len(got), to)
	}
	answer := info{raw: got[0], form: make(map[string]string)}
	for _, tag := range identityTags.FindAllStringSubmatch(got[0], -1) {
		answer.identities = append(answer.identities, tag[1]+"/"+tag[2]+"/"+tag[3])
	}
	for _, tag := range featureTags.FindAllStringSubmatch(got[0], -1) {
		answer.features = append(answer.features, tag[1])
	}
	for _, tag := range fieldTags.FindAllStringSubmatch(got[0], -1) {
		answer.form[tag[1]] = tag[2]
	}
	if strings.Contains(got[0], "type='result'") && !strings.Contains(got[0], `type='result' id='d1'><query xmlns='http://jabber.org/protocol/disco#info'`+attr) {
		w.t.Errorf("got %s", got[0])
	}
	return answer
}

func (i info) expectIdentities(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(i.identities, want) {
		t.Errorf("identities %v, want %v", i.identities, want)
	}
}

func (i info) has(t *testing.T, features ...string) {
	t.Helper()
	for _, feature := range features {
		if !slices.Contains(i.features, feature) {
			t.Errorf("%s is missing in %v", feature, i.features)
		}
	}
}

func (i info) lacks(t *testing.T, features ...string) {
	t.Helper()
	for _, feature := range features {
		if slices.Contains(i.features, feature) {
			t.Errorf("%s is advertised", feature)
		}
	}
}

// Gateway and networks are no places for rooms of one's own: clients read that
// from conference/irc and jabber:iq:gateway.
func TestInfoOfGatewayAndServer(t *testing.T) {
	for _, connect := range []func(testing.TB) *world{newWorld, func(t testing.TB) *world { return connected(t) }} {
		w := connect(t)
		gateway, network := w.info(desk, "gw.test", ""), w.info(desk, server, "")
		gateway.expectIdentities(t, "gateway/irc/IRC", "conference/irc/IRC")
		network.expectIdentities(t, "gateway/irc/irc.test", "conference/irc/irc.test")
		for _, answer := range []info{gateway, network} {
			answer.has(t, nsDiscoInfo, nsDiscoItems, nsMUC, nsMUC+"#stable_id", "jabber:iq:gateway", nsVersion, nsTime, nsPing, `jid\20escaping`, nsOccupantID)
			answer.lacks(t, "muc_nonanonymous", "muc_semianonymous")
			if len(slices.Compact(slices.Sorted(slices.Values(answer.features)))) != len(answer.features) {
				t.Errorf("twice the same feature: %v", answer.features)
			}
		}
		if len(w.u.networks) > 1 || w.irc != nil && len(w.irc.sent) > 0 {
			t.Error("a question has made a connection")
		}
	}
}

// A room is as rich as its network: conference/text only with message tags.
func TestInfoOfRoom(t *testing.T) {
	w := newWorld(t)
	answer := w.info(desk, room, "")
	answer.expectIdentities(t, "conference/irc/#chan (irc.test)")
	answer.has(t, nsMUC, nsMUC+"#stable_id", nsMUC+"#self-ping-optimization", nsStanzaID, nsOccupantID, nsPing, nsVersion, nsTime, nsDiscoInfo, nsDiscoItems,
		"muc_semianonymous", "muc_open", "muc_unmoderated", "muc_unsecured", "muc_public", "muc_temporary")
	answer.lacks(t, "muc_nonanonymous", "muc_membersonly", "jabber:iq:gateway")
	if len(w.u.networks) != 0 || len(answer.form) != 0 {
		t.Errorf("networks %v, form %v", w.u.networks, answer.form)
	}
	connected(t, "echo-message").info(desk, room, "").expectIdentities(t, "conference/irc/#chan (irc.test)")
	connected(t, "message-tags").info(desk, room, "").expectIdentities(t, "conference/text/#chan (irc.test)")
	w.info(desk, `#a\2fb%irc.test@gw.test`, "").expectIdentities(t, "conference/irc/#a/b (irc.test)")
}

// XEP-0045 §6.4: what channel modes say about a room.
func TestInfoOfRoomByModes(t *testing.T) {
	for modes, want := range map[string][]string{
		"+nt":       {"muc_open", "muc_unmoderated", "muc_unsecured", "muc_public"},
		"+imkl x 9": {"muc_membersonly", "muc_moderated", "muc_passwordprotected", "muc_public"},
		"+s":        {"muc_open", "muc_unmoderated", "muc_unsecured", "muc_hidden"},
		"+p":        {"muc_open", "muc_unmoderated", "muc_unsecured", "muc_hidden"},
	} {
		w := connected(t)
		w.event(ircconn.ChannelModes{Channel: "#chan", Changes: modeChanges(modes)}, ircconn.TopicReply{Channel: "#chan", Topic: "\x02All\x02 things"})
		w.forget()
		answer := w.info(desk, room, "")
		answer.has(t, want...)
		answer.has(t, "muc_semianonymous")
		count := 0
		for _, feature := range answer.features {
			if strings.HasPrefix(feature, "muc_") {
				count++
			}
		}
		if count != 6 {
			t.Errorf("%s: %v", modes, answer.features)
		}
		subjectmod := map[bool]string{true: "0", false: "1"}[strings.Contains(modes, "t")]
		for field, value := range map[string]string{
			"FORM_TYPE": "http://jabber.org/protocol/muc#roominfo", "muc#roominfo_subject": "All things", "muc#roominfo_occupants": "3",
			"muc#roominfo_description": "#chan on irc.test", "muc#roominfo_subjectmod": subjectmod,
		} {
			if answer.form[field] != value {
				t.Errorf("%s: %s is %q, want %q", modes, field, answer.form[field], value)
			}
		}
	}
}

// XEP-0045 §6.6: occupants are for occupants.
func TestInfoOfOccupant(t *testing.T) {
	w := connected(t)
	w.info(desk, room+"/romeo", "").expectIdentities(t, "client/pc/romeo")
	w.info(desk, room+"/juliet", "").expectIdentities(t, "client/pc/juliet")
	w.info(desk, room+"/romeo", "").has(t, nsVersion, nsTime, nsPing, nsDiscoInfo)
	w.info(desk, "romeo%irc.test@gw.test", "").expectIdentities(t, "client/pc/romeo")
	for from, condition := range map[string]string{phone: "bad-request", "juliet@xmpp.test": "bad-request"} {
		if answer := w.info(from, room+"/romeo", ""); !strings.Contains(answer.raw, condition) {
			t.Errorf("%s got %s", from, answer.raw)
		}
	}
	if answer := w.info(desk, room+"/stranger", ""); !strings.Contains(answer.raw, "item-not-found") {
		t.Errorf("got %s", answer.raw)
	}
}

func TestInfoNodes(t *testing.T) {
	w := connected(t)
	if answer := w.info(desk, room, nodeTraffic); !slices.Equal(answer.features, traffic) || len(answer.identities) != 0 {
		t.Errorf("traffic is %s", answer.raw)
	}
	w.info(desk, room, nodeReserved).expectIdentities(t, "conference/text/juliet")
	w.info(phone, room, nodeReserved).expectIdentities(t, "conference/text/juliet")
	newWorld(t).info(desk, room, nodeReserved).expectIdentities(t)
	for _, to := range []string{"gw.test", server, room, room + "/romeo", "romeo%irc.test@gw.test"} {
		if answer := w.info(desk, to, "urn:example:node"); !strings.Contains(answer.raw, "type='error'") || !strings.Contains(answer.raw, "item-not-found") {
			t.Errorf("%s: %s", to, answer.raw)
		}
	}
	if answer := w.info(desk, server, nodeTraffic); !strings.Contains(answer.raw, "item-not-found") {
		t.Errorf("got %s", answer.raw)
	}
}

func TestItems(t *testing.T) {
	items := func(w *world, to string) string {
		w.stanza(`<iq from='%s' to='%s' type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`, desk, to)
		got := w.sent()
		if len(got) != 1 {
			t.Fatalf("%d answers", len(got))
		}
		answer, found := strings.CutPrefix(got[0], `<iq from='`+to+`' to='`+desk+`' type='result' id='d1'><query xmlns='http://jabber.org/protocol/disco#items'`)
		if !found {
			t.Errorf("got %s", got[0])
		}
		return strings.TrimSuffix(strings.TrimSuffix(answer, `</query></iq>`), `/></iq>`)
	}
	w := connected(t)
	w.g.live().Servers = Servers{"libera": nil, "irc.test": nil}
	for to, want := range map[string]string{
		"gw.test": `><item jid='irc.test@gw.test' name='irc.test'/><item jid='libera@gw.test' name='libera'/>`,
		room: `><item jid='` + room + `/juliet' name='juliet'/><item jid='` + room + `/nurse' name='nurse'/>` +
			`<item jid='` + room + `/romeo' name='romeo'/>`,
		"#elsewhere%irc.test@gw.test": ``,
		"other.test@gw.test":          ``,
		"romeo%irc.test@gw.test":      ``,
		room + "/romeo":               ``,
	} {
		if got := items(w, to); got != want {
			t.Errorf("below %s is %s, want %s", to, got, want)
		}
	}
	w.stanza(`<iq from='%s' to='gw.test' type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#items' node='x'/></iq>`, desk)
	w.expectOne(`item-not-found`)
	if items(newWorld(t), room) != "" {
		t.Error("a room that is not joined has occupants")
	}
}

// documented returns the rows of docs/xeps.md by the number of the XEP.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/xeps.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			number := strings.TrimSpace(cells[1])
			if rows[number] != "" {
				t.Errorf("docs/xeps.md has two rows for %s", number)
			}
			rows[number] = line
		}
	}
	return rows
}

// What is advertised and what is answered is in the documentation.
func TestFeaturesAreDocumented(t *testing.T) {
	rows := documented(t)
	for _, f := range featureList() {
		number := strings.TrimPrefix(f.xep, "XEP-")
		row := rows[number]
		if row == "" {
			t.Errorf("docs/xeps.md has no row for %s", f.xep)
		}
		namespaces := slices.Clone(f.advertise)
		for key := range f.iq {
			namespaces = append(namespaces, key.namespace)
		}
		for _, namespace := range namespaces {
			if !strings.Contains(row, "`"+namespace+"`") {
				t.Errorf("the row of %s in docs/xeps.md lacks %s", f.xep, namespace)
			}
		}
	}
}

// And so is every XEP that the code names.
func TestNamedXEPsAreDocumented(t *testing.T) {
	rows := documented(t)
	number := regexp.MustCompile(`XEP-(\d{4})`)
	for _, pattern := range []string{"*.go", "../component/*.go", "../translate/*.go", "../ircconn/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, named := range number.FindAllStringSubmatch(string(text), -1) {
				if rows[named[1]] == "" {
					t.Errorf("%s names XEP-%s, for which docs/xeps.md has no row", file, named[1])
				}
			}
		}
	}
}

// An IQ that a feature says it answers is answered by it, and by no other.
func TestFeaturesDoNotOverlap(t *testing.T) {
	type place struct {
		key   iqKey
		where targets
	}
	owners := make(map[place]string)
	for _, f := range featureList() {
		if f.xep == "" || f.on == 0 {
			t.Errorf("a feature without name or place: %+v", f)
		}
		for key := range f.iq {
			for where := onGateway; where <= onNick; where <<= 1 {
				if f.on&where == 0 {
					continue
				}
				if owner, twice := owners[place{key, where}]; twice {
					t.Errorf("%v belongs to %s and %s", key, owner, f.xep)
				}
				owners[place{key, where}] = f.xep
			}
		}
	}
}
