package incentives

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func visibleStatements(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.IncentiveStatements(db.NewSelect().Model((*models.IncentiveStatement)(nil)), who)
}

func filtered(db bun.IDB, who models.Principal, filter StatementFilter) *bun.SelectQuery {
	q := visibleStatements(db, who)
	if filter.PartnerID != nil {
		q = q.Where("ist.partner_id = ?", *filter.PartnerID)
	}
	if filter.Period != nil {
		q = q.Where("ist.period = ?", *filter.Period)
	}
	switch {
	case filter.Status == nil:
	case len(filter.Status) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("ist.status IN (?)", bun.List(filter.Status))
	}
	return q
}

func selectStatementsPage(ctx context.Context, db bun.IDB, who models.Principal, filter StatementFilter, page models.Page) (models.IncentiveStatementConnection, error) {
	var total *int
	if page.WantTotal {
		count, err := filtered(db, who, filter).Count(ctx)
		if err != nil {
			return models.IncentiveStatementConnection{}, store.Translate(err)
		}
		n := int(count)
		total = &n
	}
	rows := []models.IncentiveStatement{}
	err := store.PageKeyset(page, true).Apply(filtered(db, who, filter)).Scan(ctx, &rows)
	if err != nil {
		return models.IncentiveStatementConnection{}, store.Translate(err)
	}
	return models.NewConnection(page, rows, total), nil
}

func selectStatements(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.IncentiveStatement, error) {
	var rows []models.IncentiveStatement
	err := visibleStatements(db, who).Where("ist.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func statementPages(ctx context.Context, db bun.IDB, who models.Principal, partners []models.ID, page models.Page) (map[models.ID]models.IncentiveStatementConnection, error) {
	of := func(row models.IncentiveStatement) models.ID { return row.PartnerID }
	return pages(ctx, db, partners, store.PageKeyset(page, true), page, of, "ist.partner_id", func() *bun.SelectQuery {
		return visibleStatements(db, who)
	})
}

func linePages(ctx context.Context, db bun.IDB, who models.Principal, statements []models.ID, page models.Page) (map[models.ID]models.IncentiveLineConnection, error) {
	of := func(row models.IncentiveLine) models.ID { return row.StatementID }
	return pages(ctx, db, statements, store.PageKeyset(page, false), page, of, "isl.statement_id", func() *bun.SelectQuery {
		return db.NewSelect().Model((*models.IncentiveLine)(nil)).
			Where("isl.statement_id IN (?)", visibleStatements(db, who).Column("ist.id"))
	})
}

// pages reads a page of each parent's rows with one statement, and their number with one more. of tells a row's parent,
// column is the same for SQL, and visible starts a query of the rows that the caller may see.
func pages[T models.Identified](ctx context.Context, db bun.IDB, parents []models.ID, k store.Keyset, page models.Page, of func(T) models.ID, column string, visible func() *bun.SelectQuery) (map[models.ID]models.Connection[T], error) {
	connections := make(map[models.ID]models.Connection[T], len(parents))
	if len(parents) == 0 {
		return connections, nil
	}
	ids := make([]string, len(parents))
	for i, parent := range parents {
		ids[i] = string(parent)
	}
	var rows []T
	err := store.PerParent(ctx, db, &rows, k, ids, func(parent string) *bun.SelectQuery {
		return visible().Where("? = ?", bun.Safe(column), parent)
	})
	if err != nil {
		return nil, err
	}
	totals := map[models.ID]int{}
	if page.WantTotal {
		if totals, err = countPerParent(ctx, visible(), column, parents); err != nil {
			return nil, err
		}
	}
	byParent := make(map[models.ID][]T, len(parents))
	for _, row := range rows {
		byParent[of(row)] = append(byParent[of(row)], row)
	}
	for _, parent := range parents {
		var total *int
		if page.WantTotal {
			count := totals[parent]
			total = &count
		}
		connections[parent] = models.NewConnection(page, byParent[parent], total)
	}
	return connections, nil
}

func countPerParent(ctx context.Context, visible *bun.SelectQuery, column string, parents []models.ID) (map[models.ID]int, error) {
	var counts []struct {
		Parent models.ID
		N      int
	}
	err := visible.ColumnExpr("? AS parent, COUNT(*) AS n", bun.Safe(column)).
		Where("? IN (?)", bun.Safe(column), bun.List(parents)).GroupExpr("?", bun.Safe(column)).
		Scan(ctx, &counts)
	totals := make(map[models.ID]int, len(counts))
	for _, count := range counts {
		totals[count.Parent] = count.N
	}
	return totals, store.Translate(err)
}

func insertStatement(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement, lines []models.IncentiveLine) error {
	if _, err := tx.NewInsert().Model(statement).Exec(ctx); err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&lines).Exec(ctx)
	return err
}
