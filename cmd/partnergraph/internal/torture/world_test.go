package torture_test

import (
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// eachDatabase runs fn on a migrated database of each engine, one after the other: they would take each other's time.
func eachDatabase(t *testing.T, fn func(t *testing.T, databaseURL string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, storetest.SQLiteURL(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, storetest.PostgresURL(t)) })
}

// fill builds the world on a database through the rooms, at the time that a server that is started later will have, lets
// prepare add to it, and closes everything.
func fill(t *testing.T, databaseURL string, prepare func(w *apitest.World)) {
	t.Helper()
	s := apitest.New(t, databaseURL, "memory:", migrating)
	s.Clock.Advance(time.Since(s.Clock.Now()))
	prepare(apitest.Build(t, s))
	if err := s.App.Close(); err != nil {
		t.Fatal(err)
	}
}

// migrating lets a server bring the schema of an empty database up to date.
func migrating(cfg *app.Config, _ *app.Options) { cfg.Migrate = true }

// open opens the database beside the server, to look at its rows.
func open(t *testing.T, databaseURL string) *store.DB {
	t.Helper()
	return storetest.Open(t, databaseURL, store.WithMaxOpen(4))
}

// together runs fn n times at once and waits for all.
func together[T any](n int, fn func(i int) T) []T {
	answers := make([]T, n)
	start, done := make(chan struct{}), make(chan struct{}, n)
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			answers[i] = fn(i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return answers
}

// lowest returns what can be spent from an account, and the least that was ever in it without what is held now, in minor units.
func lowest(t *testing.T, w *apitest.World, spec ledger.AccountSpec) (now, least int64) {
	t.Helper()
	err := w.DB.NewSelect().Model((*models.Entry)(nil)).
		ColumnExpr("MIN(acc.balance_minor - acc.held_minor - acc.earmarked_minor), MIN(e.balance_after_minor - acc.held_minor)").
		Join("JOIN accounts AS acc ON acc.id = e.account_id").
		Where("acc.owner_id = ? AND acc.owner_kind = ? AND acc.kind = ? AND acc.asset = ?", spec.OwnerID, spec.OwnerKind, spec.Kind, spec.Asset).
		Scan(t.Context(), &now, &least)
	if err != nil {
		t.Fatal(err)
	}
	return now, least
}
