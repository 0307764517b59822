// Command generate runs gqlgen with the plugin that writes the tables of graph/plan. `go generate` runs it.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	log.SetOutput(io.Discard) // gqlgen talks about what it binds
	cfg, err := config.LoadConfigFromDefaultLocations()
	if err == nil {
		err = api.Generate(cfg, api.AddPlugin(plugin{file: "graph/plan/tables.generated.go"}))
	}
	if err == nil {
		err = withoutUnmarshalers("graph/root_.generated.go")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
