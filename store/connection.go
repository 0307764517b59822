package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// List reads one page of a list with one statement, and its length with one more when the page wants it. visible starts a
// query of the rows that are wanted and that the caller may see; its model is T.
func List[T models.Identified](ctx context.Context, page models.Page, descending bool, visible func() *bun.SelectQuery) (models.Connection[T], error) {
	return ListFrom[T](ctx, nil, page, descending, visible)
}

// ListFrom is List for lists that are read often: see Read. visible starts a query of db.
func ListFrom[T models.Identified](ctx context.Context, db bun.IDB, page models.Page, descending bool, visible func() *bun.SelectQuery) (models.Connection[T], error) {
	var none models.Connection[T]
	rows := []T{}
	if err := Read(ctx, db, PageKeyset(page, descending).Apply(Narrowed[T](ctx, visible())), &rows); err != nil {
		return none, err
	}
	if !page.WantTotal {
		return models.NewConnection(page, rows, nil), nil
	}
	count, err := visible().Count(ctx)
	if err != nil {
		return none, Translate(err)
	}
	total := int(count)
	return models.NewConnection(page, rows, &total), nil
}

// Nested are the rows that hang below many parents, such as the orders of some customers.
type Nested[T models.Identified] struct {
	Column     string                  // that names the parent, as SQL writes it ("o.customer_id")
	ParentOf   func(T) models.ID       // the same of a row
	Descending bool                    // newest first
	Visible    func() *bun.SelectQuery // starts a query of the rows that the caller may see; its model is T
}

// Pages reads a page for each of the parents with one statement (one per 400 parents), and their lengths with one more when
// the page wants them. Every parent is in the answer, once, with an empty page when it has no rows.
func (n Nested[T]) Pages(ctx context.Context, db bun.IDB, parents []models.ID, page models.Page) (map[models.ID]models.Connection[T], error) {
	pages := make(map[models.ID]models.Connection[T], len(parents))
	ids := distinct(parents)
	if len(ids) == 0 {
		return pages, nil
	}
	rows, err := n.perParent(ctx, db, PageKeyset(page, n.Descending), ids)
	if err != nil {
		return nil, err
	}
	totals := map[models.ID]*int{}
	if page.WantTotal {
		if totals, err = n.totals(ctx, db, ids); err != nil {
			return nil, err
		}
	}
	byParent := n.grouped(rows)
	for _, id := range ids {
		parent := models.ID(id)
		pages[parent] = models.NewConnection(page, byParent[parent], totals[parent])
	}
	return pages, nil
}

// perParent reads what a keyset takes of each parent.
func (n Nested[T]) perParent(ctx context.Context, db bun.IDB, k Keyset, parents []string) (rows []T, err error) {
	err = PerParent(ctx, db, &rows, k, parents, func(parent any) *bun.SelectQuery {
		return Narrowed[T](ctx, n.Visible()).Where("? = ?", bun.Safe(n.Column), parent)
	})
	return rows, err
}

// few is how many rows of all parents together Lists reads before it asks for so many of each.
const few = 1000

// Lists reads the first rows of each of the parents, at most most of each, where parents have few as a rule: all of them with one statement, and only when
// there are more than a thousand with one more, which stops at the bound of each (one per 400 parents). Parents without rows are absent.
func (n Nested[T]) Lists(ctx context.Context, db bun.IDB, parents []models.ID, most int) (map[models.ID][]T, error) {
	ids := distinct(parents)
	if len(ids) == 0 {
		return map[models.ID][]T{}, nil
	}
	var rows []T
	q := Narrowed[T](ctx, n.Visible()).Where("? ?", bun.Safe(n.Column), In(ids))
	if err := Read(ctx, db, Keyset{Size: few, Descending: n.Descending}.Apply(q), &rows); err != nil {
		return nil, err
	}
	if len(rows) > few {
		var err error
		if rows, err = n.perParent(ctx, db, Keyset{Size: most, Descending: n.Descending}, ids); err != nil {
			return nil, err
		}
	}
	byParent := n.grouped(rows)
	for parent, children := range byParent {
		byParent[parent] = children[:min(len(children), most)]
	}
	return byParent, nil
}

// grouped lays the rows of each parent side by side, in their order. They are counted first: rows are large, and lists that grow copy them.
func (n Nested[T]) grouped(rows []T) map[models.ID][]T {
	counts := make(map[models.ID]int, len(rows))
	for i := range rows {
		counts[n.ParentOf(rows[i])]++
	}
	room := make([]T, len(rows))
	byParent := make(map[models.ID][]T, len(counts))
	for parent, count := range counts {
		byParent[parent], room = room[:0:count], room[count:]
	}
	for i := range rows {
		parent := n.ParentOf(rows[i])
		byParent[parent] = append(byParent[parent], rows[i])
	}
	return byParent
}

// totals counts the rows of each parent; those without any have zero.
func (n Nested[T]) totals(ctx context.Context, db bun.IDB, parents []string) (map[models.ID]*int, error) {
	totals := make(map[models.ID]*int, len(parents))
	for _, parent := range parents {
		totals[models.ID(parent)] = new(int)
	}
	var counts []struct {
		Parent models.ID
		N      int
	}
	q := n.Visible().ColumnExpr("? AS parent, count(*) AS n", bun.Safe(n.Column)).
		Where("? ?", bun.Safe(n.Column), In(parents)).GroupExpr("?", bun.Safe(n.Column))
	err := Read(ctx, db, q, &counts)
	for _, count := range counts {
		*totals[count.Parent] = count.N
	}
	return totals, err
}

// distinct drops ids that occur twice, whose rows would be read twice.
func distinct(ids []models.ID) []string {
	seen := make(map[models.ID]bool, len(ids))
	once := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			once = append(once, string(id))
		}
	}
	return once
}
