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

// visibleLines starts a query of the lines of visible statements.
func visibleLines(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return db.NewSelect().Model((*models.IncentiveLine)(nil)).Where("isl.statement_id IN (?)", visibleStatements(db, who).Column("ist.id"))
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

func selectStatements(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.IncentiveStatement, error) {
	var rows []models.IncentiveStatement
	err := visibleStatements(db, who).Where("ist.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
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
