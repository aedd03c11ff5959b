package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"passerelle/store"
	"passerelle/translate"
)

// rows of juliet, who chose much, of the nurse, who chose little, and some that
// cannot be taken.
const oldRows = `
INSERT INTO globaloptions_ (owner_,maxhistorylength_,recordhistory_,persistent_) VALUES ('juliet@example.org',7,1,1),('nurse@example.org',-3,0,0),('/nobody',1,1,1);
INSERT INTO ircserveroptions_ (id_,owner_,server_,pass_,tlsports_,ports_,username_,realname_,verifycert_,trustedfingerprint_,encodingout_,encodingin_,maxhistorylength_,address_,nick_,saslpassword_,throttlelimit_) VALUES
	(1,'juliet@example.org','IRC.example.org','letmein','6697;6670;','6667;','capulet','Juliet C.',0,'11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44','KOI8-R','ISO-8859-15//TRANSLIT',20,'irc.example.net','Juliet','balcony',-7),
	(2,'nurse@example.org','irc.example.org','two' || char(10) || 'lines','','70000;','','',1,'zz','','KLINGON',5,'a host','ni ck','',NULL),
	(3,'nurse@example.org','not a server','','','','','',1,'','','',20,'','','',10),
	(4,'nurse@example.org','','','','','','',1,'','','',20,'','','',10);
INSERT INTO ircchanneloptions_ (owner_,server_,channel_,persistent_) VALUES ('nurse@example.org','irc.example.org','',1);
INSERT INTO after_connection_commands_ (fk_,afterconnectioncommand_) VALUES (1,'PRIVMSG NickServ :identify balcony'),(1,'MODE Juliet +i'),(1,':prefix is not a command');
INSERT INTO ircchanneloptions_ (owner_,server_,channel_,encodingin_,persistent_,recordhistory_) VALUES
	('juliet@example.org','irc.example.org','#Ver\ona','',0,-1),('juliet@example.org','irc.example.org','#unset',NULL,1,0);
INSERT INTO roster VALUES ('irc.example.org','juliet@example.org'),('irc.example.net@irc.example.org','juliet@example.org'),('irc.example.org','juliet@example.org'),('elsewhere.example.org','juliet@example.org');
INSERT INTO muclogline_ (uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES
	('u1','juliet@example.org','#verona','irc.example.org',1700000100,'who <is> there','Juliet'),
	('u2','juliet@example.org','#verona','irc.example.org',1700000050,'*nobody*','romeo'),
	('u3','nurse@example.org','#verona','irc.example.org',1700000200,'/me calls','nurse'),
	('u4','nurse@example.org','#verona','irc.example.org',1700000300,'','nurse'),
	('u5','nurse@example.org','','irc.example.org',1700000300,'lost','nurse'),
	('u6','juliet@example.org','#É','irc.example.org',1700000400,'accents','romeo');
`

const oldConfig = `# biboumi
hostname=irc.example.org
password=a=b: "c"
xmpp_server_ip=::1
port=5348
admin=juliet@example.org:nowhere:nurse@example.org
persistent_by_default=true
realname_customization=false
realname_from_jid=true
log_level=2
log_file=/var/log/biboumi.log
outgoing_bind=192.0.2.1
webirc_password=w
policy_directory=/etc/biboumi
identd_port=1113
ca_file=FOLDER/own.pem
colour=green
`

// old is a folder with a biboumi's configuration and database.
type old struct{ folder, config, database, output string }

func newOld(t *testing.T, config, rows string) old {
	t.Helper()
	o := old{folder: t.TempDir()}
	o.config, o.database, o.output = filepath.Join(o.folder, "biboumi.cfg"), filepath.Join(o.folder, "biboumi.sqlite"), filepath.Join(o.folder, "config.yaml")
	if err := os.WriteFile(o.config, []byte(strings.ReplaceAll(config, "FOLDER", o.folder)), 0o600); err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile("../../store/testdata/biboumi/schema9.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", o.database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(schema) + rows); err != nil {
		t.Fatal(err)
	}
	return o
}

// move runs the import and returns what it wrote.
func (o old) move(t *testing.T, want int, more ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"import-biboumi", "--config", o.config, "--db", o.database, "--output", o.output}, more...)
	if code := command(args, nil, &stdout, &stderr); code != want {
		t.Fatalf("exit code %d, want %d\n%s%s", code, want, stdout.String(), stderr.String())
	}
	if strings.Contains(stdout.String()+stderr.String(), "balcony") || strings.Contains(stdout.String()+stderr.String(), "letmein") {
		t.Error("a secret is shown")
	}
	return stdout.String() + stderr.String()
}

// moved is what the store has after an import.
type moved struct {
	settings map[store.Scope]store.Settings
	contacts map[string][]string
	lines    map[string][]store.Line
}

func (o old) moved(t *testing.T) moved {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := store.Open(store.Config{Directory: filepath.Join(o.folder, "data")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := moved{settings: make(map[store.Scope]store.Settings), lines: make(map[string][]store.Line)}
	for _, user := range []string{"juliet@example.org", "nurse@example.org"} {
		loaded, lost, err := s.LoadSettings(ctx, user)
		if err != nil || len(lost) > 0 {
			t.Fatal(err, lost)
		}
		for scope, settings := range loaded {
			m.settings[scope] = settings
		}
		for _, channel := range []string{"#verona", "#é"} {
			page, err := s.Page(ctx, store.Query{User: user, Server: "irc.example.org", Channel: channel, Max: 10})
			if err != nil {
				t.Fatal(err)
			}
			m.lines[user+" "+channel] = page.Lines
		}
	}
	if m.contacts, err = s.AllContacts(ctx); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestImportOfBiboumi(t *testing.T) {
	o := newOld(t, oldConfig, oldRows)
	summary := o.move(t, 0)
	got := o.moved(t)
	juliet, nurse := "juliet@example.org", "nurse@example.org"
	want := map[store.Scope]store.Settings{
		{User: juliet}: {"max_history_length": {"7"}, "record_history": {"true"}, "persistent": {"true"}},
		{User: nurse}:  {"record_history": {"false"}, "persistent": {"false"}},
		{User: juliet, Server: "irc.example.org"}: {
			"pass": {"letmein"}, "tls_ports": {"6697", "6670"}, "ports": {"6667"}, "username": {"capulet"}, "realname": {"Juliet C."},
			"verify_cert": {"false"}, "fingerprint": {"11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44"}, "encoding_out": {"KOI8-R"},
			"encoding_in": {"ISO-8859-15"}, "address": {"irc.example.net"}, "nick": {"Juliet"}, "sasl_password": {"balcony"}, "throttle_limit": {"-1"},
			"after_connect_commands": {"PRIVMSG NickServ :identify balcony", "MODE Juliet +i"},
		},
		{User: nurse, Server: "irc.example.org"}:                       {"verify_cert": {"true"}},
		{User: juliet, Server: "irc.example.org", Channel: `#ver\ona`}: {"persistent": {"false"}, "record_history": {"false"}},
		{User: juliet, Server: "irc.example.org", Channel: "#unset"}:   {"persistent": {"true"}},
	}
	for scope, settings := range want {
		if !reflect.DeepEqual(got.settings[scope], settings) {
			t.Errorf("%v: got %v\nwant %v", scope, got.settings[scope], settings)
		}
	}
	if len(got.settings) != len(want) {
		t.Errorf("got %v", got.settings)
	}
	if want := map[string][]string{juliet: {"irc.example.net@irc.example.org", "irc.example.org"}}; !reflect.DeepEqual(got.contacts, want) {
		t.Errorf("got contacts %v", got.contacts)
	}
	type said struct{ id, nick, payload string }
	for archive, want := range map[string][]said{
		juliet + " #verona": {{"u1", "Juliet", "<body>who &lt;is> there</body>"}, {"u2", "romeo", "<body>*nobody*</body><unstyled xmlns='urn:xmpp:styling:0'/>"}},
		nurse + " #verona":  {{"u3", "nurse", "<body>/me calls</body>"}},
		juliet + " #é":      {{"u6", "romeo", "<body>accents</body>"}},
	} {
		var lines []said
		for _, line := range got.lines[archive] {
			lines = append(lines, said{line.ID, line.Nick, strings.ReplaceAll(string(line.Payload), "&gt;", ">")})
			if line.MessageID != line.ID || line.At.Unix() < 1700000000 || line.Body == "" {
				t.Errorf("%s: got %+v", archive, line)
			}
		}
		if !reflect.DeepEqual(lines, want) {
			t.Errorf("%s: got %v\nwant %v", archive, lines, want)
		}
	}
	for _, words := range []string{
		"settings       23 of 2 users\n", "contacts       2\n", "messages       4 in 3 channels",
		"1 × settings for everything, because the user is not a bare JID (/nobody)",
		"1 × settings pass, because it is not one line (nurse@example.org irc.example.org)",
		`1 × settings ports, because "70000" is not a port`, `1 × settings encoding_in, because "KLINGON"`, "1 × settings nick, ", "1 × settings address, ",
		"1 × settings max_history_length, because biboumi did not look at it", `1 × settings fingerprint, because "zz"`,
		"1 × settings of servers, because the server's name", "1 × settings of channels, because they do not say of which", "1 × settings of servers, because they do not say of which",
		"1 × commands after connecting, because they are no lines of IRC (juliet@example.org irc.example.org)",
		"1 × contacts, because they are not of irc.example.org (elsewhere.example.org)",
		"1 × messages, because they are of no channel", "1 × messages without text", "1 settings of servers have ports without TLS",
		"1 × outgoing_bind, because here it counts for the servers that the admin lists", "1 × webirc_password, because here it goes to the servers that the admin lists", "1 × policy_directory, because", "1 × log_file, because",
		"1 × ca_file, because the file is not on this machine",
		"1 × admin, because it is not a bare JID (nowhere)", "1 × keys of biboumi's configuration, because they are not known here (colour)",
	} {
		if !strings.Contains(summary, words) {
			t.Errorf("the summary lacks %q", words)
		}
	}
	if t.Failed() {
		t.Log(summary)
	}
}

func TestImportOfBiboumisConfiguration(t *testing.T) {
	o := newOld(t, oldConfig, "")
	authority := httptest.NewTLSServer(nil)
	authority.Close()
	authorities := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(o.folder, "own.pem"), authorities, 0o600); err != nil {
		t.Fatal(err)
	}
	o.move(t, 0)
	cfg, err := loadConfig(o.output, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.Component.Hostname, want.Component.Secret, want.Component.Address = "irc.example.org", `a=b: "c"`, "tcp://[::1]:5348"
	want.Store.Directory = filepath.Join(o.folder, "data")
	want.Gateway.Admins = []string{"juliet@example.org", "nurse@example.org"}
	want.Gateway.Persistent, want.Gateway.OwnRealName, want.Gateway.RealNameFromJID = true, false, true
	want.IRC.CAFile, want.IRC.IdentdListen, want.Log.Level = filepath.Join(o.folder, "own.pem"), ":1113", "warn"
	for _, part := range []struct{ got, want any }{
		{cfg.Component, want.Component}, {cfg.Store, want.Store}, {cfg.Gateway, want.Gateway}, {cfg.IRC.CAFile, want.IRC.CAFile}, {cfg.IRC.IdentdListen, want.IRC.IdentdListen}, {cfg.Log, want.Log},
	} {
		if !reflect.DeepEqual(part.got, part.want) {
			t.Errorf("got  %+v\nwant %+v", part.got, part.want)
		}
	}
	info, err := os.Stat(o.output)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the configuration, with its secret: %v, %v; want mode 0600", info, err)
	}
}

func TestImportTwiceIsImportOnce(t *testing.T) {
	o := newOld(t, oldConfig, oldRows)
	o.move(t, 0)
	first := o.moved(t)
	summary := o.move(t, 0)
	if again := o.moved(t); !reflect.DeepEqual(again, first) {
		t.Errorf("got  %v\nwant %v", again, first)
	}
	for _, words := range []string{"exists and stays as it is", "(23 were here already)", "contacts       2 (2 were here already)", "messages       4 in 3 channels, each user's counted apart (4 were here already)"} {
		if !strings.Contains(summary, words) {
			t.Errorf("the summary lacks %q:\n%s", words, summary)
		}
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	o := newOld(t, oldConfig, oldRows)
	summary := o.move(t, 0, "--dry-run")
	for _, words := range []string{"nothing was changed", "component.secret", "settings       23 of 2 users", "contacts       2", "messages       5 in 3 channels", "1 × settings pass"} {
		if !strings.Contains(summary, words) {
			t.Errorf("the summary lacks %q:\n%s", words, summary)
		}
	}
	left, err := os.ReadDir(o.folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 {
		t.Errorf("the folder has %v", left)
	}
}

func TestImportKeepsAConfigurationThatExists(t *testing.T) {
	o := newOld(t, oldConfig, oldRows)
	ours := "component: {hostname: other.example.org, secret: x}\nstore: {directory: " + filepath.Join(o.folder, "data") + "}\n"
	if err := os.WriteFile(o.output, []byte(ours), 0o600); err != nil {
		t.Fatal(err)
	}
	summary := o.move(t, 0)
	text, err := os.ReadFile(o.output)
	if err != nil || string(text) != ours {
		t.Errorf("the configuration is now %q, %v", text, err)
	}
	if !strings.Contains(summary, "addresses in bookmarks and rosters change") || !strings.Contains(summary, "contacts       0\n") {
		t.Errorf("another host name goes by without a word:\n%s", summary)
	}
	if got := o.moved(t); len(got.lines["juliet@example.org #verona"]) != 2 {
		t.Errorf("got %v", got.lines)
	}
}

// An import that ends in the middle says so, and one that is run again goes on.
func TestImportThatBreaksOffCanBeRunAgain(t *testing.T) {
	o := newOld(t, oldConfig, oldRows+"INSERT INTO muclogline_ (id_,uuid_,owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES (99,'u9','juliet@example.org','#verona','irc.example.org','soon','x','y');")
	if output := o.move(t, 1); !strings.Contains(output, "id_ 99 has no date") || strings.Contains(output, "Taken over") {
		t.Errorf("got %s", output)
	}
	db, err := sql.Open("sqlite", o.database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE muclogline_ SET date_ = 1700000500 WHERE id_ = 99"); err != nil {
		t.Fatal(err)
	}
	o.move(t, 0)
	if got := o.moved(t).lines["juliet@example.org #verona"]; len(got) != 3 || got[2].ID != "u9" {
		t.Errorf("got %v", got)
	}
}

// In fixed-server mode biboumi has the server's name in every row, and rooms are
// asked for without it.
func TestImportOfAFixedServer(t *testing.T) {
	o := newOld(t, "hostname=irc.example.org\npassword=x\nfixed_irc_server=IRC.example.org\n",
		strings.ReplaceAll(oldRows, "'#É'", "'#a%b'")+"INSERT INTO muclogline_ (owner_,ircchanname_,ircservername_,date_,body_,nick_) VALUES ('juliet@example.org','#verona','irc.other.org',1,'x','y');")
	summary := o.move(t, 0)
	cfg, err := loadConfig(o.output, nil)
	if err != nil || cfg.Gateway.FixedServer != "IRC.example.org" {
		t.Errorf("got %+v, %v", cfg, err)
	}
	for _, words := range []string{"messages       4 in 3 channels",
		"1 × settings ports, because with fixed_irc_server the configuration says where the server is (juliet@example.org irc.example.org)",
		"1 × settings ports, because \"70000\" is not a port",
		"passerelle connects to port 6697 of irc.example.org with TLS, unless irc.servers has its addresses",
		"users with the ports of ircs://irc.example.org:6697, ircs://irc.example.org:6670, irc://irc.example.org:6667: 1\n", "another server than the fixed one (juliet@example.org #verona%irc.other.org)"} {
		if !strings.Contains(summary, words) {
			t.Errorf("the summary lacks %q:\n%s", words, summary)
		}
	}
	settings := o.moved(t).settings[store.Scope{User: "juliet@example.org", Server: "irc.example.org"}]
	if len(settings["nick"]) == 0 || len(settings["ports"])+len(settings["tls_ports"])+len(settings["address"]) > 0 {
		t.Errorf("the settings are %v", settings)
	}
}

func TestBiboumisEnvironmentCounts(t *testing.T) {
	o := newOld(t, "hostname=irc.example.org\n", "")
	var stdout, stderr bytes.Buffer
	directory := filepath.Join(o.folder, "elsewhere")
	environment := []string{"BIBOUMI_PASSWORD=from outside", "BIBOUMI_DB_NAME=" + o.database, "PASSERELLE_STORE_DIRECTORY=" + directory}
	if code := command([]string{"import-biboumi", "--config", o.config, "--output", o.output}, environment, &stdout, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	cfg, err := loadConfig(o.output, nil)
	if err != nil || cfg.Component.Secret != "from outside" || !cfg.Gateway.OwnRealName {
		t.Errorf("got %+v, %v", cfg, err)
	}
	if _, err := os.Stat(filepath.Join(directory, "passerelle.db")); err != nil {
		t.Error(err)
	}
	if !strings.Contains(stdout.String(), "irc.identd_listen") {
		t.Errorf("nothing about identd:\n%s", stdout.String())
	}
}

func TestImportRefusesWhatItCannotDo(t *testing.T) {
	good := newOld(t, oldConfig, oldRows)
	noDatabase := newOld(t, "hostname=a\npassword=b\n", "")
	damaged := newOld(t, "hostname=a.example.org\npassword=b\nport=eleven\n", "")
	inUse := newOld(t, oldConfig, "")
	holder, err := store.Open(store.Config{Directory: filepath.Join(inUse.folder, "data")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no configuration named": {nil, 2, "--config"},
		"unknown flag":           {[]string{"--conf", "x"}, 2, "Usage"},
		"an argument too many":   {[]string{"--config", good.config, "x"}, 2, "one argument too many"},
		"no such configuration":  {[]string{"--config", filepath.Join(t.TempDir(), "none")}, 1, "reading biboumi's configuration"},
		"not a configuration":    {[]string{"--config", "main.go"}, 1, "has no hostname"},
		"no database named":      {[]string{"--config", noDatabase.config}, 1, "name it with --db"},
		"no such database":       {[]string{"--config", good.config, "--db", filepath.Join(t.TempDir(), "none")}, 1, "there is no file"},
		"faults of the result":   {[]string{"--config", damaged.config, "--db", damaged.database, "--output", damaged.output}, 1, "cannot be taken over"},
		"our faults":             {[]string{"--config", good.config, "--db", good.database, "--output", good.database}, 1, "cannot be read"},
		"store in use":           {[]string{"--config", inUse.config, "--db", inUse.database, "--output", inUse.output}, 1, "in use by another gateway"},
		"help":                   {[]string{"--help"}, 0, "import-biboumi"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := command(append([]string{"import-biboumi"}, test.args...), nil, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stderr.String(), test.want) {
				t.Errorf("got %s; want «%s»", stderr.String(), test.want)
			}
		})
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var buffer bytes.Buffer
	if newProgress(file, 10).bar != nil || newProgress(&buffer, 10).bar != nil {
		t.Error("a file or a pipe gets a progress bar")
	}
	shown := &progress{newBar(&buffer, 2)}
	shown.add()
	shown.add()
	shown.finish()
	if !strings.Contains(buffer.String(), "messages") {
		t.Errorf("the bar is %q", buffer.String())
	}
}

func TestSummaryNamesFewPlaces(t *testing.T) {
	var report moveReport
	for _, place := range []string{"a", "b", "b", "c", "d"} {
		report.leave(2, "things", "they are broken", place)
	}
	var text bytes.Buffer
	report.write(&text, false)
	if want := "Left out:\n  10 × things, because they are broken (a, b, c)\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
}

func TestImportThatIsInterruptedSaysHowToGoOn(t *testing.T) {
	o := newOld(t, oldConfig, oldRows)
	interrupted, interrupt := context.WithCancel(context.Background())
	interrupt()
	var stdout, stderr bytes.Buffer
	m := &moving{configFile: o.config, database: o.database, output: o.output, stderr: &stderr, report: &moveReport{}}
	if code := m.command(interrupted, &stdout); code != 1 || !strings.Contains(stderr.String(), "run the import again") {
		t.Errorf("exit code %d: %s%s", code, stdout.String(), stderr.String())
	}
}

// Whatever biboumi called a place, it is found again under the name that it is
// given here.
func FuzzMoveScope(f *testing.F) {
	f.Add("", "juliet@example.org", "IRC.example.org", "#Verona")
	f.Add("irc.example.org", "juliet@example.org", "irc.example.org", "#a%b\\20 c")
	f.Add("", "example.org", "", "#é")
	f.Add("", "j@e/r", "a%b", "&\\26 x")
	f.Fuzz(func(t *testing.T, fixed, user, server, channel string) {
		addressing := translate.Addressing{Fixed: strings.ToLower(fixed)}
		scope, err := moveScope(addressing, user, server, channel)
		if err != nil {
			return
		}
		if again, err := moveScope(addressing, scope.User, scope.Server, scope.Channel); err != nil || again != scope {
			t.Errorf("%q becomes %q, %v", scope, again, err)
		}
	})
}
