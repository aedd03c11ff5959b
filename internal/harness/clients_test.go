//go:build e2e

package harness

import (
	"context"
	"testing"

	"passerelle/internal/harness/ircclient"
	"passerelle/internal/harness/xmppclient"
)

func TestXMPPClientsTalkThroughEachServer(t *testing.T) {
	for name, start := range map[string]func(*Workspace, context.Context, ...string) (*XMPPServer, error){
		"prosody":  (*Workspace).StartProsody,
		"ejabberd": (*Workspace).StartEjabberd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := start(newTestWorkspace(t), t.Context(), "irc.localhost")
			if err != nil {
				t.Fatal(err)
			}
			clients := map[string]*xmppclient.Client{}
			for _, user := range []string{"romeo", "juliet"} {
				if err := server.AddAccount(t.Context(), user, "secret"); err != nil {
					t.Fatal(err)
				}
				client, err := xmppclient.Login(t.Context(), server.Account(user, "secret"))
				if err != nil {
					t.Fatalf("%v\n%s", err, server.Output())
				}
				t.Cleanup(func() { client.Close() })
				clients[user] = client
			}
			clients["romeo"].Send("<message to='" + clients["juliet"].JID + "' type='chat'><body>O &amp; she speaks</body></message>")
			got, err := clients["juliet"].Expect(xmppclient.Message().From(clients["romeo"].JID).Body("O & she speaks"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Type() != "chat" {
				t.Errorf("got %s", got)
			}
			// No component is connected, which the server says itself.
			answer, err := clients["romeo"].Request("get", "irc.localhost", "<ping xmlns='urn:xmpp:ping'/>")
			if err != nil || answer.Type() != "error" {
				t.Errorf("got %v, %v", answer, err)
			}
		})
	}
}

func TestIRCClientsTalkThroughEachServer(t *testing.T) {
	for name, start := range map[string]func(*Workspace, context.Context, string) (*IRCServer, error){
		"inspircd": (*Workspace).StartInspIRCd,
		"ngircd":   (*Workspace).StartNgIRCd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := start(newTestWorkspace(t), t.Context(), "irc.test")
			if err != nil {
				t.Fatal(err)
			}
			clients := map[string]*ircclient.Client{}
			for _, nick := range []string{"romeo", "juliet"} {
				client, err := ircclient.Dial(t.Context(), server.PlainAddress, nick)
				if err != nil {
					t.Fatalf("%v\n%s", err, server.Output())
				}
				t.Cleanup(client.Close)
				if err := client.Join("#verona"); err != nil {
					t.Fatal(err)
				}
				clients[nick] = client
			}
			clients["romeo"].Send("PRIVMSG #verona :she speaks")
			if _, err := clients["juliet"].ExpectFrom("romeo", "PRIVMSG", "#verona", "she speaks"); err != nil {
				t.Error(err)
			}
			clients["romeo"].Send("OPER %s %s", server.OperatorName, server.OperatorPassword)
			if _, err := clients["romeo"].Expect("381"); err != nil {
				t.Error(err)
			}
			if err := clients["romeo"].Quit("good night"); err != nil {
				t.Error(err)
			}
			if _, err := clients["juliet"].ExpectFrom("romeo", "QUIT"); err != nil {
				t.Error(err)
			}
		})
	}
}
