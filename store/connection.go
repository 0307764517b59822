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
	var rows []T
	err := PerParent(ctx, db, &rows, PageKeyset(page, n.Descending), ids, func(parent any) *bun.SelectQuery {
		return Narrowed[T](ctx, n.Visible()).Where("? = ?", bun.Safe(n.Column), parent)
	})
	if err != nil {
		return nil, err
	}
	totals := map[models.ID]*int{}
	if page.WantTotal {
		if totals, err = n.totals(ctx, db, ids); err != nil {
			return nil, err
		}
	}
	byParent := make(map[models.ID][]T, len(ids))
	for _, row := range rows {
		parent := n.ParentOf(row)
		byParent[parent] = append(byParent[parent], row)
	}
	for _, id := range ids {
		parent := models.ID(id)
		pages[parent] = models.NewConnection(page, byParent[parent], totals[parent])
	}
	return pages, nil
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
