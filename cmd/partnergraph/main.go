// Command partnergraph is the backend of a partner sales platform: it serves the GraphQL API and signs customers in.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker at a release.
var version = "devel"

type commands struct {
	Serve       serveCommand       `cmd:"" help:"Serve the API and the sign-in."`
	Demo        demoCommand        `cmd:"" help:"Serve everything on loopback with an embedded database, demo data and a demo partner platform."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database schema up to date, or take it back."`
	Seed        seedCommand        `cmd:"" help:"Fill an empty database with a generated data set."`
	OperatorKey operatorKeyCommand `cmd:"" name:"operator-key" help:"Make an API key of the operator and print its secret."`
	Catalog     catalogCommand     `cmd:"" help:"Load catalogues of products and prices."`
	Companies   companiesCommand   `cmd:"" help:"Load what is known of companies."`
	Incentives  incentivesCommand  `cmd:"" help:"Load incentive policies."`
	Keys        keysCommand        `cmd:"" help:"Make seal keys, and list and rotate the keys that sign SAML messages."`
	Audit       auditCommand       `cmd:"" help:"Prove the ledger's invariants from its rows; fails when one is broken."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

func main() {
	// List queries make short-lived garbage: collecting it less often takes 15 to 40 per cent off their CPU for some
	// megabytes more. An operator's own GOGC or GOMEMLIMIT wins.
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "partnergraph:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// run parses the arguments and carries the command out until ctx is done.
func run(ctx context.Context, args []string) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("partnergraph"), kong.UsageOnError(),
		kong.Description("The open-source backend for partner sales platforms."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run()
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println(version)
	return err
}
