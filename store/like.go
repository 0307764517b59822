package store

import (
	"strings"

	"github.com/uptrace/bun"
)

// StartsWith narrows a query to rows whose column, as SQL writes it, starts with text; ASCII letters match in either case, and
// the text's own wildcards stand for themselves. The database folds both sides, so that they are folded alike.
func StartsWith(q *bun.SelectQuery, column, text string) *bun.SelectQuery {
	return q.Where(startsWith, bun.Safe(column), prefixPattern(text))
}

// OrStartsWith is StartsWith for one of several columns, inside a WhereGroup.
func OrStartsWith(q *bun.SelectQuery, column, text string) *bun.SelectQuery {
	return q.WhereOr(startsWith, bun.Safe(column), prefixPattern(text))
}

const startsWith = "lower(?) LIKE lower(?) ESCAPE '!'"

func prefixPattern(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
