package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// boundValues is how many values one statement of SQLite takes at most, unless a single row has more: enough that the calls around it cost little, and
// few enough that it is parsed in no time.
const boundValues = 2048

// boundFrom is from how many rows on they are bound. Fewer go with the other statements of their script: preparing one costs as much as reading them.
const boundFrom = 16

// runBound writes a step's rows on SQLite with one prepared statement, which is parsed once whatever their number; rows written out as text
// take as long to read as to store.
func (one step) runBound(ctx context.Context, tx bun.Tx, on *DB) (err error) {
	ctx, done := on.hook.begin(ctx, func() Statement { return one.plan.statement })
	defer func() { done(err) }()
	n, fields := one.rows.Len(), one.plan.fields
	for from := 0; from < n; {
		size := max(1, min(n-from, boundValues/len(fields)))
		until := from + (n-from)/size*size
		if err := one.writeBound(ctx, tx, from, until, size); err != nil {
			return err
		}
		from = until
	}
	return nil
}

// writeBound writes some of the rows, so many at a time.
func (one step) writeBound(ctx context.Context, tx bun.Tx, from, until, size int) (err error) {
	row := "(" + strings.Repeat("?, ", len(one.plan.fields)-1) + "?)"
	// The driver's own transaction: bun would look for its own question marks.
	statement, err := tx.Tx.PrepareContext(ctx, one.plan.into+"VALUES "+strings.Repeat(row+", ", size-1)+row+one.plan.meeting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	values := make([]any, 0, size*len(one.plan.fields))
	for ; from < until; from += size {
		values = values[:0]
		for i := range size {
			for k, f := range one.plan.fields {
				var bound any
				if value, there := valueOf(f, one.rows.Index(from+i)); there {
					if bound, err = one.plan.columns[k].bind(value); err != nil {
						return fmt.Errorf("store: column %s: %w", f.Name, err)
					}
				}
				values = append(values, bound)
			}
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

var errNUL = errors.New("text with a NUL")

// bindText refuses what the other engine, and bun, refuse.
func bindText(v reflect.Value) (any, error) {
	text := v.String()
	if strings.IndexByte(text, 0) >= 0 {
		return nil, errNUL
	}
	return text, nil
}

// bindTime writes a time as bun does for SQLite.
func bindTime(v reflect.Value) (any, error) {
	at, _ := reflect.TypeAssert[time.Time](v)
	return at.UTC().Format("2006-01-02 15:04:05.999999-07:00"), nil
}

func bindInt(v reflect.Value) (any, error)   { return v.Int(), nil }
func bindBool(v reflect.Value) (any, error)  { return v.Bool(), nil }
func bindBytes(v reflect.Value) (any, error) { return v.Bytes(), nil }

func bindJSON(v reflect.Value) (any, error) {
	text, err := appendPlainJSON(nil, v)
	return string(text), err
}
