package store

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
)

// Keyset is a position in a list ordered by a unique column, and how many rows to read from it. Ids sort by the time they
// were made, so the id is both.
type Keyset struct {
	Column     string // unique and sortable, as SQL writes it ("id", "o.id"); default "id" of the query's own table
	After      string // exclusive; empty = from the beginning
	Before     string // exclusive; empty = to the end
	Size       int    // rows wanted; one more is read, to tell whether there are further ones
	Backward   bool   // the last Size rows of the range instead of the first; they arrive in reverse order
	Descending bool   // newest first
}

// PageKeyset is the keyset of a checked page. models.NewConnection takes the rows as they come.
func PageKeyset(page models.Page, descending bool) Keyset {
	return Keyset{
		After: string(page.After), Before: string(page.Before), Size: page.Size,
		Backward: page.Backward, Descending: descending,
	}
}

// Apply adds the range, the order and the limit (Size+1) to q.
func (k Keyset) Apply(q *bun.SelectQuery) *bun.SelectQuery {
	column, args := k.column()
	beyond, short := ">", "<"
	if k.Descending {
		beyond, short = short, beyond
	}
	if k.After != "" {
		q = q.Where(column+" "+beyond+" ?", append(args, k.After)...)
	}
	if k.Before != "" {
		q = q.Where(column+" "+short+" ?", append(args, k.Before)...)
	}
	return q.OrderExpr(column+" "+k.direction(), args...).Limit(int64(k.Size) + 1)
}

func (k Keyset) column() (string, []any) {
	if k.Column != "" {
		return "?", []any{bun.Safe(k.Column)}
	}
	return "?TableAlias.id", nil
}

func (k Keyset) direction() string {
	if k.Descending != k.Backward {
		return "DESC"
	}
	return "ASC"
}

// maxBranches keeps one statement under SQLite's limit of 500 terms in a compound SELECT.
const maxBranches = 400

// PerParent reads one page for each of many parents in one statement (one per 400 parents). build returns the children of
// one parent, neither ordered nor limited: PerParent applies k to each. What build gets is to be compared with the column that
// names the parent, Where("? = ?", column, parent): the parent itself, or where all of them stand. dest is a pointer to a slice of
// the model; the rows of one parent arrive in k's order, those of different parents mixed, to be grouped by the caller, who finds
// at most Size+1 per parent. k.After and k.Before apply to every parent alike.
//
// The result is ordered by k.Column without its table, which must be among the selected columns.
func PerParent[T any](
	ctx context.Context, db bun.IDB, dest *[]T, k Keyset, parents []string, build func(parent any) *bun.SelectQuery,
) error {
	for len(parents) > 0 {
		n := min(len(parents), maxBranches)
		var rows []T
		if err := Read(ctx, db, perParent(db, k, parents[:n], build), &rows); err != nil {
			return err
		}
		*dest = append(*dest, rows...)
		parents = parents[n:]
	}
	return nil
}

func perParent(db bun.IDB, k Keyset, parents []string, build func(parent any) *bun.SelectQuery) Query {
	// PostgreSQL expects ten rows of an array that it does not know, and would plan a join for one anew each time.
	if len(parents) == 1 {
		return k.Apply(build(parents[0]))
	}
	// Neither a union nor a join promises an order.
	column := "id"
	if k.Column != "" {
		column = k.Column[strings.LastIndexByte(k.Column, '.')+1:]
	}
	order := " ORDER BY branch.? " + k.direction()
	if EngineOf(db) == Postgres {
		// Planned once, whatever the number of parents, where a union is planned term by term.
		return db.NewRaw("SELECT branch.* FROM unnest(?) AS parents (parent) CROSS JOIN LATERAL (?) AS branch"+order,
			among(parents), schema.QueryAppender(k.Apply(build(bun.Safe("parents.parent")))), bun.Ident(column))
	}
	// SQLite has no lateral join. It refuses parentheses around the terms of a UNION, and a LIMIT in a term without them; a
	// subquery is neither.
	var text strings.Builder
	text.WriteString("SELECT * FROM (")
	var args []any
	for i, parent := range parents {
		if i > 0 {
			text.WriteString(" UNION ALL ")
		}
		text.WriteString("SELECT * FROM (?)")
		args = append(args, schema.QueryAppender(k.Apply(build(parent))))
	}
	text.WriteString(") AS branch" + order)
	return db.NewRaw(text.String(), append(args, bun.Ident(column))...)
}
