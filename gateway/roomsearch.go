package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"passerelle/component"
)

const nsSearch = "jabber:iq:search"

// searchFeature finds channels of a network by a word of their name or topic and
// by how many are in them (XEP-0055).
func searchFeature() feature {
	return feature{
		xep: "XEP-0055", on: onServer, advertise: []string{nsSearch},
		iq: map[iqKey]iqHandler{
			{"get", nsSearch, "query"}: (*User).onSearchForm,
			{"set", nsSearch, "query"}: (*User).onSearch,
		},
	}
}

func (u *User) onSearchForm(r *request, _ *component.Element) error {
	u.enc.Result(r.Stanza)
	u.enc.Open("query", nsSearch)
	u.enc.Leaf("instructions", "", "Find channels of this network.")
	(&form{formType: nsSearch, title: "Find channels", fields: []field{
		{name: "text", kind: textSingle, label: "In the name or topic"},
		{name: "least", kind: textSingle, label: "With at least so many people", least: 0, most: 1000000},
	}}).write(&u.enc, "form")
	u.enc.Close()
	u.enc.Close()
	return nil
}

func (u *User) onSearch(r *request, query *component.Element) error {
	filled, ok := parseSubmission(query.Child(nsForms, "x"))
	if !ok {
		return refuse("bad-request", "the search form was not filled in")
	}
	n, err := u.network(r.to.Network)
	if err != nil {
		return err
	}
	least, _ := strconv.Atoi(filled.first("least"))
	word := strings.ToLower(filled.first("text"))
	filter := ""
	if least > 1 && strings.Contains(strings.ToUpper(n.support.Elist), "U") {
		filter = ">" + strconv.Itoa(least-1)
	}
	return n.list(filter, listReader{
		enough: func(*channelList) bool { return false },
		use: func(list *channelList, err error) {
			if err != nil {
				u.replyError(r.Stanza, err)
				return
			}
			u.writeSearch(r, list, word, least)
		},
	})
}

// find returns which of the channels that are kept have so many people and a word in
// their name or topic, by name.
func (l *channelList) find(word string, least int) []int {
	var found []int
	for i, channel := range l.channels {
		if channel.users >= least && strings.Contains(strings.ToLower(channel.name+" "+channel.topic), word) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b int) int { return strings.Compare(l.channels[a].name, l.channels[b].name) })
	return found
}

// writeSearch answers with a table of what was found.
func (u *User) writeSearch(r *request, list *channelList, word string, least int) {
	e := &u.enc
	e.Result(r.Stanza)
	e.Open("query", nsSearch)
	e.Open("x", nsForms)
	e.Attr("type", "result")
	found := list.find(word, least)
	title := fmt.Sprintf("%d channels found", len(found))
	if len(found) > largestItems {
		title += fmt.Sprintf(", of which at most %d are shown", largestItems)
	}
	e.Leaf("title", "", title)
	if list.beyond > 0 {
		e.Leaf("instructions", "", fmt.Sprintf("%s has %d channels, of which only the first %d were searched. Ask for more people in them to find others.",
			list.n.name, list.all(), len(list.channels)))
	}
	u.writeField("FORM_TYPE", "hidden", nsSearch)
	e.Open("reported", "")
	for _, column := range []struct{ name, kind, label string }{
		{"jid", "jid-single", "Address"}, {"name", "text-single", "Channel"}, {"nusers", "text-single", "People"}, {"description", "text-single", "Topic"},
	} {
		e.Open("field", "")
		e.Attr("var", column.name)
		e.Attr("type", column.kind)
		e.Attr("label", column.label)
		e.Close()
	}
	e.Close()
	start := len(e.Bytes())
	for _, i := range found[:min(len(found), largestItems)] {
		if u.isFull(start) {
			break
		}
		channel := list.channels[i]
		e.Open("item", "")
		u.writeField("jid", "jid-single", list.jid(i).String())
		u.writeField("name", "text-single", channel.name)
		u.writeField("nusers", "text-single", strconv.Itoa(channel.users))
		u.writeField("description", "text-single", channel.topic)
		e.Close()
	}
	e.Close()
	e.Close()
	e.Close()
}
