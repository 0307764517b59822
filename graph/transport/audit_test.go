package transport_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/graph/guard"
	"github.com/partnergraph/partnergraph/graph/transport"
)

// TestGraphQLOverHTTPAudit runs the public audit suite of npm graphql-http against a server of this package. `make test`
// installs the suite in web/audit; a missing one is a failure, like a missing server.
func TestGraphQLOverHTTPAudit(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("the audit needs node on the PATH; `make test` installs it")
	}
	dir, err := filepath.Abs("../../web/audit")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "graphql-http")); err != nil {
		t.Fatal("web/audit/node_modules is missing: run `make test`, or `npm ci` in web/audit")
	}
	srv, _ := serve(t, transport.Config{Guard: guard.Config{Introspection: true}})
	out := run(t, dir, node, "audit.mjs", srv.URL)
	if !strings.Contains(out, "61/61 audits passed") {
		t.Errorf("the suite has changed: %s", out)
	}
	t.Log(strings.TrimSpace(out))
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
