package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

type companiesCommand struct {
	Load companiesLoadCommand `cmd:"" help:"Load what is known of companies, line by line; a line that is refused keeps no other out."`
}

type companiesLoadCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated."`
	Label       string `help:"What to call this load, 1 to 100 characters; the name of the file when it is left out."`
	File        string `arg:"" help:"JSON Lines as docs/companies.md describes them, at most 2000000; - = standard input."`
}

// Run loads a file while it reads it, prints what became of its lines, and fails when some were refused.
func (c companiesLoadCommand) Run(ctx context.Context) error {
	file, err := openFile(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	label := c.Label
	if label == "" {
		label = lastRunes(c.File, 100)
	}
	return loadCompanies(ctx, os.Stdout, db, label, file)
}

// lastRunes is the end of a path that fits a label.
func lastRunes(text string, n int) string {
	runes := []rune(text)
	return string(runes[max(0, len(runes)-n):])
}

// loadCompanies loads companies into a database, as an operator who can reach it may.
func loadCompanies(ctx context.Context, w io.Writer, db *store.DB, label string, from io.Reader) error {
	ids := models.RandomIDs()
	service := &companies.Service{Register: &companies.Register{DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}}}
	loaded, err := service.LoadFrom(ctx, models.SystemPrincipal("companies-load"), label, from)
	if err != nil {
		return err
	}
	for _, problem := range loaded.Problems {
		if _, err := fmt.Fprintf(w, "line %d: %s %s: %s\n", problem.Line, problem.RegistrationNumber, problem.Error.Code, problem.Error.Message); err != nil {
			return err
		}
	}
	name := "nothing changed"
	if loaded.CompanyLoad != nil {
		name = string(loaded.CompanyLoad.ID)
	}
	_, err = fmt.Fprintf(w, "%s: %d lines: %d added, %d replaced, %d unchanged, %d older, %d refused\n",
		name, loaded.Lines, loaded.Added, loaded.Replaced, loaded.Unchanged, loaded.Older, loaded.Refused)
	if err == nil && loaded.Refused > 0 {
		return fmt.Errorf("%d lines were refused; all others were loaded", loaded.Refused)
	}
	return err
}
