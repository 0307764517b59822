package store

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Sums asks for sums of the rows of one table, per currency.
type Sums struct {
	// Rows selects the rows, and no columns. It is called once for each statement.
	Rows func() *bun.SelectQuery
	// Alias is the table's in Rows. It has a column currency.
	Alias string
	// Columns are the sums, as the answer's rows name them.
	Columns []SumColumn
	// Largest is the sum that groupings with a Top are ordered by.
	Largest schema.QueryWithArgs
}

// SumColumn is an aggregate and the column of the answer that it becomes.
type SumColumn struct {
	Name string
	Sum  schema.QueryWithArgs
}

// SumOf adds an expression of whole numbers up, to such a one: PostgreSQL's own sum of them is a numeric.
func SumOf(name string, expression schema.QueryWithArgs) SumColumn {
	return SumColumn{Name: name, Sum: bun.SafeQuery("CAST(SUM(?) AS BIGINT)", expression)}
}

// Grouping is one way of summing up: by an expression that is never NULL.
type Grouping struct {
	// Name is what the answer calls it: a word of this program, not of a caller.
	Name string
	// Key is the expression.
	Key schema.QueryWithArgs
	// Top is how many rows there are at most, the largest first; 0 = all, in the order of their keys.
	Top int
}

// grouped is a row with the grouping that it is of.
type grouped[Row any] struct {
	Grouping string `bun:"grouped"`
	Row      Row    `bun:"embed:"`
}

// SumUp returns sums by each of the groupings, under their names: rows with the columns key, currency, and those of the sums. Rows that are as
// large as each other are in the order of key and currency. PostgreSQL reads the summed rows once for all the groupings, from a single table
// without a join; SQLite, which has no grouping sets, once for each.
func SumUp[Row any](ctx context.Context, db *DB, sums Sums, by ...Grouping) (map[string][]Row, error) {
	queries := make([]*bun.SelectQuery, 0, len(by))
	if len(by) > 1 && db.Engine() == Postgres {
		queries = append(queries, sums.joined(db, by))
	} else {
		for _, one := range by {
			queries = append(queries, sums.by(one))
		}
	}
	found := make(map[string][]Row, len(by))
	for _, one := range by {
		found[one.Name] = []Row{}
	}
	for _, q := range queries {
		var rows []grouped[Row]
		if err := q.Scan(ctx, &rows); err != nil {
			return nil, Translate(err)
		}
		for _, one := range rows {
			found[one.Grouping] = append(found[one.Grouping], one.Row)
		}
	}
	return found, nil
}

func (s Sums) currency() schema.QueryWithArgs {
	return bun.SafeQuery("?.currency", bun.Ident(s.Alias))
}

func (s Sums) addTo(q *bun.SelectQuery) *bun.SelectQuery {
	for _, column := range s.Columns {
		q = q.ColumnExpr("? AS ?", column.Sum, bun.Ident(column.Name))
	}
	return q
}

// by is the statement of one grouping.
func (s Sums) by(one Grouping) *bun.SelectQuery {
	q := s.addTo(s.Rows().ColumnExpr("? AS key", one.Key).ColumnExpr("? AS currency", s.currency())).ColumnExpr("? AS grouped", one.Name).GroupExpr("1, 2")
	if one.Top == 0 {
		return q.OrderExpr("1, 2")
	}
	return q.OrderExpr("? DESC, 1, 2", s.Largest).Limit(int64(one.Top))
}

// joined is the statement of several groupings. Of a row's keys all are NULL but the one of its grouping.
func (s Sums) joined(db *DB, by []Grouping) *bun.SelectQuery {
	alias := bun.Ident(s.Alias)
	rows := s.Rows().ColumnExpr("?.*", alias)
	keys, sets := make([]string, len(by)), make([]string, len(by))
	for i, one := range by {
		name := fmt.Sprint("grouping_key_", i)
		rows = rows.ColumnExpr("? AS ?", one.Key, bun.Ident(name))
		keys[i] = name
		sets[i] = fmt.Sprintf("(%s, %s.currency)", name, s.Alias)
	}
	// GROUPING() has a bit for each key, the first key's the highest, that is set where it is not what is grouped by.
	key, mask := strings.Join(keys, ", "), "GROUPING("+strings.Join(keys, ", ")+")"
	var name, limit, byKey strings.Builder
	for i, one := range by {
		bits := 1<<len(by) - 1 - 1<<(len(by)-1-i)
		fmt.Fprintf(&name, " WHEN %d THEN '%s'", bits, one.Name)
		top := one.Top
		if top == 0 {
			top = math.MaxInt64
			fmt.Fprintf(&byKey, " WHEN %d THEN 0", bits)
		}
		fmt.Fprintf(&limit, " WHEN '%s' THEN %d", one.Name, top)
	}
	largest := s.Largest
	if byKey.Len() > 0 {
		largest = bun.SafeQuery("CASE ?"+byKey.String()+" ELSE ? END", bun.Safe(mask), s.Largest)
	}
	placed := s.addTo(db.NewSelect().TableExpr("(?) AS ?", rows, alias).ColumnExpr("COALESCE(?) AS key", bun.Safe(key)).ColumnExpr("? AS currency", s.currency())).
		ColumnExpr("CASE ?"+name.String()+" END AS grouped", bun.Safe(mask)).
		ColumnExpr("ROW_NUMBER() OVER (PARTITION BY ? ORDER BY ? DESC, COALESCE(?), ?) AS place", bun.Safe(mask), largest, bun.Safe(key), s.currency()).
		GroupExpr("GROUPING SETS (?)", bun.Safe(strings.Join(sets, ", ")))
	q := db.NewSelect().TableExpr("(?) AS sums", placed).Column("key", "currency")
	for _, column := range s.Columns {
		q = q.Column(column.Name)
	}
	return q.Column("grouped").Where("place <= CASE grouped" + limit.String() + " END").OrderExpr("grouped, place")
}
