package monitor

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"passerelle/gateway"
)

//go:embed status.html
var statusText string

// newStatusPage parses the page, which is part of the program.
func newStatusPage() *template.Template {
	return template.Must(template.New("status").Parse(statusText))
}

// statusView is what the page shows.
type statusView struct {
	Nonce           string // of the style, so that no other counts
	Domain, Version string
	Now             time.Time
	Running         string
	Troubles        []string
	Tiles           []tile
	Networks        []networkRow
	Plots           []plot
	Problems        []problemRow
	// For is who asked. Admins see Users by their names, and More is how many of
	// these there is no place for.
	For   audience
	Users []gateway.OnlineUser
	More  int
	// Protected is whether there is a token at all.
	Protected bool
}

// audience is who is shown the page.
type audience uint8

const (
	anybody audience = iota
	admins           // who have the token
)

// SeesNames reports whether they are shown who and what is concerned by name.
func (a audience) SeesNames() bool { return a == admins }

// tile is one large number.
type tile struct{ Value, Name string }

// networkRow is a network in the table.
type networkRow struct {
	Name, State      string
	Good             bool
	Rooms, Occupants int
	Faults           string
}

// problemRow is a problem in the list.
type problemRow struct {
	Problem
	Severe bool
	When   string
}

// mostUsers is how many users the page names.
const mostUsers = 500

// status is the page without names.
func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	h.writeStatus(w, anybody) // also for those whose browser shows the token everywhere
}

// statusWithNames is the page with names, for those who have the token.
func (h *Handler) statusWithNames(w http.ResponseWriter, r *http.Request) {
	if h.token == "" {
		http.Error(w, "http.token is not set, so nobody is shown who uses the gateway", http.StatusForbidden)
		return
	}
	if !h.isAdmin(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="passerelle: any name, and http.token as the password", charset="UTF-8"`)
		http.Error(w, "the password is http.token of the gateway's configuration", http.StatusUnauthorized)
		return
	}
	h.writeStatus(w, admins)
}

// isAdmin reports whether the request has the token as its password (RFC 7617).
func (h *Handler) isAdmin(r *http.Request) bool {
	_, password, given := r.BasicAuth()
	return given && h.token != "" && subtle.ConstantTimeCompare([]byte(password), []byte(h.token)) == 1
}

func (h *Handler) writeStatus(w http.ResponseWriter, to audience) {
	view := h.view(h.now(), to)
	var page bytes.Buffer
	if err := h.page.Execute(&page, view); err != nil {
		h.log.Error("the status page cannot be shown", "error", err)
		http.Error(w, "the status page cannot be shown; the log says why", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+view.Nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(page.Bytes())
}

// view makes the page's content.
func (h *Handler) view(now time.Time, to audience) *statusView {
	s := h.sources.snapshot()
	samples := h.history.all()
	view := &statusView{
		Nonce: rand.Text(), Domain: h.sources.Domain, Version: h.sources.Version, Now: now,
		Running: lasting(now.Sub(h.sources.Started)), Troubles: troubles(&s), Networks: networkRows(&s),
		Plots: plots(samples), For: to, Protected: h.token != "",
	}
	var online, rooms, occupants int
	for _, network := range s.gateway.Networks {
		online += network.Online
		rooms += network.Rooms
		occupants += network.Occupants
	}
	view.Tiles = []tile{
		{whole(float64(s.gateway.Users)), "users"}, {whole(float64(online)), "IRC connections"},
		{whole(float64(rooms)), "rooms"}, {whole(float64(occupants)), "occupants"},
	}
	for _, problem := range h.sources.Problems.Latest() {
		view.Problems = append(view.Problems, rowOf(problem, &s, now, to))
	}
	if to.SeesNames() {
		view.Users = h.sources.Online()
		if len(view.Users) > mostUsers {
			view.More, view.Users = len(view.Users)-mostUsers, view.Users[:mostUsers]
		}
	}
	return view
}

// rowOf is what may be shown of a problem: of names only those of listed networks,
// unless all names may be.
func rowOf(problem Problem, s *snapshot, now time.Time, to audience) problemRow {
	row := problemRow{Problem: problem, Severe: problem.Level >= slog.LevelError, When: ago(now.Sub(problem.Last))}
	if !to.SeesNames() {
		row.User, row.Cause = "", ""
		if _, listed := s.gateway.Networks[problem.Network]; !listed {
			row.Network = ""
		}
	}
	return row
}

// troubles says what does not work now.
func troubles(s *snapshot) []string {
	var list []string
	if !s.up {
		list = append(list, "There is no stream to the XMPP server, so nobody can use the gateway.")
	}
	if s.store.Err != nil {
		list = append(list, fmt.Sprintf("The store cannot be written: %d lines wait for it, and settings cannot be changed.", s.store.Queued))
	} else if s.store.Lag > 10*time.Second {
		list = append(list, fmt.Sprintf("The archive is %s behind.", lasting(s.store.Lag)))
	}
	for _, row := range networkRows(s) {
		network := s.gateway.Networks[row.Name]
		if network.Interrupted > 0 && network.Online == 0 {
			list = append(list, fmt.Sprintf("All connections to %s are lost; the gateway is trying to get them back.", row.Name))
		}
	}
	return list
}

func networkRows(s *snapshot) []networkRow {
	var rows []networkRow
	for name, network := range s.gateway.Networks {
		if name == gateway.OtherNetworks && network.Started == 0 {
			continue
		}
		row := networkRow{Name: name, Rooms: network.Rooms, Occupants: network.Occupants, Good: network.Interrupted == 0}
		row.State = joined([]counted{{network.Online, "online"}, {network.Connecting, "connecting"}, {network.Interrupted, "lost, tried again"}})
		if row.State == "" {
			row.State = "nobody is connected"
		}
		var faults []counted
		for _, reason := range gateway.EndReasons() {
			if reason != "wanted" {
				faults = append(faults, counted{int(network.Ended[reason]), reasons[reason]})
			}
		}
		row.Faults = joined(faults)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b networkRow) int {
		return cmp.Or(cmp.Compare(a.place(), b.place()), strings.Compare(a.Name, b.Name))
	})
	return rows
}

// place puts the networks that have no name of their own last.
func (row networkRow) place() int {
	if row.Name == gateway.OtherNetworks {
		return 1
	}
	return 0
}

// reasons are those of gateway.EndReasons in words.
var reasons = map[string]string{
	"local": "by a fault of ours", "resolve": "name not found", "connect": "not reached", "timeout": "no answer", "tls": "TLS failed",
	"refused": "refused", "closed": "closed by the server", "silent": "fallen silent", "protocol": "no IRC", "login": "no login",
	"forbidden": "may not lead there", "password": "wrong server password",
}

// counted is a number of things of one kind.
type counted struct {
	count int
	what  string
}

// joined lists what there is any of.
func joined(list []counted) string {
	var parts []string
	for _, c := range list {
		if c.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.count, c.what))
		}
	}
	return strings.Join(parts, ", ")
}

// ago writes how long ago something was.
func ago(d time.Duration) string {
	if d < 5*time.Second {
		return "just now"
	}
	return lasting(d) + " ago"
}

// lasting writes a time as people say it.
func lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", max(d, 0).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Truncate(time.Minute).Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h %02d min", d.Truncate(time.Hour).Hours(), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
