package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered step of the schema.
type migration struct {
	version int
	text    string
}

// migrations reads the steps for one dialect, in order. A file's name is its
// number, a word, and the dialect where it is for one only.
func (d *dialect) migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, name := range names {
		parts := strings.Split(strings.TrimPrefix(name, "migrations/"), ".")
		if len(parts) == 3 && parts[1] != d.name {
			continue
		}
		number, _, _ := strings.Cut(parts[0], "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("the migration %s has no number: %w", name, err)
		}
		parsed, err := template.ParseFS(migrationFiles, name)
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		if err := parsed.Execute(&text, map[string]string{"Key": d.key, "Bytes": d.bytes}); err != nil {
			return nil, err
		}
		steps = append(steps, migration{version, text.String()})
	}
	slices.SortFunc(steps, func(a, b migration) int { return a.version - b.version })
	return steps, nil
}

// migrate brings the database to the newest schema, all of it or nothing.
func (db *database) migrate(ctx context.Context) error {
	steps, err := db.migrations()
	if err != nil {
		return err
	}
	err = db.change(ctx, func(ctx context.Context, tx transaction) error {
		if err := tx.execOnce(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"); err != nil {
			return err
		}
		var version, newest int
		row := tx.tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema_version")
		if err := row.Scan(&version); err != nil {
			return err
		}
		for _, step := range steps {
			newest = step.version
			if step.version <= version {
				continue
			}
			if err := tx.execOnce(ctx, step.text); err != nil {
				return fmt.Errorf("step %d: %w", step.version, err)
			}
			if err := tx.execOnce(ctx, "INSERT INTO schema_version (version) VALUES (?)", step.version); err != nil {
				return err
			}
		}
		if version > newest {
			return fmt.Errorf("it was written by a newer passerelle (schema %d, this one knows %d): run that one, or restore a backup from before", version, newest)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	return nil
}
