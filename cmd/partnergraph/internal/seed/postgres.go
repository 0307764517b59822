package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/partnergraph/partnergraph/store"
)

// loader stores chunks: all the rows of one call in one transaction, tables in the order given. It is safe for concurrent use.
type loader interface {
	load(ctx context.Context, chunk []rows) error
	// finish makes what was stored durable and tells the planner about it.
	finish(ctx context.Context) error
}

func loaderFor(db *store.DB, times *stopwatch) loader {
	if db.Engine() == store.Postgres {
		return &postgres{db: db, times: times}
	}
	return &sqlite{db: db, times: times}
}

// postgres loads with COPY, foreign keys and indexes at work.
type postgres struct {
	db    *store.DB
	times *stopwatch
}

var _ loader = (*postgres)(nil)

func (p *postgres) load(ctx context.Context, chunk []rows) error {
	return p.raw(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			// Nobody was told of these rows yet; finish waits for the disk once, for all of them.
			if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
				return err
			}
			for _, rows := range chunk {
				if err := p.copy(ctx, tx, rows); err != nil {
					return fmt.Errorf("copy into %s: %w", rows.name(), store.Translate(err))
				}
			}
			return nil
		})
	})
}

func (p *postgres) copy(ctx context.Context, tx pgx.Tx, rows rows) error {
	started, i := time.Now(), 0
	values := make([]any, 0, len(rows.table.Fields))
	_, err := tx.CopyFrom(ctx, pgx.Identifier{rows.name()}, rows.columns(), pgx.CopyFromFunc(func() ([]any, error) {
		if i == rows.count() {
			return nil, nil
		}
		values = rows.appendRow(values[:0], i)
		i++
		return values, nil
	}))
	p.times.add(rows.name(), rows.count(), time.Since(started))
	return err
}

// finish also vacuums: it sets the visibility map and the hint bits now, not in the middle of somebody's measurement.
func (p *postgres) finish(ctx context.Context) error {
	for _, table := range tables {
		if _, err := p.db.ExecContext(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return fmt.Errorf("analyze %s: %w", table, store.Translate(err))
		}
	}
	return nil
}

// raw lends a connection of the pool as what it really is, for COPY, which database/sql does not know.
func (p *postgres) raw(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := p.db.DB.DB.Conn(ctx)
	if err != nil {
		return store.Translate(err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	return conn.Raw(func(driver any) error { return fn(driver.(*stdlib.Conn).Conn()) })
}
