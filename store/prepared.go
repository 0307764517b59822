package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// keptStatements is how many statements of Read one connection keeps prepared at most: what clients select makes texts of its own.
const keptStatements = 256

// lend lends a connection of PostgreSQL out, one of the pool or that of a transaction.
type lend func(ctx context.Context, use func(conn *pgx.Conn) error) error

// read is one statement of Read, on its way to PostgreSQL.
type read struct {
	text   string
	values []any
	table  *schema.Table
	into   reflect.Value // the slice for its rows
}

// newRead prepares to read into dest; nil when that is no slice of structs, which only bun knows how to fill.
func newRead(dialect schema.Dialect, text string, values []any, dest any) *read {
	into := reflect.ValueOf(dest)
	if into.Kind() != reflect.Pointer || into.Elem().Kind() != reflect.Slice {
		return nil
	}
	of := into.Type().Elem().Elem()
	if of.Kind() != reflect.Struct || of == timeType || reflect.PointerTo(of).Implements(scannerType) || reflect.PointerTo(of).Implements(hookType) {
		return nil
	}
	return &read{text, values, dialect.Tables().Get(of), into.Elem()}
}

var (
	scannerType = reflect.TypeFor[sql.Scanner]()
	hookType    = reflect.TypeFor[bun.AfterScanRowHook]()
)

// readAll sends statements together, on a connection that is lent, and reads all their rows.
func readAll(ctx context.Context, conn *pgx.Conn, reads []*read) error {
	var batch pgconn.Batch
	known := make([]*prepared, len(reads))
	for i, one := range reads {
		var err error
		if known[i], err = preparedOn(ctx, conn, one); err != nil {
			return err
		}
		values, formats, err := known[i].bind(conn.TypeMap(), one.values)
		if err != nil {
			return err
		}
		batch.ExecStatement(known[i].StatementDescription, values, formats, known[i].formats)
	}
	err := collectReads(conn.PgConn().ExecBatch(ctx, &batch), reads, known)
	if err != nil {
		// What a statement reads may have changed since it was prepared, as with a migration: the next one prepares it anew.
		for _, one := range known {
			one.stale = true
		}
	}
	return err
}

func collectReads(results *pgconn.MultiResultReader, reads []*read, known []*prepared) error {
	var failure error
	for i := 0; i < len(reads) && results.NextResult(); i++ {
		into, by := reads[i].into, known[i]
		if into.Len() > 0 {
			into.SetLen(0)
		}
		for rows := results.ResultReader(); rows.NextRow(); {
			if into.Cap() == 0 {
				// As many as last time are the best guess; what was made for a long list is not wasted on a short one.
				into.Grow(max(min(by.rows, 64), 1))
			}
			if failure == nil {
				failure = readRow(into, by.fields, by.columns, rows.Values())
			}
		}
		by.rows = into.Len()
	}
	if err := results.Close(); err != nil {
		return err
	}
	return failure
}

// prepared is a statement that a connection has prepared, and how its rows are read.
type prepared struct {
	*pgconn.StatementDescription

	fields  []*schema.Field
	columns []wire
	formats []int16
	rows    int  // how many it had last
	stale   bool // it failed
}

// bind writes arguments out: texts and lists of texts, which nearly all are, without asking what else they might be.
func (p *prepared) bind(types *pgtype.Map, arguments []any) (values [][]byte, formats []int16, err error) {
	values, formats = make([][]byte, len(arguments)), make([]int16, len(arguments))
	for i, argument := range arguments {
		if i >= len(p.ParamOIDs) {
			return nil, nil, fmt.Errorf("store: %d arguments for %d parameters", len(arguments), len(p.ParamOIDs))
		}
		switch value := argument.(type) {
		case string:
			values[i] = []byte(value)
			continue
		case []string:
			if p.ParamOIDs[i] == pgtype.TextArrayOID {
				values[i], formats[i] = textArray(value), pgtype.BinaryFormatCode
				continue
			}
		}
		var others pgx.ExtendedQueryBuilder
		if err := others.Build(types, p.StatementDescription, arguments); err != nil {
			return nil, nil, err
		}
		return others.ParamValues, others.ParamFormats, nil
	}
	return values, formats, nil
}

type preparedKey struct {
	text string
	of   reflect.Type
}

// name is the statement's own, so that nobody else forgets it.
func (k preparedKey) name() string { return planName(k.of.String() + " " + k.text) }

func (r *read) key() preparedKey { return preparedKey{r.text, r.table.Type} }

// preparedIn is what a connection keeps; whoever has the connection has it alone.
func preparedIn(conn *pgx.Conn) map[preparedKey]*prepared {
	const here = "store.prepared"
	all, ok := conn.PgConn().CustomData()[here].(map[preparedKey]*prepared)
	if !ok {
		all = map[preparedKey]*prepared{}
		conn.PgConn().CustomData()[here] = all
	}
	return all
}

// preparedOn finds the statement on the connection, or prepares it there. One that it kept gives way when there are too many.
func preparedOn(ctx context.Context, conn *pgx.Conn, r *read) (*prepared, error) {
	all := preparedIn(conn)
	known, ok := all[r.key()]
	if ok && !known.stale {
		return known, nil
	}
	if ok {
		if err := forget(ctx, conn, r.key()); err != nil {
			return nil, err
		}
	}
	description, err := conn.Prepare(ctx, r.key().name(), r.text)
	if err != nil {
		return nil, err
	}
	if known, err = newPrepared(conn.TypeMap(), description, r.table); err != nil {
		return nil, err
	}
	for key := range all {
		if len(all) < keptStatements {
			break
		}
		if err := forget(ctx, conn, key); err != nil {
			return nil, err
		}
	}
	all[r.key()] = known
	return known, nil
}

// forget takes a statement from the connection.
func forget(ctx context.Context, conn *pgx.Conn, key preparedKey) error {
	if err := conn.Deallocate(ctx, key.name()); err != nil {
		return err
	}
	delete(preparedIn(conn), key)
	return nil
}

// newPrepared finds out how the columns are read: in PostgreSQL's own format where that is known here, and else as text that bun reads.
func newPrepared(types *pgtype.Map, description *pgconn.StatementDescription, table *schema.Table) (*prepared, error) {
	n := len(description.Fields)
	known := &prepared{
		StatementDescription: description, fields: make([]*schema.Field, n), columns: make([]wire, n), formats: make([]int16, n),
	}
	for i, column := range description.Fields {
		f := table.LookupField(column.Name)
		if f == nil {
			return nil, fmt.Errorf("store: no field of %s for the column %s", table.Type, column.Name)
		}
		known.fields[i] = f
		if one, ok := wireFor(f, column.DataTypeOID); ok {
			known.columns[i], known.formats[i] = one, pgtype.BinaryFormatCode
			continue
		}
		known.columns[i] = wireByBun(types, f, column.DataTypeOID)
	}
	return known, nil
}

// wireFor finds how a column of a type is read into a field without bun.
func wireFor(f *schema.Field, column uint32) (wire, bool) {
	of := f.IndirectType
	if of.Implements(scannerType) || reflect.PointerTo(of).Implements(scannerType) || len(f.Index) != 1 {
		return wire{}, false
	}
	switch column {
	case pgtype.TextOID, pgtype.VarcharOID:
		return wireText, of.Kind() == reflect.String
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID:
		return wireInt, of.Kind() >= reflect.Int && of.Kind() <= reflect.Int64
	case pgtype.BoolOID:
		return wireBool, of.Kind() == reflect.Bool
	case pgtype.ByteaOID:
		return wireBytes, of == bytesType
	case pgtype.TimestamptzOID:
		return wireTime, of == timeType
	}
	return wire{}, false
}

// wireByBun reads a column as bun does: from what a driver of database/sql would give it.
func wireByBun(types *pgtype.Map, f *schema.Field, column uint32) wire {
	return wire{whole: true, read: func(b []byte, v reflect.Value) error {
		value, err := textValue(types, column, b)
		if err != nil {
			return err
		}
		return f.ScanWithCheck(v, value)
	}}
}

// textValue is the value of a column that came as text.
func textValue(types *pgtype.Map, column uint32, b []byte) (any, error) {
	switch column {
	case pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return bytes.Clone(b), nil
	case pgtype.BoolOID, pgtype.ByteaOID, pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.Float8OID,
		pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID, pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		if of, ok := types.TypeForOID(column); ok {
			return of.Codec.DecodeDatabaseSQLValue(types, column, pgtype.TextFormatCode, b)
		}
	}
	return string(b), nil
}
