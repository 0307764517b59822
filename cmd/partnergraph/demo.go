package main

import (
	"context"
	"fmt"
	"os"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
)

type demoCommand struct {
	Listen           string `default:"127.0.0.1:8080" help:"TCP address of the server, loopback only; port 0 picks a free one."`
	StorefrontListen string `name:"storefront-listen" default:"127.0.0.1:8090" help:"TCP address of the demo partner platform, loopback only; port 0 picks a free one."`
	Dir              string `help:"Directory for the database, kept between runs; empty = a temporary one that goes at the end." type:"path"`
	Info             string `help:"File to write what is printed as JSON to, once it is ready." type:"path"`
	LogLevel         string `name:"log-level" default:"warn" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
}

// Run serves the demo until the context ends.
func (c demoCommand) Run(ctx context.Context) error {
	err := demo.Run(ctx, demo.Options{
		Listen: c.Listen, StorefrontListen: c.StorefrontListen, Dir: c.Dir, Info: c.Info, LogLevel: c.LogLevel, Version: version,
		Out: os.Stdout, LogOutput: os.Stderr,
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}
