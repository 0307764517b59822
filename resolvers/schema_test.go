package resolvers_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/partnergraph/partnergraph/graph"
	"github.com/partnergraph/partnergraph/resolvers"
)

var update = flag.Bool("update", false, "write the printed schema anew")

// The printed schema is committed so that a change of the API shows in review.
func TestPrintedSchemaIsCommitted(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	executable := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}})
	formatter.NewFormatter(&printed).FormatSchema(executable.Schema())
	const path = "../graph/schema.graphql"
	if *update {
		if err := os.WriteFile(path, printed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), printed.String()); diff != "" {
		t.Errorf("the schema changed; review it and run `go test ./resolvers -run PrintedSchema -update` (-committed +now):\n%s", diff)
	}
}
