package harness

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strconv"
)

const inspircdConfiguration = `<config format="xml">
<server name="{{.Name}}" description="InspIRCd of the passerelle tests" network="PasserelleTest" id="{{.ServerID}}">
<admin name="passerelle" nick="passerelle" email="nobody@localhost">
<path configdir="{{.Folder}}" datadir="{{.Folder}}" logdir="{{.Folder}}" runtimedir="{{.Folder}}">
<pid file="{{.Folder}}/inspircd.pid">
<log method="stderr" type="* -USERINPUT -USEROUTPUT" level="default" target="stderr">

<bind address="127.0.0.1" port="{{.PlainPort}}" type="clients">
<bind address="127.0.0.1" port="{{.TLSPort}}" type="clients" sslprofile="Clients">
<sslprofile name="Clients" provider="gnutls" certfile="{{.Certificate}}" keyfile="{{.Key}}" hash="sha256">

<connect name="everybody" allow="*"{{with .Password}} password="{{.}}"{{end}} timeout="60" pingfreq="120" resolvehostnames="no"
         hardsendq="1M" softsendq="256K" recvq="64K" threshold="10000" commandrate="1000000" fakelag="no"
         localmax="2000" globalmax="2000" maxconnwarn="no" limit="2000" maxchans="{{.ChannelsEach}}" useident="no">
<options defaultmodes="not" exemptchanops="" prefixquit="Quit: " prefixpart="" suffixpart=""
         syntaxhints="no" cyclehostsfromuser="no" hostintopic="no" pingwarning="15" announceinvites="dynamic">
<performance softlimit="2000" somaxconn="128" timeskipwarn="60s" quietbursts="yes">
<security hidesplits="no" hidebans="no" maxtargets="20" allowcoreunload="no">
<limits maxnick="30" maxchan="64" maxmodes="20" maxident="12" maxquit="255" maxtopic="307" maxkick="255" maxreal="128" maxaway="200">
<dns server="127.0.0.1" timeout="1">

<class name="Everything" commands="*" privs="*" usermodes="*" chanmodes="*" snomasks="*">
<type name="Operator" classes="Everything">
<oper name="{{.OperatorName}}" password="{{.OperatorPassword}}" host="*@*" type="Operator">

<module name="ssl_gnutls">
<module name="cap">
<module name="ircv3">
<module name="ircv3_accounttag">
<module name="ircv3_batch">
<module name="ircv3_capnotify">
<module name="ircv3_chghost">
<module name="ircv3_ctctags">
<module name="ircv3_echomessage">
<module name="ircv3_invitenotify">
<module name="ircv3_labeledresponse">
<module name="ircv3_msgid">
<module name="ircv3_servertime">
<module name="services_account">
<module name="namesx">
<module name="uhnames">
<module name="setname">
<module name="monitor">
{{with .MonitorEntries}}<monitor maxentries="{{.}}">
{{end}}<module name="chghost">
<module name="sethost">
<module name="sslinfo">
<module name="sslmodes">
<module name="banexception">
<module name="inviteexception">
<module name="joinflood">
<joinflood bootwait="0" duration="10m">
<module name="redirect">
<module name="denychans">
<module name="blockcolor">
<module name="callerid">
<module name="knock">
<module name="muteban">
<module name="samode">
<module name="sakick">
<module name="sanick">
<module name="globops">
<badchan name="#forbidden*" reason="Nobody goes there">
<module name="cgiirc">
<cgihost type="webirc" mask="127.0.0.1" password="{{.WEBIRCPassword}}">

<module name="customprefix">
<customprefix name="founder" letter="q" prefix="~" rank="50000" ranktoset="50000">
<customprefix name="admin" letter="a" prefix="&amp;" rank="40000" ranktoset="50000">
<customprefix name="halfop" letter="h" prefix="%" rank="20000" ranktoset="30000">
{{with .Link}}
<module name="spanningtree">
<bind address="127.0.0.1" port="{{.OwnPort}}" type="servers">
<link name="{{.Name}}" ipaddr="127.0.0.1" port="{{.Port}}" allowmask="127.0.0.0/8" timeout="10" sendpass="link" recvpass="link">
{{end}}{{with .Services}}
<module name="spanningtree">
<module name="sasl">
<module name="hidechans">
<bind address="127.0.0.1" port="{{.Port}}" type="servers">
<link name="{{.Name}}" ipaddr="127.0.0.1" port="{{.Port}}" allowmask="127.0.0.0/8" sendpass="link" recvpass="link">
<uline server="{{.Name}}" silent="yes">
<sasl target="{{.Name}}" requiressl="no">
{{end}}{{if .STS}}
<module name="ircv3_sts">
<sts host="localhost" duration="1d" port="{{.TLSPort}}">
{{end}}`

// ChannelsEach is how many channels InspIRCd lets each user join.
const ChannelsEach = 20

// WEBIRCPassword is what InspIRCd knows gateways by that tell it users' addresses (IRCv3 WEBIRC).
const WEBIRCPassword = "gateway-of-the-tests"

// StartInspIRCd starts InspIRCd as a modern network runs it: owners, protected users and
// half-operators, TLS, and every IRCv3 capability that it knows.
func (w *Workspace) StartInspIRCd(ctx context.Context, hostName string) (*IRCServer, error) {
	return w.startInspIRCdWith(ctx, hostName, "1PT", nil)
}

// inspircdLink says how one server of a network reaches the other.
type inspircdLink struct {
	OwnPort int
	// Name and Port are the other server's.
	Name string
	Port int
}

// StartInspIRCdNetwork starts two InspIRCds that an operator of the first can link with
// CONNECT and part with SQUIT.
func (w *Workspace) StartInspIRCdNetwork(ctx context.Context, first, second string) (*IRCServer, *IRCServer, error) {
	ports, err := w.freePorts(2)
	if err != nil {
		return nil, nil, err
	}
	one, err := w.startInspIRCdWith(ctx, first, "1PT", map[string]any{"Link": &inspircdLink{OwnPort: ports[0], Name: second, Port: ports[1]}})
	if err != nil {
		return nil, nil, err
	}
	two, err := w.startInspIRCdWith(ctx, second, "2PT", map[string]any{"Link": &inspircdLink{OwnPort: ports[1], Name: first, Port: ports[0]}})
	return one, two, err
}

// StartInspIRCdWithSTS starts an InspIRCd that asks everybody for TLS who comes to it as
// localhost, for a day at a time (IRCv3 sts).
func (w *Workspace) StartInspIRCdWithSTS(ctx context.Context, hostName string) (*IRCServer, error) {
	return w.startInspIRCdWith(ctx, hostName, "4PT", map[string]any{"STS": true})
}

// StartInspIRCdWithPassword starts an InspIRCd that lets in only who sends the password.
func (w *Workspace) StartInspIRCdWithPassword(ctx context.Context, hostName, password string) (*IRCServer, error) {
	return w.startInspIRCdWith(ctx, hostName, "5PT", map[string]any{"Password": password})
}

// StartInspIRCdWithMonitor starts an InspIRCd that follows so many people for each client
// (IRCv3 monitor).
func (w *Workspace) StartInspIRCdWithMonitor(ctx context.Context, hostName string, entries int) (*IRCServer, error) {
	return w.startInspIRCdWith(ctx, hostName, "6PT", map[string]any{"MonitorEntries": entries})
}

// startInspIRCdWith starts InspIRCd with what else its configuration is to have.
func (w *Workspace) startInspIRCdWith(ctx context.Context, hostName, serverID string, more map[string]any) (*IRCServer, error) {
	program, err := findProgram("inspircd", "inspircd")
	if err != nil {
		return nil, err
	}
	return w.startIRC(ctx, "inspircd", hostName, func(folder string, data map[string]any) ([]string, error) {
		data["ChannelsEach"] = strconv.Itoa(ChannelsEach)
		data["ServerID"] = serverID
		data["WEBIRCPassword"] = WEBIRCPassword
		data["Link"], data["Services"], data["STS"], data["Password"], data["MonitorEntries"] = nil, nil, false, "", 0
		maps.Copy(data, more)
		configuration := filepath.Join(folder, "inspircd.conf")
		command := []string{program, "--nofork", "--nolog", "--config", configuration}
		if os.Geteuid() == 0 {
			command = append(command, "--runasroot")
		}
		return command, writeTemplate(configuration, inspircdConfiguration, data)
	})
}
