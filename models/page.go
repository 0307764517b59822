package models

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Page sizes of every connection.
const (
	DefaultPageSize = 20
	MaxPageSize     = 100
)

// PageArgs are the Relay arguments of a connection. At most one of First and Last may be set.
type PageArgs struct {
	First  *int
	After  *string
	Last   *int
	Before *string
	// WantTotal says that totalCount is selected; counting costs a statement of its own.
	WantTotal bool
}

// Page is a checked PageArgs: Size rows from a keyset position, Backward when the last rows before it are asked for.
type Page struct {
	List      string // the name of the list, which its cursors carry
	Size      int    // 1 to MaxPageSize
	After     ID     // exclusive; zero = from the beginning
	Before    ID     // exclusive; zero = to the end
	Backward  bool
	WantTotal bool

	// AfterNumber and BeforeNumber are those of Numbered rows, which After and Before do not tell alone.
	AfterNumber, BeforeNumber int64
}

// Page checks the arguments for the list with this name. It is INVALID when first and last are both given or out of
// 0 to MaxPageSize, or when a cursor is malformed or belongs to another list.
func (a PageArgs) Page(list string) (Page, error) {
	page := Page{List: list, Size: DefaultPageSize, WantTotal: a.WantTotal}
	if a.First != nil && a.Last != nil {
		return Page{}, Invalid("last", "Give first or last, not both.")
	}
	if a.First != nil {
		page.Size = *a.First
	}
	if a.Last != nil {
		page.Size, page.Backward = *a.Last, true
	}
	if page.Size < 0 || page.Size > MaxPageSize {
		field := "first"
		if page.Backward {
			field = "last"
		}
		return Page{}, Invalid(field, fmt.Sprintf("%s must be from 0 to %d.", field, MaxPageSize))
	}
	var err error
	if page.After, page.AfterNumber, err = cursorOf(a.After, list, "after"); err != nil {
		return Page{}, err
	}
	if page.Before, page.BeforeNumber, err = cursorOf(a.Before, list, "before"); err != nil {
		return Page{}, err
	}
	return page, nil
}

// Cursor returns the opaque, versioned position of a row in the list with this name.
func Cursor(list string, id ID) string {
	return base64.RawURLEncoding.EncodeToString([]byte("1:" + list + ":" + string(id)))
}

// NumberedCursor is Cursor for Numbered rows.
func NumberedCursor(list string, id ID, number int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("1:" + list + ":" + string(id) + ":" + strconv.FormatInt(number, 10)))
}

func cursorOf(cursor *string, list, field string) (id ID, number int64, err error) {
	if cursor == nil || *cursor == "" {
		return "", 0, nil
	}
	foreign := Invalid(field, "This is not a cursor of ours.")
	if len(*cursor) > 200 {
		return "", 0, foreign
	}
	raw, err := base64.RawURLEncoding.DecodeString(*cursor)
	parts := strings.Split(string(raw), ":")
	if err != nil || len(parts) < 3 || len(parts) > 4 || parts[0] != "1" {
		return "", 0, foreign
	}
	if parts[1] != list {
		return "", 0, Invalid(field, fmt.Sprintf("This cursor belongs to the list %q, not to %q.", parts[1], list))
	}
	if id, err = ParseID(parts[2]); err != nil {
		return "", 0, foreign
	}
	if len(parts) == 4 {
		if number, err = strconv.ParseInt(parts[3], 10, 64); err != nil {
			return "", 0, foreign
		}
	}
	return id, number, nil
}

// PageInfo tells a client where it stands in a list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Edge is a row and its position.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// Connection is a page of a list. TotalCount is nil unless it was asked for.
type Connection[T any] struct {
	Edges      []Edge[T]
	PageInfo   PageInfo
	TotalCount *int
}

// Nodes returns the rows without their positions.
func (c Connection[T]) Nodes() []T {
	nodes := make([]T, len(c.Edges))
	for i := range c.Edges {
		nodes[i] = c.Edges[i].Node
	}
	return nodes
}

// Identified is a row that has an id to page by.
type Identified interface{ NodeID() ID }

// Numbered is a row whose place in its list is a number below an id, as an entry's is its version in its account.
type Numbered interface{ Place() (ID, int64) }

func cursorTo(list string, row Identified) string {
	if numbered, ok := row.(Numbered); ok {
		id, number := numbered.Place()
		return NumberedCursor(list, id, number)
	}
	return Cursor(list, row.NodeID())
}

// NewConnection makes a connection of the rows that a keyset query returned: at most Size+1 of them, in query order,
// which is reversed for a backward page. The extra row only says that there is more. total is passed through.
func NewConnection[T Identified](page Page, rows []T, total *int) Connection[T] {
	more := len(rows) > page.Size
	if more {
		rows = rows[:page.Size]
	}
	edges := make([]Edge[T], len(rows))
	for i, row := range rows {
		at := i
		if page.Backward {
			at = len(rows) - 1 - i
		}
		edges[at] = Edge[T]{Cursor: cursorTo(page.List, row), Node: row}
	}
	info := PageInfo{HasNextPage: more, HasPreviousPage: page.After != ""}
	if page.Backward {
		info = PageInfo{HasNextPage: page.Before != "", HasPreviousPage: more}
	}
	if len(edges) > 0 {
		info.StartCursor, info.EndCursor = &edges[0].Cursor, &edges[len(edges)-1].Cursor
	}
	return Connection[T]{Edges: edges, PageInfo: info, TotalCount: total}
}
