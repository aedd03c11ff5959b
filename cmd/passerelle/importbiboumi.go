package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"passerelle/component"
	"passerelle/store"
	"passerelle/translate"
)

// moving is one run of import-biboumi.
type moving struct {
	// configFile is biboumi's configuration, database its database when the
	// configuration does not say, output our configuration.
	configFile, database, output string
	dryRun                       bool
	environment                  []string
	stderr                       io.Writer
	report                       *moveReport
}

// importBiboumi takes over what a biboumi knows and returns the exit status.
func importBiboumi(args, environment []string, stdout, stderr io.Writer) int {
	m := &moving{environment: environment, stderr: stderr, report: &moveReport{}}
	flags := flag.NewFlagSet("import-biboumi", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	flags.StringVar(&m.configFile, "config", "", "biboumi's configuration `FILE`")
	flags.StringVar(&m.database, "db", "", "biboumi's `DATABASE`")
	output := flags.String("output", "", "the configuration `FILE` to write")
	flags.BoolVar(&m.dryRun, "dry-run", false, "change nothing")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "passerelle: %q is one argument too many\n", flags.Arg(0))
		return 2
	case m.configFile == "":
		fmt.Fprintln(stderr, "passerelle: name biboumi's configuration with --config")
		return 2
	}
	m.output, _ = configFile(*output, environment)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return m.command(ctx, stdout)
}

// command runs the import, tells how it went, and returns the exit status.
func (m *moving) command(ctx context.Context, stdout io.Writer) int {
	if err := m.run(ctx); err != nil {
		fmt.Fprintln(m.stderr, "passerelle:", err)
		if ctx.Err() != nil {
			fmt.Fprintln(m.stderr, "passerelle: what was taken so far stays; run the import again to go on")
		}
		return 1
	}
	m.report.write(stdout, m.dryRun)
	return 0
}

func (m *moving) run(ctx context.Context) error {
	old, err := readBiboumiConfig(m.configFile, m.environment)
	if err != nil {
		return err
	}
	address := m.database
	if address == "" {
		address = old["db_name"]
	}
	if address == "" {
		return fmt.Errorf("%s has no db_name: biboumi then keeps its database in the file .config/biboumi/biboumi.sqlite of its user's home (/var/lib/biboumi with Debian's package); name it with --db", m.configFile)
	}
	data, err := store.OpenBiboumi(ctx, address)
	if err != nil {
		return err
	}
	defer data.Close()
	cfg, text, err := m.configuration(old)
	if err != nil {
		return err
	}
	plan, err := m.plan(ctx, data, cfg)
	if err != nil || m.dryRun {
		return err
	}
	if text != nil {
		if err := writeNew(m.output, text); err != nil {
			return fmt.Errorf("writing the configuration: %w", err)
		}
	}
	ours, err := store.Open(cfg.Store, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(m.fill(ctx, ours, data, plan), ours.Close())
}

// configuration returns our configuration: that of the file when there is one,
// otherwise what biboumi's says, with the text to write.
func (m *moving) configuration(old map[string]string) (*config, []byte, error) {
	text, err := os.ReadFile(m.output)
	if err == nil {
		cfg, err := parseConfig(m.output, text, m.environment)
		if err != nil {
			return nil, nil, err
		}
		m.report.take("configuration", "%s exists and stays as it is", m.output)
		if cfg.Component.Hostname != old["hostname"] {
			m.report.note("biboumi was %s and passerelle is %s: addresses in bookmarks and rosters change", old["hostname"], cfg.Component.Hostname)
		}
		return cfg, nil, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	absolute, err := filepath.Abs(m.output)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the folder of the configuration: %w", err)
	}
	entries := convertBiboumiConfig(old, filepath.Join(filepath.Dir(absolute), "data"), m.report)
	if text, err = renderConfig(entries); err != nil {
		return nil, nil, err
	}
	cfg, err := parseConfig(m.output, text, m.environment)
	if err != nil {
		return nil, nil, fmt.Errorf("biboumi's configuration cannot be taken over: %w", err)
	}
	m.report.take("configuration", "%s, with %s", m.output, namesOf(entries))
	return cfg, text, nil
}

// writeNew writes a file with secrets that must not exist yet.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// fill puts everything into our store.
func (m *moving) fill(ctx context.Context, ours *store.Store, data *store.Biboumi, plan *movePlan) error {
	if err := m.saveSettings(ctx, ours, plan); err != nil {
		return err
	}
	if err := m.saveContacts(ctx, ours, plan); err != nil {
		return err
	}
	progress := newProgress(m.stderr, plan.lines)
	imported, known, err := ours.ImportLines(ctx, m.convertLines(data.Lines(ctx), plan, progress))
	progress.finish()
	if err != nil {
		return err
	}
	m.report.take("messages", "%d in %d channels, each user's counted apart%s", imported+known, len(plan.archives), alreadyHere(known))
	return nil
}

func (m *moving) saveSettings(ctx context.Context, ours *store.Store, plan *movePlan) error {
	total, known := 0, 0
	for _, user := range plan.users {
		present, _, err := ours.LoadSettings(ctx, user)
		if err != nil {
			return err
		}
		for _, place := range plan.places[user] {
			change := make(store.Settings)
			for name, values := range place.settings {
				total++
				if slices.Equal(present[place.scope][name], values) {
					known++
					continue
				}
				change[name] = values
			}
			if len(change) == 0 {
				continue
			}
			if err := ours.SaveSettings(ctx, place.scope, change, secretSettings); err != nil {
				return err
			}
		}
	}
	m.report.take("settings", "%d of %d users%s", total, len(plan.users), alreadyHere(known))
	return nil
}

func (m *moving) saveContacts(ctx context.Context, ours *store.Store, plan *movePlan) error {
	present, err := ours.AllContacts(ctx)
	if err != nil {
		return err
	}
	known := 0
	for _, contact := range plan.contacts {
		if slices.Contains(present[contact.User], contact.Contact) {
			known++
			continue
		}
		if err := ours.AddContact(ctx, contact.User, contact.Contact); err != nil {
			return err
		}
	}
	m.report.take("contacts", "%d%s", len(plan.contacts), alreadyHere(known))
	return nil
}

// convertLines makes of biboumi's lines what the gateway would have archived.
func (m *moving) convertLines(lines iter.Seq2[store.Line, error], plan *movePlan, progress *progress) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		var payload component.Encoder
		for line, err := range lines {
			if err != nil {
				yield(store.Line{}, err)
				return
			}
			progress.add()
			scope, taken := plan.archives[store.Scope{User: line.User, Server: line.Server, Channel: line.Channel}]
			if !taken {
				continue // the plan has said why
			}
			shown := translate.ToXMPP(line.Body)
			body := translate.CleanText(shown.Body)
			if strings.TrimSpace(body) == "" {
				m.report.leave(1, "messages without text", "there is nothing to show", line.Channel)
				continue
			}
			payload.Reset()
			payload.Leaf("body", "", body)
			if shown.Unstyled {
				payload.Leaf("unstyled", nsStyling, "")
			}
			line.User, line.Server, line.Channel = scope.User, scope.Server, scope.Channel
			line.Payload = append([]byte(nil), payload.Bytes()...)
			if !yield(line, nil) {
				return
			}
		}
	}
}

// nsStyling is the namespace of the mark that a body's characters are not styling
// (XEP-0393 §6).
const nsStyling = "urn:xmpp:styling:0"

// barInterval is how often the progress bar is drawn at most.
const barInterval = 100 * time.Millisecond

// progress shows on a terminal how far the archive is. A terminal that cannot be
// written to is no reason to end an import, so the bar's errors are not looked at.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress shows nothing where nobody looks on.
func newProgress(to io.Writer, lines int) *progress {
	file, ok := to.(*os.File)
	if !ok || lines == 0 {
		return &progress{}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{newBar(to, lines)}
}

func newBar(to io.Writer, lines int) *progressbar.ProgressBar {
	return progressbar.NewOptions(lines,
		progressbar.OptionSetWriter(to), progressbar.OptionSetDescription("messages"), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(barInterval), progressbar.OptionClearOnFinish())
}

func (p *progress) add() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
