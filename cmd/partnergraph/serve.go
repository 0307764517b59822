package main

import (
	"context"
	"errors"
	"os"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
)

type serveCommand struct {
	app.Config
}

// Run serves until the context ends.
func (c serveCommand) Run(ctx context.Context) error {
	server, err := app.New(ctx, c.Config, app.Options{Version: version, LogOutput: os.Stderr})
	if err != nil {
		return err
	}
	return errors.Join(server.Run(ctx, nil), server.Close())
}
