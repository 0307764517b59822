package apitest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/store"
)

// Fingerprint is every row of every table, a line each, so that two that are equal prove that nothing changed.
func (s *Server) Fingerprint(t *testing.T) string {
	t.Helper()
	db := s.App.Rooms.DB
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if db.Engine() == store.Postgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var tables, lines []string
	must(t, db.NewRaw(query).Scan(t.Context(), &tables))
	for _, table := range tables {
		var rows []map[string]any
		must(t, db.NewSelect().Table(table).Scan(t.Context(), &rows))
		for _, row := range rows {
			lines = append(lines, fmt.Sprint(table, row))
		}
	}
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
