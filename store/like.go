package store

import (
	"strings"

	"github.com/uptrace/bun"
)

// StartsWith narrows a query to rows whose column, as SQL writes it, starts with text; ASCII letters match in either case, and
// the text's own wildcards stand for themselves. The database folds both sides, so that they are folded alike.
func StartsWith(q *bun.SelectQuery, column, text string) *bun.SelectQuery {
	pattern := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
	return q.Where("lower(?) LIKE lower(?) ESCAPE '!'", bun.Safe(column), pattern)
}
