package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// shelf is a row of which a part is shown.
type shelf struct {
	bun.BaseModel `bun:"table:shelves,alias:sh"`

	ID     models.ID `bun:"id,pk"`
	Name   string    `bun:"name"`
	Secret string    `bun:"secret,nullzero" show:"secret,hint"`
	Never  string    `bun:"never,nullzero" show:"-"`
	Extra  string    `bun:"extra,scanonly"`
	Made   string    `bun:"-"`
}

func (s shelf) NodeID() models.ID { return s.ID }

func TestOnlyWhatIsShownIsRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE shelves (id TEXT PRIMARY KEY, name TEXT, secret TEXT, never TEXT)"); err != nil {
			t.Fatal(err)
		}
		whole := shelf{ID: "a", Name: "n", Secret: "s", Never: "x"}
		if _, err := db.NewInsert().Model(&whole).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		without, hinted := shelf{ID: "a", Name: "n"}, shelf{ID: "a", Name: "n", Secret: "s"}
		named := func(names ...string) context.Context {
			set := map[string]struct{}{}
			for _, name := range names {
				set[name] = struct{}{}
			}
			return store.Showing(t.Context(), store.NewShown(set))
		}
		for name, c := range map[string]struct {
			ctx  context.Context
			want shelf
		}{
			"not said": {t.Context(), whole}, "nil": {store.Showing(t.Context(), nil), whole}, "nothing": {named(), without}, "another": {named("id", "other"), without},
			"itself": {named("secret"), hinted}, "what is made of it": {named("hint"), hinted}, "a dash": {named("-x"), without},
		} {
			visible := func() *bun.SelectQuery { return db.NewSelect().Model((*shelf)(nil)) }
			one := 1
			page, err := models.PageArgs{First: &one}.Page("shelves")
			if err != nil {
				t.Fatal(err)
			}
			list, err := store.ListFrom[shelf](c.ctx, db, page, false, visible)
			if err != nil {
				t.Fatal(name, err)
			}
			if diff := cmp.Diff([]shelf{c.want}, list.Nodes()); diff != "" {
				t.Errorf("%s: a list (-want +got):\n%s", name, diff)
			}
			nested := store.Nested[shelf]{Column: "sh.name", ParentOf: func(s shelf) models.ID { return models.ID(s.Name) }, Visible: visible}
			for _, parents := range [][]models.ID{{"n"}, {"n", "m"}} {
				found, err := nested.Pages(c.ctx, db, parents, page)
				if err != nil {
					t.Fatal(name, err)
				}
				if nodes := found["n"]; !slices.Equal(nodes.Nodes(), []shelf{c.want}) {
					t.Errorf("%s: below %v: %+v", name, parents, nodes.Nodes())
				}
			}
		}
	})
}
