package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Script is statements that go to the database together: one round trip, whatever their number. None of their results is
// looked at but those of queries; the first that fails fails the script, and with it the transaction. Where nothing can be prepared, as on
// SQLite, queries are round trips of their own. The zero value is not usable: NewScript.
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
	rows   reflect.Value        // of a plan that SQLite can write too
	find   func() Rows          // the same of a query
	into   reflect.Value        // the slice for the plan's rows
}

// Rows is a query whose rows go where it was told when it was made: a *bun.SelectQuery, or another with RETURNING.
type Rows interface {
	Scan(ctx context.Context, dest ...any) error
}

// NewScript begins an empty script for a transaction. On a *DB the statements are a transaction of their own on PostgreSQL, provided that one
// of them is prepared there, and elsewhere not: for queries, of which at most one writes.
func NewScript(tx bun.IDB) *Script { return &Script{tx: tx} }

// InScript runs what fill adds to a script as one transaction, as InTx would, for writes of which nothing has to be read. PostgreSQL
// takes the statements of one message as a transaction by themselves, so that all of it is one round trip there. The script may be
// filled more than once.
func (db *DB) InScript(ctx context.Context, fill func(script *Script)) error {
	if db.engine != Postgres {
		return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return runScript(ctx, tx, fill) })
	}
	if outer, inside := ctx.Value(insideTx{}).(*transaction); inside && outer.db == db {
		return ErrNested
	}
	follow, err := db.follow(ctx, maxAttempts, func(ctx context.Context, _ *transaction) error { return runScript(ctx, db, fill) })
	if err == nil {
		follow()
	}
	return err
}

// Stages is a transaction that writes what nobody else waits for while another one, which it has to follow, is still under way.
type Stages struct {
	First func(script *Script) // adds what locks nothing
	Wait  func() error         // waits for the other one; an error takes everything back
	Ready func() bool          // reports whether Wait would not have to wait
	Last  func(script *Script) // adds the rest, perhaps before Wait
}

// InStages runs stages as one transaction: one message to PostgreSQL when there is nothing to wait for. Unlike with InTx there is one attempt, as what is
// written is worked out on what may have changed since. follow is as with InTxThen.
func (db *DB) InStages(ctx context.Context, stages Stages) (follow func(), err error) {
	if outer, inside := ctx.Value(insideTx{}).(*transaction); inside && outer.db == db {
		return nil, ErrNested
	}
	return db.follow(ctx, 1, func(ctx context.Context, current *transaction) error {
		if db.prepares && stages.Ready() {
			if err := stages.Wait(); err != nil {
				return err
			}
			return runScript(ctx, db, stages.First, stages.Last)
		}
		return db.attempt(ctx, current, func(ctx context.Context, tx bun.Tx) error {
			if err := runScript(ctx, tx, stages.First); err != nil {
				return err
			}
			last := NewScript(tx)
			stages.Last(last)
			if err := stages.Wait(); err != nil {
				return err
			}
			return last.Exec(ctx)
		})
	})
}

func runScript(ctx context.Context, tx bun.IDB, fill ...func(script *Script)) error {
	script := NewScript(tx)
	for _, add := range fill {
		add(script)
	}
	return script.Exec(ctx)
}

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
	s.addRows(rows, inserting, nil, s.tx.NewInsert().Model(rows).Returning("NULL"))
}

// AddTo appends the insertion of rows, of which one that exists by its primary key has these columns, which are integers, added to its own instead. Rows
// are as with Insert, and no two have the same key.
func (s *Script) AddTo(rows any, columns ...string) {
	q := s.tx.NewInsert().Model(rows).Returning("NULL")
	keys := s.tableOf(rows).PKs
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = string(key.SQLName)
	}
	q = q.On("CONFLICT (?) DO UPDATE", bun.Safe(strings.Join(names, ", ")))
	for _, column := range columns {
		q = q.Set("? = ?TableAlias.? + EXCLUDED.?", bun.Ident(column), bun.Ident(column), bun.Ident(column))
	}
	s.addRows(rows, adding, columns, q)
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
	s.addRows(rows, updating, columns, q.With("news", s.tx.NewValues(rows).Column(named...)))
}

func (s *Script) tableOf(rows any) *schema.Table {
	return s.tx.Dialect().Tables().Get(reflect.TypeOf(rows).Elem().Elem())
}

func (s *Script) addRows(rows any, what verb, columns []string, asText schema.QueryAppender) {
	if s.err != nil {
		return
	}
	one := step{asText: asText, plan: planOf(s.tableOf(rows), what, columns)}
	switch {
	case one.plan == nil:
	case EngineOf(s.tx) == Postgres:
		s.inArrays = true
		one.arrays, s.err = one.plan.encode(reflect.ValueOf(rows).Elem())
	default:
		one.rows = reflect.ValueOf(rows).Elem()
	}
	s.steps = append(s.steps, one)
}

// Find appends a query of the rows whose column is one of the ids, in no order, into a pointer to a slice of models, once Exec has run.
func (s *Script) Find(into any, column string, ids []string) { s.find(into, column, ids, false) }

// Lock is Find that locks the rows, in the order of their primary key, until the transaction ends, and returns them so.
func (s *Script) Lock(into any, column string, ids []string) { s.find(into, column, ids, true) }

func (s *Script) find(into any, column string, ids []string, lock bool) {
	table := s.tableOf(into)
	q := s.tx.NewSelect().Model(into).Where("?TableAlias.? IN (?)", bun.Ident(column), bun.List(ids))
	if lock {
		for _, key := range table.PKs {
			q = q.OrderExpr("?TableAlias.?", key.SQLName)
		}
		q = ForUpdate(q)
	}
	one := step{find: func() Rows { return q }}
	if EngineOf(s.tx) == Postgres {
		if one.plan = findPlan(table, column, lock); one.plan != nil {
			s.inArrays = true
			one.arrays, one.into = [][]byte{textArray(ids)}, reflect.ValueOf(into).Elem()
		}
	}
	s.steps = append(s.steps, one)
}

// Query appends a query that is always the same but for its arguments: text makes its form with the arguments written in, which scans
// into the same slice, and sql is the form that PostgreSQL prepares, as with AddPrepared. Its rows go into a pointer to a slice of
// structs, each column into the field that bun finds for its name, once Exec has run.
func (s *Script) Query(into any, text func() Rows, what Statement, sql string, args ...any) {
	one := step{find: text}
	if EngineOf(s.tx) == Postgres && s.err == nil {
		one.plan, one.into = queryPlan(s.tableOf(into), what, sql), reflect.ValueOf(into).Elem()
		s.bind(&one, args)
	}
	s.steps = append(s.steps, one)
}

// AddPrepared appends a statement that is always the same but for its arguments: text is its form with the arguments written in, sql the
// form with $1, $2, ... that PostgreSQL prepares once per connection. Arguments are string, []string, []byte, int64, bool, time.Time, or
// driver.Valuers of text.
func (s *Script) AddPrepared(text schema.QueryAppender, what Statement, sql string, args ...any) {
	if s.err != nil {
		return
	}
	one := step{asText: text}
	if EngineOf(s.tx) == Postgres {
		one.plan = &rowsPlan{name: planName(sql), sql: sql, statement: what}
		s.bind(&one, args)
	}
	s.steps = append(s.steps, one)
}

// bind writes the arguments of a prepared statement out.
func (s *Script) bind(one *step, args []any) {
	s.inArrays = true
	one.arrays = make([][]byte, len(args))
	for i, arg := range args {
		if one.arrays[i], s.err = argument(arg); s.err != nil {
			return
		}
	}
}

// OnCommit registers fn with the transaction of Exec's context once the statements have run; see the function OnCommit.
func (s *Script) OnCommit(fn func(ctx context.Context)) { s.committed = append(s.committed, fn) }

// Exec runs the statements in the order in which they were added; an empty script does nothing. Errors are not translated.
func (s *Script) Exec(ctx context.Context) error {
	if s.err != nil || len(s.steps) == 0 {
		return s.err
	}
	if err := s.way(ctx)(ctx); err != nil {
		return err
	}
	for _, fn := range s.committed {
		OnCommit(ctx, fn)
	}
	return nil
}

// way is how the script goes to the database: as a batch of prepared statements where that is possible, on the transaction's connection
// or on one of its own.
func (s *Script) way(ctx context.Context) func(ctx context.Context) error {
	if !s.inArrays {
		return s.runText
	}
	switch on := s.tx.(type) {
	case bun.Tx:
		if current, inside := ctx.Value(insideTx{}).(*transaction); inside && current.conn != nil {
			return func(ctx context.Context) error { return current.db.runBatch(ctx, s.steps, current.lend) }
		}
	case *DB:
		if on.prepares {
			return func(ctx context.Context) error { return on.runBatch(ctx, s.steps, on.alone) }
		}
	}
	return s.runText
}

// runText sends the statements as texts, as many at once as no query comes between.
func (s *Script) runText(ctx context.Context) error {
	var all []byte
	flush := func() error {
		if len(all) == 0 {
			return nil
		}
		// All arguments are written in already; without any here, question marks in values stay what they are.
		_, err := s.tx.ExecContext(ctx, string(all))
		all = all[:0]
		return err
	}
	for _, one := range s.steps {
		if one.find != nil {
			if err := flush(); err != nil {
				return err
			}
			// A slice without rows is an answer; not every query of bun's thinks so.
			if err := one.find().Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			continue
		}
		if tx, on := s.binds(ctx, one); on != nil {
			if err := flush(); err != nil {
				return err
			}
			if err := one.runBound(ctx, tx, on); err != nil {
				return err
			}
			continue
		}
		if len(all) > 0 {
			all = append(all, ";\n"...)
		}
		text, err := one.written(s.tx.Dialect())
		if err != nil {
			return err
		}
		all = append(all, text...)
	}
	return flush()
}

// binds says where a step's rows are bound to a prepared statement, when they are many: in a transaction of SQLite.
func (s *Script) binds(ctx context.Context, one step) (bun.Tx, *DB) {
	tx, ok := s.tx.(bun.Tx)
	current, inside := ctx.Value(insideTx{}).(*transaction)
	if !ok || !inside || !one.rows.IsValid() || one.rows.Len() < boundFrom {
		return tx, nil
	}
	return tx, current.db
}

// written is the step's text.
func (one step) written(dialect schema.Dialect) ([]byte, error) {
	if one.asText == nil {
		return one.text, nil
	}
	return one.asText.AppendQuery(schema.NewQueryGen(dialect), nil)
}

// maxLost is how often a batch that never reached the server is sent again: a pool may hold a connection that its server has closed.
const maxLost = 3

// alone lends a connection of the pool out for what begins no transaction: the server makes one of what comes as one message. What never reached the
// server is sent again.
func (db *DB) alone(ctx context.Context, use func(conn *pgx.Conn) error) error {
	for attempt := 1; ; attempt++ {
		err := db.borrow(ctx, use)
		if err == nil || attempt == maxLost || ctx.Err() != nil || !pgconn.SafeToRetry(err) && !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
}

// borrow lends a connection of the pool out.
func (db *DB) borrow(ctx context.Context, use func(conn *pgx.Conn) error) error {
	conn, err := db.DB.DB.Conn(ctx)
	if err != nil {
		return err
	}
	// A connection that cannot be given back is closed already.
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(lent any) error {
		wrapped, ok := lent.(*stdlib.Conn)
		if !ok {
			return driver.ErrSkip
		}
		return use(wrapped.Conn())
	})
}

// runBatch sends the statements one after the other without waiting for answers between them, on the connection that is lent.
func (db *DB) runBatch(ctx context.Context, steps []step, lent lend) error {
	ctx, done := db.hook.begin(ctx, func() Statement {
		for _, one := range steps {
			if one.plan != nil {
				return one.plan.statement
			}
		}
		return Statement{}
	})
	err := lent(ctx, func(conn *pgx.Conn) error {
		var batch pgconn.Batch
		for _, one := range steps {
			if one.plan == nil {
				text, err := one.written(db.Dialect())
				if err != nil {
					return err
				}
				batch.ExecParams(string(text), nil, nil, nil, nil)
				continue
			}
			prepared, err := conn.Prepare(ctx, one.plan.name, one.plan.sql)
			if err != nil {
				return err
			}
			if err := one.plan.resolve(prepared.Fields); err != nil {
				return err
			}
			batch.ExecStatement(prepared, one.arrays, binaryFormat, binaryFormat)
		}
		return collect(conn.PgConn().ExecBatch(ctx, &batch), steps)
	})
	done(err)
	return err
}

// collect reads the answers to the steps.
func collect(results *pgconn.MultiResultReader, steps []step) error {
	var failure error
	for i := 0; results.NextResult(); i++ {
		for rows := results.ResultReader(); rows.NextRow(); {
			if failure == nil && i < len(steps) && steps[i].into.IsValid() {
				failure = readRow(steps[i].into, steps[i].plan.fields, steps[i].plan.columns, rows.Values())
			}
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	return failure
}

// lend lends the transaction's own connection out. database/sql ends a transaction when its context ends, behind whoever uses it; what
// ran on the connection then would be committed at once, so it is refused.
func (t *transaction) lend(_ context.Context, use func(conn *pgx.Conn) error) error {
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
