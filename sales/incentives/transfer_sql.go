package incentives

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func selectAccount(ctx context.Context, db bun.IDB, id models.ID) (models.Partner, bool, error) {
	var row models.Partner
	found, err := store.Found(db.NewSelect().Model(&row).Where("p.id = ?", id).Scan(ctx))
	return row, found, err
}

func selectCompanies(ctx context.Context, db bun.IDB, partners []models.ID) (map[models.ID]models.CompanyIdentity, error) {
	var rows []models.CompanyIdentity
	err := db.NewSelect().Model(&rows).Where("cid.partner_id IN (?)", bun.List(partners)).Scan(ctx)
	found := make(map[models.ID]models.CompanyIdentity, len(rows))
	for _, row := range rows {
		found[row.PartnerID] = row
	}
	return found, store.Translate(err)
}

func upsertCompany(ctx context.Context, tx bun.IDB, row *models.CompanyIdentity) error {
	q := tx.NewInsert().Model(row).On("CONFLICT (partner_id) DO UPDATE").Returning("NULL")
	for _, column := range []string{"country", "registration_number", "name", "updated_at"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Exec(ctx)
	return store.Translate(err)
}

// selectOfAccountForUpdate locks statements of an account in one order: those that are named, or all that is open in a currency.
func selectOfAccountForUpdate(ctx context.Context, tx bun.IDB, partner models.ID, named []models.ID, currency models.Currency) ([]models.IncentiveStatement, error) {
	var rows []models.IncentiveStatement
	q := tx.NewSelect().Model(&rows).Where("ist.partner_id = ?", partner)
	if named != nil {
		q = q.Where("ist.id IN (?)", bun.List(named))
	} else {
		q = q.Where("ist.currency = ?", currency).
			Where("ist.status IN (?)", bun.List([]models.StatementStatus{models.StatementEstimated, models.StatementToConfirm, models.StatementIssuing}))
	}
	err := store.ForUpdate(q.Order("ist.period", "ist.id")).Scan(ctx)
	return rows, store.Translate(err)
}

func selectLinesOf(ctx context.Context, tx bun.IDB, statement models.ID) ([]models.IncentiveLine, error) {
	var rows []models.IncentiveLine
	err := tx.NewSelect().Model(&rows).Where("isl.statement_id = ?", statement).Order("isl.id").Scan(ctx)
	return rows, store.Translate(err)
}

// selectUnmoved reads those performance lines of an estimate that count for its account still.
func selectUnmoved(ctx context.Context, tx bun.IDB, statement models.IncentiveStatement) ([]models.PerformanceLine, error) {
	var rows []models.PerformanceLine
	err := ofStatement(tx.NewSelect().Model(&rows), statement).Where("pfl.cause <> ?", models.CauseMovedOut).
		Where("NOT EXISTS (SELECT 1 FROM performance_lines AS m WHERE m.bill_line_id = pfl.bill_line_id AND m.source_id = ? || pfl.id)", models.MovedSource("")).Order("pfl.id").Scan(ctx)
	return rows, store.Translate(err)
}

// wasMoved reports whether performance of a statement has moved to another account.
func wasMoved(ctx context.Context, db bun.IDB, statement models.ID) (bool, error) {
	moved, err := db.NewSelect().Model((*models.IncentiveTransferItem)(nil)).Where("iti.statement_id = ?", statement).Exists(ctx)
	return moved, store.Translate(err)
}

// selectRoot reads the statement whose performance lines a statement sums up: itself, unless it was received.
func selectRoot(ctx context.Context, db bun.IDB, statement models.IncentiveStatement) (models.IncentiveStatement, error) {
	for statement.OriginID != "" {
		var origin models.IncentiveStatement
		if err := db.NewSelect().Model(&origin).Where("ist.id = ?", statement.OriginID).Scan(ctx); err != nil {
			return statement, store.Translate(err)
		}
		statement = origin
	}
	return statement, nil
}

// selectHeirs says to which accounts the statements of performance lines went whose figures stood, and which moved since.
func selectHeirs(ctx context.Context, tx bun.IDB, lines []models.PerformanceLine) (map[statementKey]models.ID, error) {
	heirs := map[statementKey]models.ID{}
	if len(lines) == 0 {
		return heirs, nil
	}
	var partners []models.ID
	for _, line := range lines {
		partners = append(partners, line.PartnerID)
	}
	var roots []models.IncentiveStatement
	err := tx.NewSelect().Model(&roots).Where("ist.partner_id IN (?)", bun.List(unique(partners))).Where("ist.status = ?", models.StatementTransferred).
		Where("ist.origin_id IS NULL").Scan(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	at := make(map[models.ID]statementKey, len(roots))
	for _, root := range roots {
		at[root.ID] = statementKey{root.PartnerID, root.Period, root.Currency}
	}
	for len(at) > 0 { // from account to account
		var origins []models.ID
		for id := range at {
			origins = append(origins, id)
		}
		var received []models.IncentiveStatement
		if err := tx.NewSelect().Model(&received).Where("ist.origin_id IN (?)", bun.List(unique(origins))).Scan(ctx); err != nil {
			return nil, store.Translate(err)
		}
		next := map[models.ID]statementKey{}
		for _, one := range received {
			key := at[one.OriginID]
			heirs[key] = one.PartnerID
			if one.Status == models.StatementTransferred {
				next[one.ID] = key
			}
		}
		at = next
	}
	return heirs, nil
}

func insertTransfer(ctx context.Context, tx bun.IDB, transfer *models.IncentiveTransfer, items []models.IncentiveTransferItem) error {
	if _, err := tx.NewInsert().Model(transfer).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	_, err := tx.NewInsert().Model(&items).Exec(ctx)
	return store.Translate(err)
}

func visibleTransfers(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.IncentiveTransfers(db.NewSelect().Model((*models.IncentiveTransfer)(nil)), who)
}

func findTransfers(ctx context.Context, db *store.DB, who models.Principal, f TransferFilter, page models.Page) (models.IncentiveTransferConnection, error) {
	return store.List[models.IncentiveTransfer](ctx, page, true, func() *bun.SelectQuery {
		q := visibleTransfers(db, who)
		switch {
		case f.PartnerID == nil:
		case !who.SeesAll() && *f.PartnerID != who.PartnerID: // which other account it was is not found out by trying
			q = q.Where("1 = 0")
		default:
			q = q.Where("(itr.from_partner_id = ? OR itr.to_partner_id = ?)", *f.PartnerID, *f.PartnerID)
		}
		return q
	})
}

func selectTransfers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.IncentiveTransfer, error) {
	var rows []models.IncentiveTransfer
	err := visibleTransfers(db, who).Where("itr.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectItems reads the statements of transfers that the principal may see.
func selectItems(ctx context.Context, db bun.IDB, who models.Principal, transfers []models.ID) ([]models.IncentiveTransferItem, error) {
	var rows []models.IncentiveTransferItem
	err := db.NewSelect().Model(&rows).Where("iti.transfer_id IN (?)", bun.List(transfers)).
		Where("iti.transfer_id IN (?)", visibleTransfers(db, who).Column("itr.id")).Order("iti.transfer_id", "iti.period", "iti.statement_id").Scan(ctx)
	return rows, store.Translate(err)
}
