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

// TestGraphQLOverHTTPAudit runs the public audit suite of npm graphql-http against a server of this package. Without
// Node it is skipped on a developer's machine, and fails where CI or PARTNERGRAPH_REQUIRE_NODE asks for it; there it
// also expects what `npm ci` in web/audit has installed instead of installing it.
func TestGraphQLOverHTTPAudit(t *testing.T) {
	t.Parallel()
	required := os.Getenv("CI") == "true" || os.Getenv("PARTNERGRAPH_REQUIRE_NODE") == "1"
	node, err := exec.LookPath("node")
	if err != nil {
		if required {
			t.Fatal("the audit needs node on the PATH")
		}
		t.Skip("node is not on the PATH")
	}
	dir, err := filepath.Abs("../../web/audit")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "graphql-http")); err != nil {
		if required {
			t.Fatal("web/audit/node_modules is missing: run `npm ci --no-audit --no-fund` in web/audit")
		}
		run(t, dir, "npm", "ci", "--no-audit", "--no-fund")
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
