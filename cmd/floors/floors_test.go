package floors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/partnergraph/partnergraph/"

// salesFloor is the number of every room: it may use rooms with a lower number only.
func salesFloor() map[string]int {
	return map[string]int{
		"sales/events":       0,
		"sales/letters":      0,
		"sales/watch":        0,
		"sales/access":       1,
		"sales/clock":        2,
		"sales/files":        2,
		"sales/ledger":       2,
		"sales/identity":     2,
		"sales/partners":     3,
		"sales/customers":    4,
		"sales/exposure":     4,
		"sales/federation":   4,
		"sales/webhooks":     4,
		"sales/catalog":      4,
		"sales/companies":    5,
		"sales/funds":        5,
		"sales/coupons":      5,
		"sales/resources":    5,
		"sales/packages":     5,
		"sales/verification": 5,
		"sales/benefits":     5,
		"sales/brands":       5,
		"sales/staff":        5,
		"sales/billing":      6,
		"sales/settlements":  6,
		"sales/incentives":   6,
		"sales/orders":       7,
		"sales/payouts":      7,
	}
}

// otherRooms says what every other package may import of ours. A name that ends in /... means the package and all below
// it; the longest name that fits a package counts.
func otherRooms() map[string][]string {
	return map[string][]string{
		"models":                {},
		"store":                 {"models"},
		"store/seal":            {},
		"store/jobs":            {"models", "store"},
		"store/storetest":       {"store", "migrations"},
		"cache":                 {},
		"cache/cachetest":       {"cache"},
		"sales/files/filestest": {"sales/files"},
		"migrations":            {"store"},

		"session": {"models", "store", "cache", "sales/..."},
		"graph":   {"models", "sales/...", "graph/scalar"}, // inputs are bound to the rooms' commands

		"graph/scalar":        {"models"},
		"graph/guard":         {"models"},
		"graph/plan/...":      {"models", "sales/...", "graph", "graph/scalar"}, // its tables name the types that the executor does
		"graph/transport/...": {"models", "cache", "graph/scalar", "graph/guard", "graph/transport/..."},

		"resolvers": {"models", "store", "cache", "sales/...", "graph/...", "session"},
		"pages":     {"models", "store", "cache", "sales/...", "session"},
		"saml/...":  {"models", "saml/..."},

		"web/...":      {},
		"examples/...": {"examples/...", "saml/..."},
		// Programs: they may use everything, and nothing uses them.
		"bench/...": {"..."},
		"cmd/...":   {"..."},
		// It runs before anything is known to build, so it needs nothing of ours.
		"cmd/testservers":         {"cmd/testservers/servers"},
		"cmd/testservers/servers": {},
	}
}

// strangers says who may import what of others, so that a change of driver or protocol library stays in one place.
func strangers() map[string][]string {
	return map[string][]string{
		"github.com/jackc/pgx":        {"store", "cmd/...", "bench/..."},
		"modernc.org/sqlite":          {"store"},
		"github.com/riverqueue/river": {"store/jobs"},
		"github.com/redis/go-redis":   {"cache", "cmd/...", "bench/..."},
		"github.com/crewjam/saml":     {"saml/...", "examples/...", "cmd/...", "bench/..."},
		"github.com/russellhaering":   {"saml/...", "examples/..."},
		"github.com/beevik/etree":     {"saml/...", "examples/...", "bench/..."},
		"github.com/99designs/gqlgen": {"graph/...", "resolvers", "cmd/..."},
		"github.com/vektah/gqlparser": {"graph/...", "resolvers", "cmd/...", "web/..."},
		"github.com/vikstrous":        {"resolvers"},
		"github.com/alecthomas/kong":  {"cmd/..."},
		"github.com/aws":              {"cmd/..."},
		"github.com/go-sql-driver":    {},
	}
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestEveryArrowPointsDown(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) < 20 {
		t.Fatalf("go list found %d packages of ours, which is not the whole house", len(packages))
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := allowedImports(name)
		if !known {
			t.Errorf("%s has no floor: give it one here and in docs/architecture.md", name)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if !slices.ContainsFunc(allowed, func(pattern string) bool { return fits(pattern, ours) }) {
					t.Errorf("%s imports %s, which is not below it", name, ours)
				}
				if strings.HasSuffix(ours, "test") && !strings.HasSuffix(name, "test") {
					t.Errorf("%s imports %s, which is for tests", name, ours)
				}
			}
		}
	}
}

func TestStrangersComeInByOneDoor(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for stranger, doors := range strangers() {
				if !strings.HasPrefix(imported, stranger) {
					continue
				}
				if !slices.ContainsFunc(doors, func(pattern string) bool { return fits(pattern, name) }) {
					t.Errorf("%s imports %s, which is for %v", name, imported, doors)
				}
			}
		}
	}
}

func TestNothingElseStandsAtTheTop(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"graph", "saml", "models", "resolvers", "cmd", "migrations", // fixed by the product's design
		"sales", "store", "cache", "session", "pages", "bench", "docs", "examples", "web",
	}
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(allowed, entry.Name()) {
			t.Errorf("%s is new at the top: it needs a reason in docs/decisions", entry.Name())
		}
	}
	// gqlgen writes this package when something of the schema is bound to nothing of ours.
	if _, err := os.Stat(filepath.Join(root(t), "graph", "trap")); !errors.Is(err, os.ErrNotExist) {
		t.Error("graph/trap exists: bind what is in it in gqlgen.yml and remove it")
	}
}

func allowedImports(name string) (allowed []string, known bool) {
	floors := salesFloor()
	if own, ok := floors[name]; ok {
		allowed = []string{"models", "store", "cache"}
		if name == "sales/clock" { // what operators see of the engine; the other rooms know it as an interface
			allowed = append(allowed, "store/jobs")
		}
		for room, floor := range floors {
			if floor < own {
				allowed = append(allowed, room)
			}
		}
		return allowed, true
	}
	best := ""
	for pattern, imports := range otherRooms() {
		if fits(pattern, name) && len(strings.TrimSuffix(pattern, "/...")) >= len(best) {
			best, allowed, known = strings.TrimSuffix(pattern, "/..."), imports, true
		}
	}
	return allowed, known
}

func fits(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	above, tree := strings.CutSuffix(pattern, "/...")
	return name == above || tree && strings.HasPrefix(name, above+"/")
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir, cmd.Stderr = root(t), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
