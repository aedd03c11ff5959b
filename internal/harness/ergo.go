package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// ErgoVariable is the environment variable that names the program of Ergo, an IRC server
// that keeps history for its users. Debian does not have it.
const ErgoVariable = "PASSERELLE_TEST_ERGO"

// StartErgo starts Ergo, whose program the environment names, as its own default
// configuration describes it, but without limits on connections and speed.
func (w *Workspace) StartErgo(ctx context.Context, hostName string) (*IRCServer, error) {
	return w.StartErgoWithPassword(ctx, hostName, "")
}

// StartErgoWithPassword is StartErgo for a server that lets in only who sends the password, or
// everybody when that is empty.
func (w *Workspace) StartErgoWithPassword(ctx context.Context, hostName, password string) (*IRCServer, error) {
	program := os.Getenv(ErgoVariable)
	if program == "" {
		return nil, fmt.Errorf("%s does not name the program of Ergo", ErgoVariable)
	}
	return w.startIRC(ctx, "ergo", hostName, func(folder string, data map[string]any) ([]string, error) {
		text, err := exec.CommandContext(ctx, program, "defaultconfig").Output()
		if err != nil {
			return nil, fmt.Errorf("asking Ergo for its configuration: %w", err)
		}
		var sections map[string]any
		if err := yaml.Unmarshal(text, &sections); err != nil {
			return nil, fmt.Errorf("reading Ergo's configuration: %w", err)
		}
		change := func(section string, values map[string]any) {
			known, _ := sections[section].(map[string]any)
			if known == nil {
				known = make(map[string]any)
			}
			maps.Copy(known, values)
			sections[section] = known
		}
		change("server", map[string]any{
			"name": data["Name"], "motd": "", "lookup-hostnames": false,
			"ip-limits": map[string]any{"count": false, "throttle": false},
			"listeners": map[string]any{
				fmt.Sprintf("127.0.0.1:%d", data["PlainPort"]): map[string]any{},
				fmt.Sprintf("127.0.0.1:%d", data["TLSPort"]): map[string]any{
					"tls": map[string]any{"cert": data["Certificate"], "key": data["Key"]},
				},
			},
		})
		if password != "" {
			hash, err := ergoHash(ctx, program, password)
			if err != nil {
				return nil, err
			}
			change("server", map[string]any{"password": hash})
			change("accounts", map[string]any{"login-via-pass-command": false}) // PASS is for the server
		}
		change("datastore", map[string]any{"path": filepath.Join(folder, "ircd.db")})
		change("languages", map[string]any{"enabled": false})
		change("fakelag", map[string]any{"enabled": false})
		sections["lock-file"] = filepath.Join(folder, "ircd.lock")
		configuration := filepath.Join(folder, "ircd.yaml")
		text, err = yaml.Marshal(sections)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(configuration, text, 0o644); err != nil {
			return nil, err
		}
		if output, err := exec.CommandContext(ctx, program, "initdb", "--conf", configuration, "--quiet").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("making Ergo's database: %w\n%s", err, output)
		}
		return []string{program, "run", "--conf", configuration}, nil
	})
}

// ergoHash is how a password is written in Ergo's configuration.
func ergoHash(ctx context.Context, program, password string) (string, error) {
	command := exec.CommandContext(ctx, program, "genpasswd")
	command.Stdin = strings.NewReader(password + "\n" + password + "\n")
	hash, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("having Ergo encode a password: %w", err)
	}
	return strings.TrimSpace(string(hash)), nil
}
