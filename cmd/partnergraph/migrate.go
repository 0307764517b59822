package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/seed"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/store"
)

type migrateCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db."`
	Down        int    `help:"Take back this many migrations instead." placeholder:"N"`
	Status      bool   `help:"Only say which migrations are applied."`
}

// Run migrates the database.
func (c migrateCommand) Run(ctx context.Context) error {
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
	if !c.Quiet {
		options.Progress = seed.Bar(os.Stderr)
	}
	result, err := seed.Run(ctx, db, options)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%+v\n", result)
	return err
}
