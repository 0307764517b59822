package store

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Query is a statement that can be written out: a *bun.SelectQuery or a *bun.RawQuery.
type Query interface {
	bun.Query
	Scan(ctx context.Context, dest ...any) error
}

// Read scans the rows of q, a statement of db, into dest. It is what reads that run often should use: on PostgreSQL, outside
// a transaction, values travel beside the text, so that the server parses and plans a text once for each connection, where
// bun's own Scan writes them into it. Elsewhere it is Scan. q names its columns, as bun does by itself: what a star stands for changes
// with the next migration, and what is prepared does not bear that. Use In for lists of values, whose number is then no part of the text.
// Errors are translated.
func Read(ctx context.Context, db bun.IDB, q Query, dest any) error {
	on, ok := db.(*DB)
	if !ok || !on.prepares {
		return Translate(q.Scan(ctx, dest))
	}
	values := &parameters{Dialect: on.Dialect()}
	text, err := q.AppendQuery(schema.NewQueryGen(values), make([]byte, 0, 1024))
	if err != nil {
		return err
	}
	event := &bun.QueryEvent{DB: on.DB, IQuery: q, Query: string(text), StartTime: time.Now()}
	ctx = on.hook.BeforeQuery(ctx, event)
	event.Err = on.scan(ctx, event.Query, values.arguments(), dest)
	on.hook.AfterQuery(ctx, event)
	return Translate(event.Err)
}

// scan reads through database/sql itself: bun would take the question marks of an operator for its own.
func (db *DB) scan(ctx context.Context, text string, arguments []any, dest any) error {
	rows, err := db.DB.DB.QueryContext(ctx, text, arguments...) //nolint:rowserrcheck // ScanRows does, and closes them
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
	if p, ok := gen.Dialect().(*parameters); ok {
		return append(p.append(append(b, "= ANY("...), values.texts()), ')'), nil
	}
	return bun.SafeQuery("IN (?)", bun.List([]T(values))).AppendQuery(gen, b)
}

func (values in[T]) texts() []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
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
