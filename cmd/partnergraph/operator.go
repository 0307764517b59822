package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

type operatorKeyCommand struct {
	DatabaseURL string        `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated."`
	Name        string        `default:"operator" help:"What people call the key, 1 to 64 characters."`
	ExpiresIn   time.Duration `name:"expires-in" help:"How long the key works, such as 720h; 0 = until it is revoked."`
}

// Run makes an API key of the operator and prints its secret, which is how the first credential of an installation comes about:
// whoever can reach the database may.
func (c operatorKeyCommand) Run(ctx context.Context) error {
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return c.make(ctx, os.Stdout, db)
}

func (c operatorKeyCommand) make(ctx context.Context, w io.Writer, db *store.DB) error {
	ids := models.RandomIDs()
	people := &identity.Service{
		DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}, Random: rand.Reader, Logger: slog.Default(),
	}
	command := identity.CreateKey{Name: c.Name}
	if c.ExpiresIn != 0 {
		until := time.Now().Add(c.ExpiresIn)
		command.ExpiresAt = &until
	}
	created, err := people.CreateKey(ctx, models.SystemPrincipal("operator-key"), command)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n%s\n", created.APIKey.ID, created.Secret)
	return err
}
