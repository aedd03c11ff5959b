//go:build e2e

package e2e

import (
	"bufio"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// debianPython is the interpreter that Debian's python3-slixmpp is installed for; another
// one in PATH would not find it.
const debianPython = "/usr/bin/python3"

// slixmppSteps are what slixmpp/visit.py does, in order.
var slixmppSteps = []string{"join", "self-presence", "roster", "hear", "talk", "same id", "private", "archive", "command", "room form", "nick", "kick"}

func TestVisitWithSlixmpp(t *testing.T) {
	everywhere(t, func(s *scenario) {
		romeo := s.member("romeo")
		account := "juliet" + shared.number()
		if err := s.xmpp.AddAccount(s.Context(), account, password); err != nil {
			s.Fatal(err)
		}
		host, port, err := net.SplitHostPort(s.xmpp.ClientAddress)
		if err != nil {
			s.Fatal(err)
		}
		visit := exec.CommandContext(s.Context(), debianPython, "slixmpp/visit.py", "--host", host, "--port", port,
			"--jid", account+"@"+s.xmpp.Domain+"/slixmpp", "--password", password, "--authority", shared.workspace.Authority.File,
			"--room", s.room(), "--nick", account, "--friend", romeo.Nick())
		var problems strings.Builder
		visit.Stderr = &problems
		output, err := visit.StdoutPipe()
		if err != nil {
			s.Fatal(err)
		}
		if err := visit.Start(); err != nil {
			s.Fatalf("starting slixmpp: %v: apt-get install python3-slixmpp", err)
		}

		var passed []string
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			s.Log(lines.Text())
			what, rest, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "PASS":
				passed = append(passed, rest)
			case "FAIL":
				s.Error(rest)
			case "PLEASE":
				romeo.please(account, rest)
			}
		}
		if err := visit.Wait(); err != nil {
			s.Errorf("%v\n%s", err, problems.String())
		}
		if !slices.Equal(passed, slixmppSteps) {
			s.Errorf("passed %q, want %q\n%s", passed, slixmppSteps, problems.String())
		}
	})
}

// please does what the visitor, whose nick on IRC is given, asks for.
func (p *person) please(visitor, what string) {
	p.s.Helper()
	switch {
	case what == "say good morrow":
		p.say("good morrow")
	case what == "answer in private I come anon":
		p.expectFrom(visitor, "PRIVMSG", p.Nick(), "come hither")
		p.Send("PRIVMSG %s :I come anon", visitor)
	case strings.HasPrefix(what, "kick "):
		p.Send("KICK %s %s :farewell", p.s.channel, strings.TrimPrefix(what, "kick "))
	default:
		p.s.Errorf("the visitor asks for %q", what)
	}
}
