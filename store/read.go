package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// Query is a statement that can be written out: a *bun.SelectQuery or a *bun.RawQuery.
type Query interface {
	bun.Query
	Scan(ctx context.Context, dest ...any) error
}

// Read scans the rows of q, a statement of db or of a transaction of InTx, into dest. It is what reads that run often should use: on PostgreSQL
// values travel beside the text, so that the server parses and plans a text once for each connection, where
// bun's own Scan writes them into it. Elsewhere it is Scan. q names its columns, as bun does by itself: what a star stands for changes
// with the next migration, and what is prepared does not bear that. Use In for lists of values, whose number is then no part of the text.
// Errors are translated.
func Read(ctx context.Context, db bun.IDB, q Query, dest any) error {
	on, by := runs(ctx, db)
	if on == nil || !on.prepares {
		return Translate(q.Scan(ctx, dest))
	}
	values := &parameters{Dialect: on.Dialect()}
	text, err := q.AppendQuery(schema.NewQueryGen(values), make([]byte, 0, 1024))
	if err != nil {
		return err
	}
	event := &bun.QueryEvent{DB: on.DB, IQuery: q, Query: string(text), StartTime: time.Now()}
	ctx = on.hook.BeforeQuery(ctx, event)
	if one := newRead(on.Dialect(), event.Query, values.values, dest); one != nil {
		event.Err = by.read(ctx, one)
	} else {
		event.Err = on.scan(ctx, by.querier, event.Query, values.arguments(), dest)
	}
	on.hook.AfterQuery(ctx, event)
	return Translate(event.Err)
}

// querier is a pool or a transaction of database/sql.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// runner is what runs a statement: database/sql, or the connection below it.
type runner struct {
	querier

	lent lend
	pool *DB // outside transactions
}

// read reads one statement, together with those of others where they wait for that.
func (r runner) read(ctx context.Context, one *read) error {
	if r.pool != nil {
		if err, sent := r.pool.gathered(ctx, one); sent {
			return err
		}
	}
	return r.lent(ctx, func(conn *pgx.Conn) error { return readAll(ctx, conn, []*read{one}) })
}

// runs says which database of ours db belongs to, and what runs a statement there; nil when it is neither one nor in a transaction of one.
func runs(ctx context.Context, db bun.IDB) (*DB, runner) {
	switch db := db.(type) {
	case *DB:
		return db, runner{db.DB.DB, db.alone, db}
	case bun.Tx:
		if current, inside := ctx.Value(insideTx{}).(*transaction); inside {
			return current.db, runner{db.Tx, current.lend, nil}
		}
	}
	return nil, runner{}
}

// scan reads through database/sql itself: bun would take the question marks of an operator for its own.
func (db *DB) scan(ctx context.Context, by querier, text string, arguments []any, dest any) error {
	rows, err := by.QueryContext(ctx, text, arguments...) //nolint:rowserrcheck // ScanRows does, and closes them
	if err != nil {
		return err
	}
	return db.ScanRows(ctx, rows, dest)
}

// parameters is the dialect of a statement whose values are collected instead of written. It serves one statement.
type parameters struct {
	schema.Dialect

	values []any
}

// arguments are what the driver takes: how to execute, and the values.
func (p *parameters) arguments() []any {
	return append([]any{pgx.QueryExecModeCacheStatement}, p.values...)
}

func (p *parameters) append(b []byte, value any) []byte {
	p.values = append(p.values, value)
	return strconv.AppendInt(append(b, '$'), int64(len(p.values)), 10)
}

// AppendString keeps a string.
func (p *parameters) AppendString(b []byte, s string) []byte { return p.append(b, s) }

// AppendTime keeps an instant.
func (p *parameters) AppendTime(b []byte, t time.Time) []byte { return p.append(b, t.UTC()) }

// AppendBytes keeps bytes.
func (p *parameters) AppendBytes(b, value []byte) []byte { return p.append(b, value) }

// In is the condition that a column is one of the values, to stand after it: Where("o.id ?", store.In(ids)). No values match
// nothing.
func In[T ~string](values []T) schema.QueryAppender { return in[T](values) }

type in[T ~string] []T

// AppendQuery writes it.
func (values in[T]) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	p, prepared := gen.Dialect().(*parameters)
	switch {
	case len(values) == 1:
		return bun.SafeQuery("= ?", values[0]).AppendQuery(gen, b)
	case prepared:
		return append(p.append(append(b, "= ANY("...), values.texts()), ')'), nil
	}
	return bun.SafeQuery("IN (?)", bun.List([]T(values))).AppendQuery(gen, b)
}

// Within is the condition that a column is one of what q selects, to stand after it: Where("oi.order_id ?", store.Within(q)). q is read first, and the
// rows are then looked up one value after the other through the column's index: a join of the two is up to twice as dear, and is turned round where the planner
// misjudges it.
func Within(q *bun.SelectQuery) schema.QueryAppender { return within{q} }

type within struct{ q *bun.SelectQuery }

// AppendQuery writes it. PostgreSQL makes a join of IN; an array it has before it begins.
func (w within) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	text := "IN (?)"
	if gen.Dialect().Name() == dialect.PG {
		text = "= ANY(ARRAY(?))"
	}
	return bun.SafeQuery(text, schema.QueryAppender(w.q)).AppendQuery(gen, b)
}

// Moment is an instant where nothing beside it says what it is, as in a list of VALUES, in which PostgreSQL would take it for a text.
func Moment(at time.Time) schema.QueryAppender { return moment(at) }

type moment time.Time

// AppendQuery writes it.
func (at moment) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	text := "?"
	if gen.Dialect().Name() == dialect.PG {
		text = "CAST(? AS timestamptz)"
	}
	return bun.SafeQuery(text, time.Time(at)).AppendQuery(gen, b)
}

// expectedValues is how many values PostgreSQL expects in an array that it does not know.
const expectedValues = 10

// texts repeats the last value where there are fewer than PostgreSQL expects, which changes nothing: a plan for fewer seems so much cheaper to it than
// the one that it keeps that it would make one anew at every execution, and that takes longer than to execute it.
func (values in[T]) texts() []string {
	texts := make([]string, 0, max(len(values), expectedValues))
	for _, value := range values {
		texts = append(texts, string(value))
	}
	for n := len(texts); n > 0 && n < expectedValues; n++ {
		texts = append(texts, texts[len(texts)-1])
	}
	return texts
}

// among is a list of parents to be joined.
type among []string

// AppendQuery writes an array of text.
func (values among) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	if p, ok := gen.Dialect().(*parameters); ok {
		return append(p.append(b, []string(values)), "::text[]"...), nil
	}
	b = append(b, "ARRAY["...)
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = gen.Dialect().AppendString(b, value)
	}
	return append(b, "]::text[]"...), nil
}
