// Loadtest measures passerelle as a whole, between servers that pretend and beside
// real ones, and prints a table:
//
//	loadtest [--runs N] [--program FILE] [--charts FOLDER] [SCENARIO]...
//
// Without scenarios it runs all of them, which takes a quarter of an hour. It is not
// part of what is shipped; make bench runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"passerelle/internal/loadtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	runs := flag.Int("runs", 1, "how often each scenario runs; the table has medians")
	program := flag.String("program", "", "the passerelle `FILE` to measure; that of this source tree when empty")
	charts := flag.String("charts", "", "the `FOLDER` for pictures of growth curves; none when empty")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: loadtest [FLAG]... [SCENARIO]...\n\nScenarios:\n%s\nFlags:\n", loadtest.Scenarios())
		flag.PrintDefaults()
	}
	flag.Parse()
	b, err := loadtest.New(ctx, *program, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	// What was measured before something failed is printed all the same.
	defer func() { fmt.Print(&b.Table) }()
	for range *runs {
		if err := b.Run(ctx, flag.Args()...); err != nil {
			return err
		}
	}
	if *charts == "" {
		return nil
	}
	for _, chart := range b.Charts {
		if err := os.WriteFile(filepath.Join(*charts, chart.File), []byte(chart.SVG()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
