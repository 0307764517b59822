package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The sentinels that a database error is translated into. Rooms turn them into models.Error where they know what the
// caller asked for.
var (
	ErrNotFound    = errors.New("store: no such row")
	ErrConflict    = errors.New("store: a unique value is taken")
	ErrReference   = errors.New("store: a row refers to one that does not exist, or is still referred to")
	ErrCheck       = errors.New("store: a value breaks a constraint of its column")
	ErrUnavailable = errors.New("store: the database is unavailable")
	ErrNested      = errors.New("store: a transaction was begun inside a transaction")
)

// ConstraintError says which rule of the database a statement broke. It matches ErrConflict, ErrReference or ErrCheck.
// It holds names only, never values, so it may be logged.
type ConstraintError struct {
	Kind    error    // ErrConflict, ErrReference or ErrCheck
	Name    string   // the constraint's or index's name; on SQLite empty unless it is a CHECK or an expression index
	Table   string   // empty where the engine does not tell
	Columns []string // of a unique constraint, in its order; nil for an expression index
	cause   error
}

// Error names the constraint.
func (e *ConstraintError) Error() string {
	name := e.Name
	if name == "" && len(e.Columns) > 0 {
		name = e.Table + "(" + strings.Join(e.Columns, ",") + ")"
	}
	if name == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + name
}

// Is matches the kind.
func (e *ConstraintError) Is(target error) bool {
	return target == e.Kind
}

// Unwrap returns the driver's error, whose text may carry values: not for logs.
func (e *ConstraintError) Unwrap() error { return e.cause }

// Conflicts reports whether err is a unique violation in table; with columns, whether they all belong to the broken
// constraint. It answers alike on both engines, which names of constraints do not.
func Conflicts(err error, table string, columns ...string) bool {
	var broken *ConstraintError
	if !errors.As(Translate(err), &broken) || !errors.Is(broken.Kind, ErrConflict) || broken.Table != table {
		return false
	}
	for _, column := range columns {
		if !slices.Contains(broken.Columns, column) {
			return false
		}
	}
	return true
}

// Translate turns what bun and the drivers return into the sentinels above and leaves every other error alone. InTx does
// so by itself; call it around statements outside InTx.
func Translate(err error) error {
	if err == nil || alreadyTranslated(err) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	// A deadline is the caller's, even where the driver says the connection broke because of it.
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return translatePostgres(err, pg)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return translateSQLite(err, lite)
	}
	if connectionLost(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func alreadyTranslated(err error) bool {
	var broken *ConstraintError
	return errors.As(err, &broken) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound)
}

func connectionLost(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	// database/sql keeps its error for a pool that was closed, as at the end of a shutdown, to itself.
	if err.Error() == "sql: database is closed" {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network) || errors.As(err, &connect)
}

func translatePostgres(err error, pg *pgconn.PgError) error {
	kind := map[string]error{"23505": ErrConflict, "23503": ErrReference, "23514": ErrCheck, "23502": ErrCheck}[pg.Code]
	if kind != nil {
		broken := &ConstraintError{Kind: kind, Name: pg.ConstraintName, Table: pg.TableName, cause: err}
		if errors.Is(kind, ErrConflict) {
			broken.Columns = keyColumns(pg.Detail)
		}
		return broken
	}
	// 08 connection, 53 out of disk, memory or connections, 57P0x shut down, crashed or starting, 58 the disk itself,
	// 25006 a standby that cannot write, 40 a conflict that outlived its retries.
	class := pg.Code[:min(2, len(pg.Code))]
	if slices.Contains([]string{"08", "53", "58", "40"}, class) || strings.HasPrefix(pg.Code, "57P0") || pg.Code == "25006" {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// keyColumns reads the columns out of "Key (a, b)=(1, 2) already exists."; an index on an expression yields none.
func keyColumns(detail string) []string {
	rest, found := strings.CutPrefix(detail, "Key (")
	columns, _, closed := strings.Cut(rest, ")=(")
	if !found || !closed || strings.Contains(columns, "(") {
		return nil
	}
	names := strings.Split(columns, ", ")
	for i := range names {
		names[i] = strings.Trim(names[i], `"`)
	}
	return names
}

func translateSQLite(err error, lite *sqlite.Error) error {
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return uniqueOf(err, lite.Error())
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return &ConstraintError{Kind: ErrReference, cause: err}
	case sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_DATATYPE:
		return &ConstraintError{Kind: ErrCheck, Name: subject(lite.Error()), cause: err}
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case sqlite3.SQLITE_INTERRUPT: // only a context that ended interrupts a statement here
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return err
}

// uniqueOf reads "... UNIQUE constraint failed: t.a, t.b (2067)" or "... failed: index 'name' (2067)".
func uniqueOf(err error, message string) *ConstraintError {
	broken := &ConstraintError{Kind: ErrConflict, cause: err}
	what := subject(message)
	if name, ok := strings.CutPrefix(what, "index '"); ok {
		broken.Name = strings.TrimSuffix(name, "'")
		return broken
	}
	for column := range strings.SplitSeq(what, ", ") {
		table, name, _ := strings.Cut(column, ".")
		broken.Table = table
		broken.Columns = append(broken.Columns, name)
	}
	return broken
}

// subject is what follows "constraint failed: " for the last time, without the code in brackets at the end.
func subject(message string) string {
	_, what, found := strings.Cut(message, "constraint failed: ")
	if !found {
		return ""
	}
	if _, inner, again := strings.Cut(what, "constraint failed: "); again {
		what = inner
	}
	if i := strings.LastIndex(what, " ("); i >= 0 {
		what = what[:i]
	}
	return what
}

// retryable reports whether the database asks for the same transaction again: it has rolled it back itself.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "23514" && strings.HasSuffix(pg.ConstraintName, unchangedSuffix)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code() & 0xff
		return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
	}
	return false
}

// unchangedSuffix ends the names of CHECK constraints that compare what a transaction has read with what is there when it
// writes. One that is broken means that another transaction came in between, which is a collision like any other. SQLite's
// transactions have nobody between.
const unchangedSuffix = "_unchanged"

// Found reads the error of a query for one row: "no such row" becomes false without an error, every other error is
// translated.
func Found(err error) (bool, error) {
	err = Translate(err)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
