package harness

import (
	"context"
	"path/filepath"
)

const ngircdConfiguration = `[Global]
Name = {{.Name}}
Info = ngIRCd of the passerelle tests
AdminInfo1 = passerelle
AdminEMail = nobody@localhost
Listen = 127.0.0.1
Ports = {{.PlainPort}}
MotdPhrase = Welcome to ngIRCd.
{{with .Password}}Password = {{.}}
{{end}}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 50
MaxNickLength = 30
MaxPenaltyTime = 0
PingTimeout = 120

[Options]
DNS = no
Ident = no
PAM = no
PredefChannelsOnly = no
SyslogFacility = local7

[Operator]
Name = {{.OperatorName}}
Password = {{.OperatorPassword}}

[SSL]
CertFile = {{.Certificate}}
KeyFile = {{.Key}}
Ports = {{.TLSPort}}
`

// StartNgIRCd starts ngIRCd, a small server with few IRCv3 capabilities, no owners,
// protected users or half-operators in its defaults, and no echo of one's own messages.
func (w *Workspace) StartNgIRCd(ctx context.Context, hostName string) (*IRCServer, error) {
	return w.StartNgIRCdWithPassword(ctx, hostName, "")
}

// StartNgIRCdWithPassword starts an ngIRCd that lets in only who sends the password, or everybody
// when that is empty.
func (w *Workspace) StartNgIRCdWithPassword(ctx context.Context, hostName, password string) (*IRCServer, error) {
	program, err := findProgram("ngircd", "ngircd")
	if err != nil {
		return nil, err
	}
	return w.startIRC(ctx, "ngircd", hostName, func(folder string, data map[string]any) ([]string, error) {
		data["Password"] = password
		configuration := filepath.Join(folder, "ngircd.conf")
		return []string{program, "--nodaemon", "--config", configuration},
			writeTemplate(configuration, ngircdConfiguration, data)
	})
}
