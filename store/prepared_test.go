package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// everything has a column of each kind that there is.
type everything struct {
	bun.BaseModel `bun:"table:test_everything,alias:e"`

	ID    string `bun:"id,pk"`
	Text  *string
	Name  string `bun:"name,nullzero"`
	N     int64
	Small *int `bun:"small,type:smallint"`
	Yes   bool
	Maybe *bool
	Bytes []byte
	At    time.Time
	Until *time.Time
	Tags  []string          `bun:"tags,type:jsonb"`
	Words map[string]string `bun:"words,type:jsonb"`
	Price decimal.Decimal   `bun:"price,type:numeric(20,8)"`
	Ratio float64
	Place place `bun:"embed:place_"`
}

type place struct {
	City  string
	Since *time.Time
}

func TestEveryKindOfColumnIsReadAsByScan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.NewCreateTable().Model((*everything)(nil)).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, small, yes, at := `"ü`, -7, true, time.Date(2026, 11, 21, 12, 0, 0, 123_456_000, time.UTC)
		written := []everything{
			{
				ID: "full", Text: &text, Name: "name", N: -1 << 40, Small: &small, Yes: true, Maybe: &yes, Bytes: []byte{0, 255}, At: at, Until: &at,
				Tags: []string{"a", "b"}, Words: map[string]string{"k": "v"}, Price: decimal.RequireFromString("12.34500000"), Ratio: 0.25,
				Place: place{City: "Here", Since: &at},
			},
			{ID: "least", Text: new(string), Bytes: []byte{}, At: at, Tags: []string{}},
		}
		for i := range 80 { // more than are expected
			written = append(written, everything{ID: fmt.Sprintf("more%d", i), N: int64(i), At: at})
		}
		if _, err := db.NewInsert().Model(&written).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		var want []everything
		if err := db.NewSelect().Model(&want).Order("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(want) != len(written) || *want[0].Small != small || want[0].Price.String() != "12.345" || want[0].Place.City != "Here" {
			t.Fatalf("%+v", want[0])
		}
		equal := cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
		for range 2 {
			got := []everything{{ID: "was here", Name: "before"}}
			if err := store.Read(t.Context(), db, db.NewSelect().Model(&got).Order("id"), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, equal); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
		// What is computed has types that no table of ours has.
		sums := func() *bun.SelectQuery {
			return db.NewSelect().TableExpr("test_everything").ColumnExpr("SUM(n) AS total, AVG(n) AS mean, COUNT(*) AS count")
		}
		type sum struct {
			Total int64
			Mean  float64
			Count int
		}
		var scanned, read []sum
		if err := sums().Scan(t.Context(), &scanned); err != nil {
			t.Fatal(err)
		}
		if err := store.Read(t.Context(), db, sums(), &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(scanned, read); diff != "" || len(read) != 1 || read[0].Count != len(written) {
			t.Errorf("%+v (-want +got):\n%s", read, diff)
		}
		// What is no list of structs is bun's.
		var ids []string
		if err := store.Read(t.Context(), db, db.NewSelect().Model((*everything)(nil)).Column("id").Where("id = ?", "full"), &ids); err != nil || len(ids) != 1 {
			t.Errorf("%v %v", ids, err)
		}
		var unknown []struct{ Other string }
		if err := store.Read(t.Context(), db, db.NewSelect().TableExpr("test_everything").Column("id").Limit(1), &unknown); err == nil {
			t.Error("a column without a field is read")
		}
	})
}

// TestAConnectionKeepsSomeStatements: the texts that clients make by what they select are without number, and those that failed are prepared anew.
func TestAConnectionKeepsSomeStatements(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), storetest.PostgresURL(t), store.WithMaxOpen(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	execute := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	execute("CREATE TEMP TABLE changing (name TEXT, n INTEGER)")
	execute("INSERT INTO changing VALUES ('a', 1)")
	read := func(limit int) error {
		var rows []struct {
			Name string
			N    int64
		}
		err := store.Read(t.Context(), db, db.NewSelect().TableExpr("changing").Column("name", "n").Limit(int64(limit)), &rows)
		if err == nil && (len(rows) != 1 || rows[0].Name != "a" || rows[0].N != 1) {
			t.Errorf("%v", rows)
		}
		return err
	}
	for i := range 300 {
		if err := read(i + 1); err != nil {
			t.Fatal(err)
		}
	}
	var count int
	if err := db.NewRaw("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%changing%'").Scan(t.Context(), &count); err != nil || count != 256 {
		t.Errorf("%d statements are kept: %v", count, err)
	}
	if err := read(300); err != nil {
		t.Fatal(err)
	}
	execute("ALTER TABLE changing ALTER n TYPE BIGINT")
	if err := read(300); err == nil {
		t.Log("the statement bore the change")
	}
	if err := read(300); err != nil {
		t.Errorf("a statement is not prepared anew: %v", err)
	}
}
