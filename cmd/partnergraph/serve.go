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
	lines := app.NewLines(os.Stderr)
	server, err := app.New(ctx, c.Config, app.Options{Version: version, LogOutput: lines})
	if err == nil {
		err = errors.Join(server.Run(ctx, nil), server.Close())
	}
	return errors.Join(err, lines.Flush())
}
