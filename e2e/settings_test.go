//go:build e2e

package e2e

import (
	"strings"
	"testing"

	. "passerelle/internal/harness/xmppclient"
)

// command runs a step of an ad-hoc command and returns the answer's command.
func (u *user) command(to, node, session string, fields map[string]string) *Element {
	u.s.Helper()
	payload := "<command xmlns='http://jabber.org/protocol/commands' node='" + node + "'"
	if session != "" {
		payload += " sessionid='" + session + "'"
	}
	payload += ">"
	if fields != nil {
		payload += "<x xmlns='jabber:x:data' type='submit'>"
		for name, value := range fields {
			payload += "<field var='" + name + "'>"
			for line := range strings.SplitSeq(value, "\n") {
				payload += "<value>" + Escape(line) + "</value>"
			}
			payload += "</field>"
		}
		payload += "</x>"
	}
	return u.ask("set", to, payload+"</command>").First("{http://jabber.org/protocol/commands}command")
}

// configure fills in the settings of an address.
func (u *user) configure(to string, fields map[string]string) {
	u.s.Helper()
	form := u.command(to, "configure", "", nil)
	answer := u.command(to, "configure", form.Attribute("sessionid"), fields)
	if answer.Attribute("status") != "completed" {
		u.s.Fatalf("the settings were not taken: %s", answer)
	}
}

// tell writes to the gateway and returns what it answers.
func (u *user) tell(body string) string {
	u.s.Helper()
	u.chat(u.s.gateway.Hostname, body)
	return u.expect(Message().From(u.s.gateway.Hostname).Type("chat").Has("body")).TextAt("body")
}

// A form says which numbers fit (XEP-0122), and others are refused with the form again.
func TestFormsSayWhichNumbersFit(t *testing.T) {
	everywhere(t, func(s *scenario) {
		juliet := s.user("juliet")
		form := juliet.command(s.gateway.Hostname, "configure", "", nil)
		valid := false
		for _, field := range form.Find("x/field") {
			if field.Attribute("var") == "max_history_length" {
				rule := field.First("{http://jabber.org/protocol/xdata-validate}validate")
				valid = rule != nil && rule.Attribute("datatype") == "xs:integer" && rule.AttributeAt("range", "min") == "0" && rule.AttributeAt("range", "max") == "1000"
			}
		}
		if !valid {
			s.Errorf("the length of the history has no range in %s", form)
		}
		again := juliet.command(s.gateway.Hostname, "configure", form.Attribute("sessionid"), map[string]string{"max_history_length": "1001"})
		if again.Attribute("status") != "executing" || !contains(again.TextAt("note"), "not a whole number from 0 to 1000") {
			s.Errorf("a number that does not fit is answered with %s", again)
		}
	})
}

func TestSettingsDecideHowToConnect(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	nick := "Chosen" + shared.number()
	juliet.configure(s.server(), map[string]string{"nick": nick, "username": "capulet", "realname": "Juliet Capulet"})
	romeo := s.member("romeo")
	juliet.sendJoin(s.room(), juliet.nick, "")
	juliet.expect(selfPresence(s.room() + "/" + nick).Status("210"))
	romeo.Send("WHOIS %s", nick)
	if is := romeo.expect("311", romeo.Nick(), nick); is.Param(2) != "capulet" || is.Last() != "Juliet Capulet" {
		t.Errorf("whois says %v", is)
	}
}

func TestSettingsAreReachedInThreeWays(t *testing.T) {
	s := begin(t)
	juliet, _ := s.meeting()
	if answer := juliet.tell("set " + s.channel + "%" + s.network + " max_history_length 7"); !contains(answer, "saved") {
		t.Fatal(answer)
	}
	form := juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/muc#owner'/>")
	if !contains(form.String(), ">7<") || !contains(form.String(), "muc#roomconfig_moderatedroom") {
		t.Errorf("the room's form is %s", form)
	}
	juliet.ask("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"+
		"<field var='max_history_length'><value>8</value></field></x></query>")
	if form := juliet.command(s.room(), "configure", "", nil); !contains(form.String(), ">8<") {
		t.Errorf("the command's form is %s", form)
	}
	if answer := juliet.tell("show " + s.channel + "%" + s.network); !contains(answer, "max_history_length = 8") {
		t.Error(answer)
	}
}

func TestSettingsSurviveARestart(t *testing.T) {
	s := beginAlone(t, nil)
	juliet := s.user("juliet")
	juliet.tell("set persistent true")
	juliet.tell("set " + s.network + " sasl_password secret")
	s.restart()
	if answer := juliet.tell("show"); !contains(answer, "persistent = true") {
		t.Error(answer)
	}
	if answer := juliet.tell("show " + s.network); !contains(answer, "sasl_password = (set)") {
		t.Error(answer)
	}
}

func TestModesThroughTheRoomsForm(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	submit := func(field, value string) *Element {
		return juliet.request("set", s.room(), "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='"+field+"'><value>"+value+"</value></field></x></query>")
	}
	if answer := submit("muc#roomconfig_moderatedroom", "1"); answer.Type() != "error" || answer.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden") == nil {
		t.Errorf("who is no operator gets %s", answer)
	}
	romeo.Send("MODE %s +o %s", s.channel, juliet.nick)
	juliet.expect(Presence().From(juliet.occupant()).Item("admin", "moderator"))
	for _, test := range []struct{ field, value, change, argument string }{
		{"muc#roomconfig_moderatedroom", "1", "+m", ""},
		{"muc#roomconfig_moderatedroom", "0", "-m", ""},
		{"muc#roomconfig_membersonly", "1", "+i", ""},
		{"muc#roomconfig_publicroom", "0", "+s", ""},
		{"muc#roomconfig_publicroom", "1", "-s", ""},
		{"muc#roomconfig_changesubject", "1", "-t", ""},
		{"muc#roomconfig_changesubject", "0", "+t", ""},
		{"muc#roomconfig_maxusers", "7", "+l", "7"},
		{"muc#roomconfig_maxusers", "", "-l", ""},
		{"irc#mode_n", "0", "-n", ""},
		{"irc#mode_j", "9:3", "+j", "9:3"}, // no more than 9 joins in 3 seconds
		{"irc#mode_j", "", "-j", ""},
		{"irc#mode_j", "8:2", "+j", "8:2"},
	} {
		if answer := submit(test.field, test.value); answer.Type() != "result" {
			t.Errorf("the operator gets %s", answer)
		}
		parameters := []string{s.channel, test.change}
		if test.argument != "" {
			parameters = append(parameters, test.argument)
		}
		romeo.expectFrom(juliet.nick, "MODE", parameters...)
	}
	form := juliet.ask("get", s.room(), "<query xmlns='http://jabber.org/protocol/muc#owner'/>")
	shown := make(map[string]string)
	for _, field := range form.Find("query/x/field") {
		shown[field.Attribute("var")] = field.TextAt("value")
	}
	for field, want := range map[string]string{
		"muc#roomconfig_moderatedroom": "false", "muc#roomconfig_membersonly": "true", "muc#roomconfig_publicroom": "true",
		"muc#roomconfig_changesubject": "false", "muc#roomconfig_maxusers": "", "irc#mode_n": "false", "irc#mode_j": "8:2",
	} {
		if value, has := shown[field]; !has || value != want {
			t.Errorf("%s is %q in the form, want %q: %s", field, value, want, form)
		}
	}
	if answer := submit("muc#roomconfig_maxusers", "many"); answer.First("error/{urn:ietf:params:xml:ns:xmpp-stanzas}not-acceptable") == nil {
		t.Errorf("a limit that is no number is answered with %s", answer)
	}
}

func TestConnectionInformationAndDisconnect(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	if info := juliet.command(s.server(), "get-irc-connection-info", "", nil); !contains(info.String(), "Connected to IRC server "+s.network) || !contains(info.String(), "with TLS") {
		t.Errorf("the information is %s", info)
	}
	form := juliet.command(s.gateway.Hostname, "disconnect-from-irc-server", "", nil)
	juliet.command(s.gateway.Hostname, "disconnect-from-irc-server", form.Attribute("sessionid"),
		map[string]string{"irc-servers": s.network, "quit-message": "the lark"})
	romeo.expectFrom(juliet.nick, "QUIT")
	juliet.expect(Presence().From(juliet.occupant()).Type("unavailable").Status("110", "332"))
}

func TestClientCertificateIsShown(t *testing.T) {
	s := begin(t)
	juliet := s.user("juliet")
	answer := juliet.tell("certificate " + s.network + " generate")
	_, fingerprint, found := strings.Cut(answer, "SHA-256 ")
	if !found {
		t.Fatal(answer)
	}
	fingerprint, _, _ = strings.Cut(fingerprint, "\n")
	juliet.join()
	juliet.chat(s.server(), "WHOIS "+juliet.nick)
	// InspIRCd shows the fingerprint that it has seen, in the digest it is configured for.
	said := juliet.expect(Message().From(s.server()).BodyContains("client certificate fingerprint"))
	if !contains(said.TextAt("body"), fingerprint) {
		t.Errorf("the server saw %s, not %s", said.TextAt("body"), fingerprint)
	}
}

func TestRegistrationIsRemoved(t *testing.T) {
	s := begin(t)
	juliet, romeo := s.meeting()
	romeo.say("remember me")
	juliet.expect(Message().From(romeo.occupant()).Body("remember me"))
	juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:register'/>")
	if form := juliet.ask("get", s.gateway.Hostname, "<query xmlns='jabber:iq:register'/>"); form.First("{jabber:iq:register}query/{jabber:iq:register}registered") == nil {
		t.Errorf("who has registered gets %s", form)
	}
	juliet.ask("set", s.gateway.Hostname, "<query xmlns='jabber:iq:register'><remove/></query>")
	romeo.expectFrom(juliet.nick, "QUIT")
	if page := juliet.archive(s.room(), ""); len(page) > 0 {
		t.Errorf("the archive still has %v", page)
	}
}
