package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/seed"
	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/examples/companies"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

type migrateCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db."`
	Down        int    `xor:"way" help:"Take back this many migrations instead." placeholder:"N"`
	Status      bool   `xor:"way" help:"Only say which migrations are applied."`
}

// Run migrates the database.
func (c migrateCommand) Run(ctx context.Context) error {
	if c.Down < 0 {
		return fmt.Errorf("--down: %d is not a number of migrations", c.Down)
	}
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	switch {
	case c.Down > 0:
		if _, err := migrations.Down(ctx, db, c.Down); err != nil {
			return err
		}
	case !c.Status:
		if _, err := migrations.Up(ctx, db); err != nil {
			return err
		}
	}
	return printStatus(ctx, os.Stdout, db)
}

func printStatus(ctx context.Context, w io.Writer, db *store.DB) error {
	status, err := migrations.Status(ctx, db)
	if err != nil {
		return err
	}
	for _, m := range status {
		state := "pending"
		if m.Applied() {
			state = "applied"
		}
		if _, err := fmt.Fprintf(w, "%-8s %s\n", state, m.Name); err != nil {
			return err
		}
	}
	return nil
}

type seedCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated first, and otherwise empty."`
	Partners    int    `default:"100" help:"How many partners."`
	Customers   int    `default:"100000" help:"How many customers."`
	Orders      int    `default:"1000000" help:"How many orders, each with two items and, when completed, two resources."`
	Seed        uint64 `default:"1" help:"The same seed and sizes give the same rows."`
	SealKeys    string `name:"seal-keys" env:"PARTNERGRAPH_SEAL_KEYS" help:"Keys to seal generated personal data with; empty = no personal data."`
	Quiet       bool   `help:"No progress bar."`
}

// Run fills the database.
func (c seedCommand) Run(ctx context.Context) error {
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return err
	}
	options := seed.Options{Partners: c.Partners, Customers: c.Customers, Orders: c.Orders, Seed: c.Seed}
	if c.SealKeys != "" {
		sealer, err := seal.New(c.SealKeys)
		if err != nil {
			return fmt.Errorf("setting seal-keys: %w", err)
		}
		options.SealPersonal = sealer.Seal
		options.BlindEmail = func(address string) string { return sealer.Blind(address, "customers.email") }
	}
	if !c.Quiet {
		options.Progress = seed.Bar(os.Stderr)
	}
	result, err := seed.Run(ctx, db, options)
	if err != nil {
		return err
	}
	if err := loadCatalogue(ctx, os.Stdout, db, catalogue.JSON); err != nil {
		return err
	}
	if err := loadCompanies(ctx, os.Stdout, db, "example", strings.NewReader(companies.JSONL)); err != nil {
		return err
	}
	return printSeeded(os.Stdout, result)
}

// printSeeded prints what was made, a line per table.
func printSeeded(w io.Writer, result seed.Result) error {
	for _, table := range result.Tables {
		if _, err := fmt.Fprintf(w, "%-22s %10d rows  %8.1f s\n", table.Table, table.Rows, table.Took.Seconds()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%-22s %s\ndone in %s\n", "largest partner", result.LargestPartner, result.Took.Round(time.Millisecond))
	return err
}
