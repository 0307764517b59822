package seed

import (
	"reflect"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/store"
)

// rows are rows of one table on their way into the database. The columns come from the model's own tags, so that they
// cannot drift from what the rooms read.
type rows struct {
	table *schema.Table
	slice reflect.Value
}

func rowsOf[T any](db *store.DB, slice []T) rows {
	return rows{table: db.Table(reflect.TypeFor[T]()), slice: reflect.ValueOf(slice)}
}

func (r rows) name() string { return r.table.Name }
func (r rows) count() int   { return r.slice.Len() }

func (r rows) columns() []string {
	columns := make([]string, len(r.table.Fields))
	for i, field := range r.table.Fields {
		columns[i] = field.Name
	}
	return columns
}

// appendRow appends the i-th row's values as nil, int64, bool, string, []byte or time.Time.
func (r rows) appendRow(values []any, i int) []any {
	row := r.slice.Index(i)
	for _, field := range r.table.Fields {
		value := row.FieldByIndex(field.Index)
		if field.NullZero && value.IsZero() {
			values = append(values, nil)
			continue
		}
		values = append(values, plain(value))
	}
	return values
}

func plain(value reflect.Value) any {
	switch value.Kind() {
	case reflect.String:
		return value.String()
	case reflect.Int, reflect.Int64:
		return value.Int()
	case reflect.Pointer, reflect.Slice:
		if value.IsNil() {
			return nil
		}
		if value.Kind() == reflect.Slice {
			return value.Bytes()
		}
		return plain(value.Elem())
	}
	switch v := value.Interface().(type) {
	case time.Time:
		return v
	case decimal.Decimal:
		return v.String()
	default:
		return v
	}
}
