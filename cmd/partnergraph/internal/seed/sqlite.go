package seed

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
)

// sqlite loads with inserts of many rows, prepared once for each table and transaction.
type sqlite struct {
	db    *store.DB
	times *stopwatch
}

var _ loader = (*sqlite)(nil)

// valuesPerInsert is below SQLite's limit of 32,766 by far: larger statements did not load faster.
const valuesPerInsert = 2_000

func (s *sqlite) load(ctx context.Context, chunk []rows) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, rows := range chunk {
			started := time.Now()
			if err := s.insert(ctx, tx.Tx, rows); err != nil {
				return fmt.Errorf("insert into %s: %w", rows.name(), store.Translate(err))
			}
			s.times.add(rows.name(), rows.count(), time.Since(started))
		}
		return nil
	})
}

func (s *sqlite) insert(ctx context.Context, tx *sql.Tx, rows rows) error {
	columns := rows.columns()
	full := max(valuesPerInsert/len(columns), 1)
	values := make([]any, 0, full*len(columns))
	var statement *sql.Stmt
	defer func() {
		if statement != nil {
			_ = statement.Close() // ends with the transaction anyway
		}
	}()
	for from := 0; from < rows.count(); from += full {
		n := min(full, rows.count()-from)
		values = values[:0]
		for i := from; i < from+n; i++ {
			values = rows.appendRow(values, i)
		}
		s.timesToText(values)
		if n < full {
			if _, err := tx.ExecContext(ctx, insertText(rows.name(), columns, n), values...); err != nil {
				return err
			}
			continue
		}
		if statement == nil {
			var err error
			if statement, err = tx.PrepareContext(ctx, insertText(rows.name(), columns, n)); err != nil {
				return err
			}
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

// timesToText writes times the way bun does, because SQLite compares them as text.
func (s *sqlite) timesToText(values []any) {
	for i, value := range values {
		if t, ok := value.(time.Time); ok {
			values[i] = strings.Trim(string(s.db.Dialect().AppendTime(nil, t)), "'")
		}
	}
}

func insertText(table string, columns []string, n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(row+",", n), ",")
}

func (s *sqlite) finish(ctx context.Context) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "ANALYZE")
		return err
	})
}
