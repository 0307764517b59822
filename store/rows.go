package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun/schema"
)

// rowsPlan writes, or finds, any number of rows of one model with one prepared statement of PostgreSQL, to which each column is one
// parameter: an array. Its text does not depend on the number of rows, so that the server parses and plans it once per connection, and values
// travel as they are instead of as SQL.
type rowsPlan struct {
	name      string // of the prepared statement
	sql       string
	statement Statement
	fields    []*schema.Field
	columns   []wire
	into      string // how it begins, up to its rows
	meeting   string // how it ends: what becomes of rows that exist

	// table is set for a query that names its columns itself, whose fields are known once it is prepared.
	table    *schema.Table
	resolved sync.Once
	unread   error
}

// wire is how the values of a column travel: the element's type with its object id in PostgreSQL, how a value is appended, and how it is
// read; and what SQLite is given of a value.
type wire struct {
	array   string
	element uint32
	append  func(b []byte, v reflect.Value) ([]byte, error)
	read    func(b []byte, v reflect.Value) error
	bind    func(v reflect.Value) (any, error)
	whole   bool // read takes the field itself, be it a pointer or not
}

var (
	wireText  = wire{array: "text[]", element: 25, append: appendText, read: readText, bind: bindText}
	wireInt   = wire{array: "int8[]", element: 20, append: appendInt, read: readInt, bind: bindInt}
	wireBool  = wire{array: "bool[]", element: 16, append: appendBool, read: readBool, bind: bindBool}
	wireBytes = wire{array: "bytea[]", element: 17, append: appendBytes, read: readBytes, bind: bindBytes}
	wireTime  = wire{array: "timestamptz[]", element: 1184, append: appendTime, read: readTime, bind: bindTime}
	wireJSON  = wire{array: "jsonb[]", element: 3802, append: appendJSON, read: readJSON, bind: bindJSON}
)

func appendText(b []byte, v reflect.Value) ([]byte, error)  { return append(b, v.String()...), nil }
func appendBytes(b []byte, v reflect.Value) ([]byte, error) { return append(b, v.Bytes()...), nil }

func appendInt(b []byte, v reflect.Value) ([]byte, error) {
	return binary.BigEndian.AppendUint64(b, uint64(v.Int())), nil
}

func readText(b []byte, v reflect.Value) error {
	v.SetString(string(b))
	return nil
}

func readBytes(b []byte, v reflect.Value) error {
	v.SetBytes(bytes.Clone(b))
	return nil
}

func readInt(b []byte, v reflect.Value) error {
	n, err := intOf(b)
	v.SetInt(n)
	return err
}

func readBool(b []byte, v reflect.Value) error {
	if len(b) != 1 {
		return errWidth
	}
	v.SetBool(b[0] != 0)
	return nil
}

func readTime(b []byte, v reflect.Value) error {
	micros, err := intOf(b)
	v.Set(reflect.ValueOf(time.UnixMicro(micros + postgresEpoch).UTC()))
	return err
}

var errWidth = errors.New("a value of another width")

// intOf reads an integer of any of PostgreSQL's widths.
func intOf(b []byte) (int64, error) {
	switch len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b)), nil
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	}
	return 0, errWidth
}

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
	at, _ := reflect.TypeAssert[time.Time](v)
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()-postgresEpoch)), nil
}

func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	return appendPlainJSON(append(b, 1), v) // 1 is the version of the format
}

func appendPlainJSON(b []byte, v reflect.Value) ([]byte, error) {
	if facts, ok := reflect.TypeAssert[map[string]any](v); ok {
		return appendFacts(b, facts)
	}
	text, err := json.Marshal(v.Interface())
	return append(b, text...), err
}

// readJSON reads jsonb, whose first byte is the version of the format, and json, which has none.
func readJSON(b []byte, v reflect.Value) error {
	return json.Unmarshal(bytes.TrimPrefix(b, []byte{1}), v.Addr().Interface())
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
	columns string // that are updated or added to, or how rows are found; empty for an insertion
}

// verb is what is done with rows.
type verb string

const (
	inserting verb = ""
	updating  verb = "update "
	adding    verb = "add " // to those that exist by their primary key
)

// planOf returns the plan for rows of a model; nil when it has columns that do not travel in arrays.
func planOf(table *schema.Table, what verb, columns []string) *rowsPlan {
	key := planKey{table.Type, string(what) + strings.Join(columns, ",")}
	if known, ok := plans.Load(key); ok {
		plan, _ := known.(*rowsPlan)
		return plan
	}
	plan := newPlan(table, what, columns)
	plans.Store(key, plan)
	return plan
}

func newPlan(table *schema.Table, what verb, columns []string) *rowsPlan {
	plan := &rowsPlan{fields: table.Fields, statement: Statement{Operation: "INSERT", Table: table.Name}}
	if what == updating {
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
		names[i] = string(f.SQLName)
		arrays[i] = "unnest($" + strconv.Itoa(i+1) + "::" + column.array + ") AS " + names[i]
		plan.columns = append(plan.columns, column)
	}
	// In the list of a query the arrays are read side by side, value by value; in its FROM each would be written into a table first. One that is NULL
	// is NULL in every row.
	list, unnest := strings.Join(names, ", "), "SELECT "+strings.Join(arrays, ", ")
	plan.into = fmt.Sprintf("INSERT INTO %s AS was (%s) ", table.SQLName, list)
	switch what {
	case inserting:
	case adding:
		plan.meeting = meetingSQL(table, columns)
	case updating:
		plan.sql = updateSQL(table, names, "("+unnest+") AS news")
		plan.into, plan.meeting = fmt.Sprintf("WITH news(%s) AS (", list), ") "+updateSQL(table, names, "news")
	}
	if plan.sql == "" {
		plan.sql = plan.into + unnest + plan.meeting
	}
	plan.name = planName(plan.sql)
	return plan
}

// planName is the same for the same statement, and another for every other.
func planName(sql string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(sql)) // never fails
	return "rows_" + strconv.FormatUint(h.Sum64(), 36)
}

// findPlan returns the plan that finds rows by a column; nil when the model has columns that do not travel by themselves.
func findPlan(table *schema.Table, column string, lock bool) *rowsPlan {
	key := planKey{table.Type, "find " + column}
	if lock {
		key.columns = "lock " + column
	}
	if known, ok := plans.Load(key); ok {
		plan, _ := known.(*rowsPlan)
		return plan
	}
	plan := newFindPlan(table, column, lock)
	plans.Store(key, plan)
	return plan
}

func newFindPlan(table *schema.Table, column string, lock bool) *rowsPlan {
	plan := &rowsPlan{fields: table.Fields, statement: Statement{Operation: "SELECT", Table: table.Name}}
	names := make([]string, len(plan.fields))
	for i, f := range plan.fields {
		one, ok := wireOf(f)
		if !ok || one.element == wireJSON.element {
			return nil
		}
		names[i], plan.columns = string(f.SQLName), append(plan.columns, one)
	}
	plan.sql = fmt.Sprintf("SELECT %s FROM %s WHERE %s = ANY($1::text[])", strings.Join(names, ", "), table.SQLName, table.FieldMap[column].SQLName)
	if lock {
		keys := make([]string, len(table.PKs))
		for i, key := range table.PKs {
			keys[i] = string(key.SQLName)
		}
		plan.sql += " ORDER BY " + strings.Join(keys, ", ") + " FOR UPDATE"
	}
	plan.name = planName(plan.sql)
	return plan
}

// queryPlan returns the plan of a query whose columns go into fields of the same name.
func queryPlan(table *schema.Table, what Statement, sql string) *rowsPlan {
	key := planKey{table.Type, "query " + sql}
	if known, ok := plans.Load(key); ok {
		plan, _ := known.(*rowsPlan)
		return plan
	}
	known, _ := plans.LoadOrStore(key, &rowsPlan{name: planName(sql), sql: sql, statement: what, table: table})
	plan, _ := known.(*rowsPlan)
	return plan
}

// resolve finds the fields for the columns of a prepared query, once.
func (p *rowsPlan) resolve(columns []pgconn.FieldDescription) error {
	if p.table == nil {
		return nil
	}
	p.resolved.Do(func() {
		for _, column := range columns {
			f, ok := p.table.FieldMap[column.Name]
			if !ok {
				p.unread = fmt.Errorf("store: no field of %s for the column %s", p.table.Type, column.Name)
				return
			}
			one, ok := wireOf(f)
			if !ok {
				p.unread = fmt.Errorf("store: the column %s cannot be read into %s", column.Name, f.StructField.Type)
				return
			}
			p.fields, p.columns = append(p.fields, f), append(p.columns, one)
		}
	})
	return p.unread
}

// readRow appends one row to a slice of models. NULL is the zero value.
func readRow(into reflect.Value, fields []*schema.Field, columns []wire, values [][]byte) error {
	if len(values) != len(fields) {
		return fmt.Errorf("store: %d values for %d columns of %s", len(values), len(fields), into.Type())
	}
	n := into.Len()
	if n == into.Cap() {
		into.Grow(1)
	}
	into.SetLen(n + 1)
	row := into.Index(n)
	row.SetZero()
	texts := textsOf(columns, values)
	for i, f := range fields {
		value, column := values[i], &columns[i]
		if value == nil {
			continue
		}
		field := row.Field(f.Index[0])
		if len(f.Index) > 1 {
			field = f.Value(row)
		}
		if f.IsPtr && !column.whole {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		if column.element == wireText.element {
			field.SetString(texts[:len(value)])
			texts = texts[len(value):]
			continue
		}
		if err := column.read(value, field); err != nil {
			return fmt.Errorf("store: column %s: %w", f.Name, err)
		}
	}
	return nil
}

// textsOf joins the texts of a row, which then are one allocation.
func textsOf(columns []wire, values [][]byte) string {
	var room [512]byte
	texts := room[:0]
	for i := range columns {
		if columns[i].element == wireText.element {
			texts = append(texts, values[i]...)
		}
	}
	return string(texts)
}

// updateSQL updates rows from a table of news.
func updateSQL(table *schema.Table, names []string, news string) string {
	var sets, where []string
	for i, name := range names {
		if i < len(table.PKs) {
			where = append(where, "was."+name+" = news."+name)
			continue
		}
		sets = append(sets, name+" = news."+name)
	}
	return fmt.Sprintf("UPDATE %s AS was SET %s FROM %s WHERE %s", table.SQLName, strings.Join(sets, ", "), news, strings.Join(where, " AND "))
}

// meetingSQL has rows that exist get these columns added to theirs.
func meetingSQL(table *schema.Table, columns []string) string {
	keys, sets := make([]string, len(table.PKs)), make([]string, len(columns))
	for i, key := range table.PKs {
		keys[i] = string(key.SQLName)
	}
	for i, name := range columns {
		column := table.FieldMap[name].SQLName
		sets[i] = fmt.Sprintf("%s = was.%s + EXCLUDED.%s", column, column, column)
	}
	return fmt.Sprintf(" ON CONFLICT (%s) DO UPDATE SET %s", strings.Join(keys, ", "), strings.Join(sets, ", "))
}

// binaryFormat says of all parameters at once that they are not text.
var binaryFormat = []int16{1}

// encode writes the rows out as one array for each column, which is NULL where all its values are.
func (p *rowsPlan) encode(rows reflect.Value) ([][]byte, error) {
	arrays := make([][]byte, len(p.fields))
	for i, f := range p.fields {
		var err error
		if arrays[i], err = p.columns[i].all(f, rows); err != nil {
			return nil, fmt.Errorf("store: column %s: %w", f.Name, err)
		}
	}
	return arrays, nil
}

// arrayOf begins an array of n elements.
func arrayOf(n int, element uint32) []byte {
	b := make([]byte, 0, 64)
	b = binary.BigEndian.AppendUint32(b, 1) // dimensions
	b = binary.BigEndian.AppendUint32(b, 1) // there may be NULL
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return binary.BigEndian.AppendUint32(b, 1) // the first index
}

// roomFor makes room for n values as wide as the first, or a little wider.
func roomFor(b []byte, n, width int) []byte { return slices.Grow(b, n*(width+width/8)) }

func textArray(values []string) []byte {
	b := arrayOf(len(values), wireText.element)
	if len(values) > 0 {
		b = roomFor(b, len(values), 4+len(values[0]))
	}
	for _, value := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
		b = append(b, value...)
	}
	return b
}

// argument writes one argument of a prepared statement out.
func argument(arg any) ([]byte, error) {
	switch value := arg.(type) {
	case string:
		return append([]byte{}, value...), nil // not nil, which is NULL
	case []string:
		return textArray(value), nil
	case []byte:
		return value, nil
	case bool:
		return appendBool(nil, reflect.ValueOf(value))
	case int64:
		return appendInt(nil, reflect.ValueOf(value))
	case time.Time:
		return appendTime(nil, reflect.ValueOf(value))
	case driver.Valuer:
		text, err := value.Value()
		if text, ok := text.(string); ok && err == nil {
			return argument(text)
		}
		return nil, fmt.Errorf("store: an argument of type %T: %w", arg, err)
	}
	return nil, fmt.Errorf("store: an argument of type %T", arg)
}

// valueOf finds a field's value in a row; false for NULL: nil, and the zero value of a field that is nullzero.
func valueOf(f *schema.Field, row reflect.Value) (reflect.Value, bool) {
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
	if value.Kind() == reflect.Slice && value.Type() == bytesType && value.IsNil() {
		null = true
	}
	return value, !null
}

// all writes a column of the rows: each value with its length, and -1 for NULL. It is nil when there are no others.
func (w wire) all(f *schema.Field, rows reflect.Value) ([]byte, error) {
	n, nulls := rows.Len(), 0
	array := arrayOf(n, w.element)
	for i := range n {
		value, there := valueOf(f, rows.Index(i))
		if !there {
			nulls++
			array = binary.BigEndian.AppendUint32(array, 1<<32-1)
			continue
		}
		at := len(array)
		var err error
		if array, err = w.append(append(array, 0, 0, 0, 0), value); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint32(array[at:], uint32(len(array)-at-4))
		if i == nulls { // the first one
			array = roomFor(array, n-i, len(array)-at)
		}
	}
	if nulls == n {
		return nil, nil
	}
	return array, nil
}
