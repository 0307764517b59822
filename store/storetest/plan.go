package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
)

// InText returns the url of a database to whose statements the values are written as text, so that they can be explained.
func InText(url string) string {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "default_query_exec_mode=simple_protocol"
}

// LastQuery keeps the text of the last statement of the database that it is hooked to.
type LastQuery struct{ Text string }

// HookLast hooks a new LastQuery to db.
func HookLast(db *store.DB) *LastQuery {
	last := &LastQuery{}
	db.DB = db.WithQueryHook(last)
	return last
}

// BeforeQuery keeps the text.
func (h *LastQuery) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	h.Text = event.Query
	return ctx
}

// AfterQuery does nothing.
func (*LastQuery) AfterQuery(context.Context, *bun.QueryEvent) {}

// Explain asks the database how it would do what the text says, a line for each step. With PostgreSQL's options, such as "ANALYZE, BUFFERS", it does it.
func Explain(t *testing.T, db *store.DB, text string, options ...string) string {
	t.Helper()
	prefix := "EXPLAIN QUERY PLAN "
	if db.Engine() == store.Postgres {
		prefix = "EXPLAIN "
		if len(options) > 0 {
			prefix += "(" + strings.Join(options, ", ") + ") "
		}
	}
	rows, err := db.QueryContext(t.Context(), prefix+text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		var id, parent, unused int
		if err = rows.Scan(&line); err != nil {
			err = rows.Scan(&id, &parent, &unused, &line)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
