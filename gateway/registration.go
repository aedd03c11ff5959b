package gateway

import (
	"context"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

const nsRegister = "jabber:iq:register"

// setRegistered marks who has registered. It is no setting that people choose.
const setRegistered = "registered"

// registerFeature is registration with the gateway (XEP-0077, XEP-0100 §4.1). It
// is needed only where the admin says so; its form is the one of the settings
// for all networks.
func registerFeature() feature {
	return feature{
		xep: "XEP-0077", on: onGateway, advertise: []string{nsRegister},
		iq: map[iqKey]iqHandler{
			{"get", nsRegister, "query"}: (*User).onRegistrationForm,
			{"set", nsRegister, "query"}: (*User).onRegistration,
		},
	}
}

func (u *User) isRegistered() bool {
	return len(u.chosen[u.scope(translate.Address{})][setRegistered]) > 0
}

func (u *User) onRegistrationForm(r *request, _ *component.Element) error {
	if err := u.load(); err != nil {
		return err
	}
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsRegister)
	if u.isRegistered() {
		u.enc.Leaf("registered", "", "")
	}
	u.enc.Leaf("instructions", "", "Registering keeps your settings for all networks. Settings for one network or channel are made at its own address.")
	(&form{
		formType: nsRegister, title: "Registration", instructions: "These settings count for all networks.",
		fields: u.settingsForm(u.scope(translate.Address{})),
	}).write(&u.enc, "form")
	u.enc.Close()
	u.enc.Close()
	return nil
}

// onRegistration registers, with or without the form filled in, or removes the
// user.
func (u *User) onRegistration(r *request, query *component.Element) error {
	if u.g.store == nil {
		return refuse("service-unavailable", "nothing is kept here")
	}
	if query.Child(nsRegister, "remove") != nil {
		return u.unregister(r)
	}
	if err := u.load(); err != nil {
		return err
	}
	scope := u.scope(translate.Address{})
	if query.Child(nsForms, "x").Attr("type") == "cancel" {
		u.result(r)
		return nil
	}
	change := make(store.Settings)
	if filled, ok := parseSubmission(query.Child(nsForms, "x")); ok {
		f := form{fields: u.settingsForm(scope)}
		if err := f.check(filled); err != nil {
			return err
		}
		var err error
		if change, err = u.changeOf(scope, filled); err != nil {
			return err
		}
	}
	isNew := !u.isRegistered()
	change[setRegistered] = []string{"true"}
	if err := u.choose(scope, change); err != nil {
		return err
	}
	u.result(r)
	if isNew {
		u.writeBarePresence(r, "subscribe") // to see when the user comes and goes (XEP-0100 §4.1)
	}
	return nil
}

// unregister logs out everywhere and forgets all there is of the user: settings,
// archive and contacts (XEP-0100 §4.3).
func (u *User) unregister(r *request) error {
	u.quitAll("The user has left the gateway")
	if err := u.loadContacts(); err != nil {
		return err
	}
	err := u.searchStore(func(ctx context.Context) error { return u.g.store.ForgetUser(ctx, u.jid.String()) })
	if err != nil {
		return u.storeFault(err, "a user could not be forgotten", "you cannot be removed")
	}
	contacts := u.contacts
	u.unload()
	u.dropAhead()
	u.choices++
	u.result(r)
	for text := range contacts {
		if jid, err := component.ParseJID(text); err == nil {
			u.writeFarewell(jid)
		}
	}
	u.writeFarewell(u.gatewayJID())
	u.notify(u.gatewayJID(), "You are removed: your settings, your contacts and everything that was archived for you are deleted.")
	return nil
}

// writeFarewell ends the subscriptions with one of our addresses, both ways.
func (u *User) writeFarewell(from component.JID) {
	for _, presenceType := range []string{"unsubscribe", "unsubscribed", "unavailable"} {
		u.enc.Stanza(component.Presence, from, u.jid, presenceType, "")
		u.enc.Close()
	}
}

// mayConnect refuses who may not use the gateway, or would have to register first.
func (u *User) mayConnect() error {
	if err := u.refused(); err != nil {
		return err
	}
	if u.g.live().RegisteredOnly && !u.isRegistered() {
		return refuse("registration-required", "register with %s first: your client has that among the things it can do with a gateway", u.g.domain)
	}
	return nil
}
