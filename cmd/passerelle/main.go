package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
)

// version is set when a release is built.
var version = ""

// defaultConfigFile is where the configuration is looked for.
const defaultConfigFile = "config.yaml"

const usage = `Usage: passerelle COMMAND [--config FILE]
       passerelle check [--config FILE] [--resolver HOST:PORT]
       passerelle import-biboumi --config biboumi.cfg [--db DATABASE] [--output FILE] [--dry-run]

Commands:
  run      connect to the XMPP server and serve until SIGTERM or SIGINT
  check    say whether the configuration works, and if not, why; and whether other
           XMPP servers find the gateway, asking the DNS server HOST:PORT or the
           machine's. The status is 0 when the gateway can run, 1 when not
  health   ask a running gateway whether it is well (needs http.listen)
  version  print the version
  import-biboumi
           take over biboumi's configuration (to --output), settings and archive;
           DATABASE is a SQLite file or a postgres:// URL, where biboumi.cfg has none

The configuration is FILE, or what PASSERELLE_CONFIG names, or ./config.yaml.
`

func main() { os.Exit(command(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// command runs one sub-command and returns the exit status: 0, 1 when something
// is wrong, 2 when the command line is.
func command(args, environment []string, stdout, stderr io.Writer) int {
	var resolver string
	commands := map[string]func(*config, io.Writer, io.Writer) error{
		"run": run, "health": health,
		"check": func(cfg *config, stdout, _ io.Writer) error { return check(cfg, resolver, stdout) },
	}
	if len(args) == 1 && (args[0] == "version" || args[0] == "--version") {
		fmt.Fprintln(stdout, "passerelle", programVersion())
		return 0
	}
	if len(args) > 0 && args[0] == "import-biboumi" {
		return importBiboumi(args[1:], environment, stdout, stderr)
	}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprint(stderr, usage)
		return 2
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	file := flags.String("config", "", "the configuration `FILE`")
	if args[0] == "check" {
		flags.Func("resolver", "the DNS server to ask", func(address string) error {
			resolver = address
			_, _, err := net.SplitHostPort(address)
			return err
		})
	}
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() > 0 {
		if flags.NArg() > 0 {
			fmt.Fprintf(stderr, "passerelle: %q is one argument too many\n", flags.Arg(0))
		}
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	cfg, err := loadConfig(*file, environment)
	if err == nil {
		err = commands[args[0]](cfg, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "passerelle:", err)
		return 1
	}
	return 0
}

// programVersion is the release's version, or the commit it was built from.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
				return "dev-" + setting.Value[:12]
			}
		}
	}
	return "dev"
}
