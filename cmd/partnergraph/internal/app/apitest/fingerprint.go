package apitest

import (
	"slices"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/store"
)

// Fingerprint is every row of every table, a line each, so that two that are equal prove that nothing changed. It takes
// two statements, however many tables there are.
func (s *Server) Fingerprint(t *testing.T) string {
	t.Helper()
	db := s.App.Rooms.DB
	var parts []string
	if db.Engine() == store.Postgres {
		must(t, db.NewRaw(`SELECT format('SELECT %L || to_jsonb(t)::text FROM %I AS t', tablename || ' ', tablename) FROM pg_tables WHERE schemaname = 'public'`).Scan(t.Context(), &parts))
	} else {
		must(t, db.NewRaw(`SELECT 'SELECT ' || quote(t.name) || group_concat(' || ' || quote(' ' || c.name || '=') || ' || quote("' || c.name || '")', '') || ' FROM "' || t.name || '"'
			FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' GROUP BY t.name`).Scan(t.Context(), &parts))
	}
	var lines []string
	must(t, db.NewRaw(strings.Join(parts, " UNION ALL ")).Scan(t.Context(), &lines))
	slices.Sort(lines)
	if len(lines) < 100 {
		t.Fatalf("apitest: a world of %d rows is none", len(lines))
	}
	return strings.Join(lines, "\n")
}

// Sound fails the test when the ledger breaks an invariant.
func (s *Server) Sound(t *testing.T) {
	t.Helper()
	report, err := s.App.Rooms.Ledger.Audit(t.Context())
	must(t, err)
	if report.Breaches() != 0 || report.Entries == 0 {
		t.Errorf("the ledger is not sound: %+v", report)
	}
}
