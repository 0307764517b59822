package store

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun/schema"
)

// rowsPlan writes any number of rows of one model with one prepared statement of PostgreSQL, to which each column is one parameter: an
// array. Its text does not depend on the number of rows, so that the server parses and plans it once per connection, and values
// travel as they are instead of as SQL.
type rowsPlan struct {
	name      string // of the prepared statement
	sql       string
	statement Statement
	fields    []*schema.Field
	columns   []wire
}

// wire is how the values of a column travel: the element's type with its object id in PostgreSQL, and how a value is appended.
type wire struct {
	array   string
	element uint32
	append  func(b []byte, v reflect.Value) ([]byte, error)
}

var (
	wireText = wire{"text[]", 25, func(b []byte, v reflect.Value) ([]byte, error) { return append(b, v.String()...), nil }}
	wireInt  = wire{"int8[]", 20, func(b []byte, v reflect.Value) ([]byte, error) {
		return binary.BigEndian.AppendUint64(b, uint64(v.Int())), nil
	}} //nolint:gosec // the bits are the same
	wireBool  = wire{"bool[]", 16, appendBool}
	wireBytes = wire{"bytea[]", 17, func(b []byte, v reflect.Value) ([]byte, error) { return append(b, v.Bytes()...), nil }}
	wireTime  = wire{"timestamptz[]", 1184, appendTime}
	wireJSON  = wire{"jsonb[]", 3802, appendJSON}
)

var (
	timeType   = reflect.TypeFor[time.Time]()
	valuerType = reflect.TypeFor[driver.Valuer]()
	bytesType  = reflect.TypeFor[[]byte]()
)

// postgresEpoch is 2000-01-01, from which PostgreSQL counts microseconds.
const postgresEpoch = 946_684_800_000_000

func appendBool(b []byte, v reflect.Value) ([]byte, error) {
	if v.Bool() {
		return append(b, 1), nil
	}
	return append(b, 0), nil
}

func appendTime(b []byte, v reflect.Value) ([]byte, error) {
	at, _ := v.Interface().(time.Time)
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()-postgresEpoch)), nil //nolint:gosec // the bits are the same
}

func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	text, err := json.Marshal(v.Interface())
	return append(append(b, 1), text...), err // 1 is the version of the format
}

// wireOf finds how a field travels; false for types that only bun knows how to write.
func wireOf(f *schema.Field) (wire, bool) {
	of := f.IndirectType
	declared, _ := f.Tag.Option("type")
	switch {
	case declared == "jsonb":
		return wireJSON, true
	case declared != "" || f.AutoIncrement || f.Identity || of.Implements(valuerType) || reflect.PointerTo(of).Implements(valuerType):
		return wire{}, false
	case of == timeType:
		return wireTime, true
	case of == bytesType:
		return wireBytes, true
	}
	switch of.Kind() { //nolint:exhaustive // the others have no array of their own
	case reflect.String:
		return wireText, true
	case reflect.Int, reflect.Int64, reflect.Int32:
		return wireInt, true
	case reflect.Bool:
		return wireBool, true
	}
	return wire{}, false
}

// plans are the plans made so far: *rowsPlan, nil for models that have none, by planKey.
var plans sync.Map

type planKey struct {
	model   reflect.Type
	columns string // that are updated; empty for an insertion
}

// planOf returns the plan for rows of a model; nil when it has columns that do not travel in arrays.
func planOf(table *schema.Table, columns []string) *rowsPlan {
	key := planKey{table.Type, strings.Join(columns, ",")}
	if known, ok := plans.Load(key); ok {
		plan, _ := known.(*rowsPlan)
		return plan
	}
	plan := newPlan(table, columns)
	plans.Store(key, plan)
	return plan
}

func newPlan(table *schema.Table, columns []string) *rowsPlan {
	plan := &rowsPlan{fields: table.Fields, statement: Statement{Operation: "INSERT", Table: table.Name}}
	if len(columns) > 0 {
		plan.statement.Operation = "UPDATE"
		plan.fields = append([]*schema.Field(nil), table.PKs...)
		for _, name := range columns {
			plan.fields = append(plan.fields, table.FieldMap[name])
		}
	}
	names, arrays := make([]string, len(plan.fields)), make([]string, len(plan.fields))
	for i, f := range plan.fields {
		column, ok := wireOf(f)
		if !ok {
			return nil
		}
		names[i], arrays[i] = string(f.SQLName), "$"+strconv.Itoa(i+1)+"::"+column.array
		plan.columns = append(plan.columns, column)
	}
	list, unnest := strings.Join(names, ", "), "unnest("+strings.Join(arrays, ", ")+")"
	plan.sql = fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM %s", table.SQLName, list, unnest)
	if len(columns) > 0 {
		plan.sql = updateSQL(table, names, unnest)
	}
	// Plans of other columns of the same table have other names.
	plan.name = "rows_" + strconv.FormatUint(hashOf(plan.sql), 36)
	return plan
}

func updateSQL(table *schema.Table, names []string, unnest string) string {
	var sets, where []string
	for i, name := range names {
		if i < len(table.PKs) {
			where = append(where, "was."+name+" = news."+name)
			continue
		}
		sets = append(sets, name+" = news."+name)
	}
	return fmt.Sprintf("UPDATE %s AS was SET %s FROM %s AS news(%s) WHERE %s",
		table.SQLName, strings.Join(sets, ", "), unnest, strings.Join(names, ", "), strings.Join(where, " AND "))
}

// binaryFormat says of all parameters at once that they are not text.
var binaryFormat = []int16{1}

// encode writes the rows out as one array for each column.
func (p *rowsPlan) encode(rows reflect.Value) ([][]byte, error) {
	arrays := make([][]byte, len(p.fields))
	n := rows.Len()
	for i, f := range p.fields {
		b := make([]byte, 0, 20+n*16)
		b = binary.BigEndian.AppendUint32(b, 1) // dimensions
		b = binary.BigEndian.AppendUint32(b, 1) // there may be NULL
		b = binary.BigEndian.AppendUint32(b, p.columns[i].element)
		b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a slice of rows in memory is shorter
		b = binary.BigEndian.AppendUint32(b, 1)         // the first index
		for row := range n {
			var err error
			if b, err = p.columns[i].one(b, f, rows.Index(row)); err != nil {
				return nil, fmt.Errorf("store: column %s: %w", f.Name, err)
			}
		}
		arrays[i] = b
	}
	return arrays, nil
}

// one appends a value with its length, and -1 for NULL: nil, and the zero value of a field that is nullzero.
func (w wire) one(b []byte, f *schema.Field, row reflect.Value) ([]byte, error) {
	if row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	value := row.FieldByIndex(f.Index)
	null := f.NullZero && f.IsZero(value)
	if f.IsPtr {
		if null = value.IsNil(); !null {
			value = value.Elem()
		}
	}
	if null || value.Kind() == reflect.Slice && value.Type() == bytesType && value.IsNil() {
		return binary.BigEndian.AppendUint32(b, 1<<32-1), nil
	}
	at := len(b)
	b, err := w.append(append(b, 0, 0, 0, 0), value)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // PostgreSQL takes no value of 4 GiB
	return b, err
}
