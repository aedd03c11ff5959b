package gateway

import "passerelle/component"

// onSubscribe accepts that somebody wants to see the gateway, or a network, in
// their roster, and shows it there (XEP-0100 §4.3).
func (u *User) onSubscribe(r *request) error {
	u.writeBarePresence(r, "subscribed")
	u.writeBarePresence(r, "")
	return nil
}

// onSubscribeRefused declines for addresses whose presence is not kept: people
// on IRC are seen in rooms, and rooms are entered.
func (u *User) onSubscribeRefused(r *request) error {
	u.writeBarePresence(r, "unsubscribed")
	return nil
}

func (u *User) onUnsubscribe(r *request) error {
	u.writeBarePresence(r, "unavailable")
	u.writeBarePresence(r, "unsubscribed")
	return nil
}

func (u *User) onProbe(r *request) error {
	u.writeBarePresence(r, "")
	return nil
}

func (u *User) writeBarePresence(r *request, presenceType string) {
	u.enc.Stanza(component.Presence, r.To.Bare(), r.From.Bare(), presenceType, "")
	u.enc.Close()
}
