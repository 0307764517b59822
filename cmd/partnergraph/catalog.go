package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

type catalogCommand struct {
	Load catalogLoadCommand `cmd:"" help:"Load a catalogue of products and prices as a new version, all of it or nothing."`
}

type catalogLoadCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated."`
	File        string `arg:"" help:"JSON as docs/catalogue.md describes it, at most 64 MiB; - = standard input."`
}

// Run loads a catalogue and prints its version.
func (c catalogLoadCommand) Run(ctx context.Context) error {
	return loadInto(ctx, c.DatabaseURL, c.File, catalog.MaxFileBytes, loadCatalogue)
}

// loadInto reads a file of at most so many bytes, and gives its content and the database to load, which says on standard output what it did.
func loadInto(ctx context.Context, databaseURL, file string, most int64, load func(ctx context.Context, w io.Writer, db *store.DB, content string) error) error {
	content, err := readFile(file, most)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return load(ctx, os.Stdout, db, content)
}

// newness says whether a version is new.
func newness(changed bool) string {
	if changed {
		return "loaded"
	}
	return "unchanged"
}

// openFile opens a file to be read, or standard input for -, which closing leaves open.
func openFile(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(name)
}

// readFile reads a file, or standard input for -, of at most so many bytes.
func readFile(name string, most int64) (content string, err error) {
	file, err := openFile(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	// One byte more than is allowed, so that what is too long is refused and not cut.
	all, err := io.ReadAll(io.LimitReader(file, most+1))
	return string(all), err
}

// loadCatalogue loads a catalogue into a database, as an operator who can reach it may.
func loadCatalogue(ctx context.Context, w io.Writer, db *store.DB, content string) error {
	ids := models.RandomIDs()
	service := &catalog.Service{DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}}
	loaded, err := service.Load(ctx, models.SystemPrincipal("catalog-load"), catalog.LoadCatalogue{Content: content})
	if err != nil {
		return err
	}
	version := loaded.CatalogueVersion
	_, err = fmt.Fprintf(w, "%s %s %s from %s: %d specifications, %d prices\n", version.ID, newness(loaded.Changed), version.Label,
		version.EffectiveAt.UTC().Format(time.RFC3339), version.Specs, version.Prices)
	return err
}
