package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"hash/fnv"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Script is statements that go to the database together: one round trip, whatever their number. None of their results is
// looked at; the first that fails fails the script, and with it the transaction. The zero value is not usable: NewScript.
type Script struct {
	tx        bun.IDB
	steps     []step
	inArrays  bool // some step has a plan
	committed []func(ctx context.Context)
	err       error
}

// step is one statement: its text, or a plan with the rows that it writes.
type step struct {
	text   []byte
	plan   *rowsPlan
	arrays [][]byte
	asText schema.QueryAppender // the plan's statement for where there are no plans
}

// NewScript begins an empty script for a transaction.
func NewScript(tx bun.IDB) *Script { return &Script{tx: tx} }

// Add appends a statement, which is written out at once: later changes of its model change nothing.
func (s *Script) Add(q schema.QueryAppender) {
	if s.err != nil {
		return
	}
	var text []byte
	text, s.err = q.AppendQuery(schema.NewQueryGen(s.tx.Dialect()), nil)
	s.steps = append(s.steps, step{text: text})
}

// Insert appends the insertion of rows, a pointer to a slice of models, which must not change before Exec. On PostgreSQL it costs half of
// what Add of a bun.InsertQuery does.
func (s *Script) Insert(rows any) {
	s.addRows(rows, nil, s.tx.NewInsert().Model(rows).Returning("NULL"))
}

// Update appends an update of these columns of rows that exist, found by their primary key. Rows are as with Insert.
func (s *Script) Update(rows any, columns ...string) {
	table := s.tableOf(rows)
	named := make([]string, 0, len(table.PKs)+len(columns))
	q := s.tx.NewUpdate().Model(reflect.New(table.Type).Interface()).TableExpr("news")
	for _, key := range table.PKs {
		named = append(named, key.Name)
		q = q.Where("?TableAlias.? = news.?", key.SQLName, key.SQLName)
	}
	for _, column := range columns {
		named = append(named, column)
		q = q.Set("? = news.?", bun.Ident(column), bun.Ident(column))
	}
	s.addRows(rows, columns, q.With("news", s.tx.NewValues(rows).Column(named...)))
}

func (s *Script) tableOf(rows any) *schema.Table {
	return s.tx.Dialect().Tables().Get(reflect.TypeOf(rows).Elem().Elem())
}

func (s *Script) addRows(rows any, columns []string, asText schema.QueryAppender) {
	if s.err != nil {
		return
	}
	one := step{asText: asText}
	if EngineOf(s.tx) == Postgres {
		if one.plan = planOf(s.tableOf(rows), columns); one.plan != nil {
			s.inArrays = true
			one.arrays, s.err = one.plan.encode(reflect.ValueOf(rows).Elem())
		}
	}
	s.steps = append(s.steps, one)
}

// OnCommit registers fn with the transaction of Exec's context once the statements have run; see the function OnCommit.
func (s *Script) OnCommit(fn func(ctx context.Context)) { s.committed = append(s.committed, fn) }

// Exec runs the statements in the order in which they were added; an empty script does nothing.
func (s *Script) Exec(ctx context.Context) error {
	if s.err != nil || len(s.steps) == 0 {
		return s.err
	}
	run := s.runText
	if current, inside := ctx.Value(insideTx{}).(*transaction); inside && current.conn != nil && s.inArrays {
		run = func(ctx context.Context) error { return current.runBatch(ctx, s.steps) }
	}
	if err := run(ctx); err != nil {
		return err
	}
	for _, fn := range s.committed {
		OnCommit(ctx, fn)
	}
	return nil
}

// runText sends the statements as one text.
func (s *Script) runText(ctx context.Context) error {
	var all []byte
	for _, one := range s.steps {
		if len(all) > 0 {
			all = append(all, ";\n"...)
		}
		if one.asText == nil {
			all = append(all, one.text...)
			continue
		}
		var err error
		if all, err = one.asText.AppendQuery(schema.NewQueryGen(s.tx.Dialect()), all); err != nil {
			return err
		}
	}
	// All arguments are written in already; without any here, question marks in values stay what they are.
	_, err := s.tx.ExecContext(ctx, string(all))
	return err
}

// runBatch sends the statements one after the other without waiting for answers between them, on the transaction's connection.
func (t *transaction) runBatch(ctx context.Context, steps []step) error {
	ctx, done := t.db.hook.begin(ctx, func() Statement {
		for _, one := range steps {
			if one.plan != nil {
				return one.plan.statement
			}
		}
		return Statement{Operation: "INSERT"}
	})
	err := t.raw(ctx, func(conn *pgx.Conn) error {
		var batch pgconn.Batch
		for _, one := range steps {
			if one.plan == nil && one.asText == nil {
				batch.ExecParams(string(one.text), nil, nil, nil, nil)
				continue
			}
			if one.plan == nil {
				text, err := one.asText.AppendQuery(schema.NewQueryGen(t.db.Dialect()), nil)
				if err != nil {
					return err
				}
				batch.ExecParams(string(text), nil, nil, nil, nil)
				continue
			}
			if _, err := conn.Prepare(ctx, one.plan.name, one.plan.sql); err != nil {
				return err
			}
			batch.ExecPrepared(one.plan.name, one.arrays, binaryFormat, nil)
		}
		return conn.PgConn().ExecBatch(ctx, &batch).Close()
	})
	done(err)
	return err
}

// raw lends the transaction's own connection out. database/sql ends a transaction when its context ends, behind whoever uses it; what
// ran on the connection then would be committed at once, so it is refused.
func (t *transaction) raw(_ context.Context, use func(conn *pgx.Conn) error) error {
	return t.conn.Raw(func(lent any) error {
		wrapped, ok := lent.(*stdlib.Conn)
		if !ok {
			return driver.ErrSkip
		}
		conn := wrapped.Conn()
		if conn.IsClosed() {
			return driver.ErrBadConn
		}
		if conn.PgConn().TxStatus() == 'I' {
			return sql.ErrTxDone
		}
		return use(conn)
	})
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}
