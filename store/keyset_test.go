package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func TestKeysetReadsOneRowMoreThanThePage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		for i := range 6 {
			if err := put(t.Context(), db, fmt.Sprintf("id%d", i), "", "x", i); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			keyset store.Keyset
			want   []string
		}{
			"from the start":      {store.Keyset{Size: 2}, []string{"id0", "id1", "id2"}},
			"newest first":        {store.Keyset{Size: 2, Descending: true}, []string{"id5", "id4", "id3"}},
			"after":               {store.Keyset{Size: 2, After: "id3"}, []string{"id4", "id5"}},
			"after, newest first": {store.Keyset{Size: 2, After: "id3", Descending: true}, []string{"id2", "id1", "id0"}},
			"last":                {store.Keyset{Size: 2, Backward: true}, []string{"id5", "id4", "id3"}},
			"last before":         {store.Keyset{Size: 2, Backward: true, Before: "id3"}, []string{"id2", "id1", "id0"}},
			"last, newest first":  {store.Keyset{Size: 2, Backward: true, Descending: true}, []string{"id0", "id1", "id2"}},
			"last before, newest": {store.Keyset{Size: 2, Backward: true, Descending: true, Before: "id3"}, []string{"id4", "id5"}},
			"between":             {store.Keyset{Size: 9, After: "id1", Before: "id4"}, []string{"id2", "id3"}},
			"nothing wanted":      {store.Keyset{Size: 0}, []string{"id0"}},
			"a column by name":    {store.Keyset{Size: 1, Column: "item.n", After: "3"}, []string{"id4", "id5"}},
		} {
			var rows []item
			q := db.NewSelect().Model(&rows).Column("id")
			if err := c.keyset.Apply(q).Scan(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(c.want, ids(rows)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestPageKeysetKeepsTheChecksOfAPage(t *testing.T) {
	t.Parallel()
	got := store.PageKeyset(models.Page{Size: 5, After: "a", Before: "b", Backward: true}, true)
	want := store.Keyset{Size: 5, After: "a", Before: "b", Backward: true, Descending: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPerParentReadsEveryPageInOneStatement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		var parents []string
		var all []item
		for p := range 450 {
			parent := fmt.Sprintf("p%03d", p)
			parents = append(parents, parent)
			all = append(all, item{ID: parent, Parent: parent, Name: "the parent"})
			for c := range p % 5 {
				all = append(all, item{ID: fmt.Sprintf("c%d-%s", c, parent), Parent: parent, Name: fmt.Sprint(c)})
			}
		}
		if _, err := db.NewInsert().Model(&all).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ parents, statements int }{{0, 0}, {1, 1}, {400, 1}, {450, 2}} {
			ctx, counter := store.CountStatements(t.Context())
			var rows []item
			k := store.Keyset{Size: 2, Descending: true, Before: ""}
			err := store.PerParent(ctx, db, &rows, k, parents[:c.parents], func(parent any) *bun.SelectQuery {
				return db.NewSelect().Model((*item)(nil)).Where("parent = ?", parent).Where("id <> parent")
			})
			if err != nil {
				t.Fatal(err)
			}
			if counter.Count() != c.statements {
				t.Errorf("%d parents took %d statements, want %d", c.parents, counter.Count(), c.statements)
			}
			got := map[string][]string{}
			for _, row := range rows {
				got[row.Parent] = append(got[row.Parent], row.ID)
			}
			want := map[string][]string{}
			for p, parent := range parents[:c.parents] {
				for child := p%5 - 1; child >= max(0, p%5-3); child-- {
					want[parent] = append(want[parent], fmt.Sprintf("c%d-%s", child, parent))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d parents (-want +got):\n%s", c.parents, diff)
			}
		}
	})
}

func TestListsAreBoundedByParent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		var all []item
		child := func(parent string, n int) string { return fmt.Sprintf("%s-%04d", parent, n) }
		for parent, children := range map[string]int{"few": 3, "some": 9, "many": 1100} {
			all = append(all, item{ID: parent, Parent: parent, Name: "the parent"})
			for n := range children {
				all = append(all, item{ID: child(parent, n), Parent: parent, Name: child(parent, n)})
			}
		}
		if _, err := db.NewInsert().Model(&all).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			parents    []models.ID
			descending bool
			statements int
			want       map[models.ID][]string
		}{
			"nobody's": {nil, false, 0, map[models.ID][]string{}},
			"few in all": {[]models.ID{"few", "some", "none", "few"}, false, 1, map[models.ID][]string{
				"few": {child("few", 0), child("few", 1), child("few", 2)}, "some": {child("some", 0), child("some", 1), child("some", 2), child("some", 3)},
			}},
			"newest first": {[]models.ID{"some"}, true, 1, map[models.ID][]string{"some": {child("some", 8), child("some", 7), child("some", 6), child("some", 5)}}},
			"one has many": {[]models.ID{"some", "many"}, false, 2, map[models.ID][]string{
				"some": {child("some", 0), child("some", 1), child("some", 2), child("some", 3)}, "many": {child("many", 0), child("many", 1), child("many", 2), child("many", 3)},
			}},
			"many, newest first": {[]models.ID{"few", "many"}, true, 2, map[models.ID][]string{
				"few": {child("few", 2), child("few", 1), child("few", 0)}, "many": {child("many", 1099), child("many", 1098), child("many", 1097), child("many", 1096)},
			}},
		} {
			ctx, counter := store.CountStatements(t.Context())
			nested := store.Nested[item]{
				Column: "item.parent", ParentOf: func(i item) models.ID { return models.ID(i.Parent) }, Descending: c.descending,
				Visible: func() *bun.SelectQuery { return db.NewSelect().Model((*item)(nil)).Where("id <> parent") },
			}
			found, err := nested.Lists(ctx, db, c.parents, 4)
			if err != nil || counter.Count() != c.statements {
				t.Errorf("%s: %v after %d statements, want %d", name, err, counter.Count(), c.statements)
			}
			got := map[models.ID][]string{}
			for parent, rows := range found {
				got[parent] = ids(rows)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func ids(rows []item) []string {
	return slices.Collect(func(yield func(string) bool) {
		for _, row := range rows {
			if !yield(row.ID) {
				return
			}
		}
	})
}
