package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/store"
)

type incentivesCommand struct {
	Load incentivesLoadCommand `cmd:"" help:"Load incentive policies as a new version, all of them or none."`
}

type incentivesLoadCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated."`
	File        string `arg:"" help:"JSON as docs/incentives.md describes it, at most 16 MiB; - = standard input."`
}

// Run loads policies and prints their version.
func (c incentivesLoadCommand) Run(ctx context.Context) error {
	return loadInto(ctx, c.DatabaseURL, c.File, incentives.MaxFileBytes, loadPolicies)
}

// loadPolicies loads incentive policies into a database, as an operator who can reach it may.
func loadPolicies(ctx context.Context, w io.Writer, db *store.DB, content string) error {
	ids := models.RandomIDs()
	service := &incentives.Service{DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}}
	loaded, err := service.Load(ctx, models.SystemPrincipal("incentives-load"), incentives.LoadPolicies{Content: content})
	if err != nil {
		return err
	}
	version := loaded.IncentiveVersion
	_, err = fmt.Fprintf(w, "%s %s %s from %s: %d policies\n", version.ID, newness(loaded.Changed), version.Label, version.EffectiveAt.UTC().Format(time.RFC3339), version.Rules)
	return err
}
