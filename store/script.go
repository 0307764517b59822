package store

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Script is statements that go to the database together: one round trip, whatever their number. None of their results is
// looked at; the first that fails fails the script, and with it the transaction. The zero value is not usable: NewScript.
type Script struct {
	tx         bun.IDB
	statements []byte
	committed  []func(ctx context.Context)
	err        error
}

// NewScript begins an empty script for a transaction.
func NewScript(tx bun.IDB) *Script { return &Script{tx: tx} }

// InScript runs what fill adds to a script as one transaction, as InTx would, for writes of which nothing has to be read. PostgreSQL
// takes the statements of one message as a transaction by themselves, so that all of it is one round trip there. The script may be
// filled more than once.
func (db *DB) InScript(ctx context.Context, fill func(script *Script)) error {
	if db.engine != Postgres {
		return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			script := NewScript(tx)
			fill(script)
			return script.Exec(ctx)
		})
	}
	if outer, inside := ctx.Value(insideTx{}).(*transaction); inside && outer.db == db {
		return ErrNested
	}
	return db.follow(ctx, func(ctx context.Context) error {
		script := NewScript(db)
		fill(script)
		return script.Exec(ctx)
	})
}

// Add appends a statement, which is written out at once: later changes of its model change nothing.
func (s *Script) Add(q schema.QueryAppender) {
	if s.err != nil {
		return
	}
	if len(s.statements) > 0 {
		s.statements = append(s.statements, ";\n"...)
	}
	s.statements, s.err = q.AppendQuery(schema.NewQueryGen(s.tx.Dialect()), s.statements)
}

// OnCommit registers fn with the transaction of Exec's context once the statements have run; see the function OnCommit.
func (s *Script) OnCommit(fn func(ctx context.Context)) { s.committed = append(s.committed, fn) }

// Exec runs the statements in the order in which they were added; an empty script does nothing.
func (s *Script) Exec(ctx context.Context) error {
	if s.err != nil || len(s.statements) == 0 {
		return s.err
	}
	// All arguments are written in already; without any here, question marks in values stay what they are.
	if _, err := s.tx.ExecContext(ctx, string(s.statements)); err != nil {
		return err
	}
	for _, fn := range s.committed {
		OnCommit(ctx, fn)
	}
	return nil
}
