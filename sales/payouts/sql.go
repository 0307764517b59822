package payouts

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func certifications(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.CommercialCertifications(db.NewSelect().Model((*models.CommercialCertification)(nil)), who)
}

func ofPartner(q *bun.SelectQuery, alias string, partner *models.ID) *bun.SelectQuery {
	if partner == nil {
		return q
	}
	return q.Where("?.partner_id = ?", bun.Ident(alias), *partner)
}

func inStates[S ~string](q *bun.SelectQuery, alias string, states []S) *bun.SelectQuery {
	switch {
	case states == nil:
		return q
	case len(states) == 0:
		return q.Where("1 = 0")
	}
	return q.Where("?.state IN (?)", bun.Ident(alias), bun.List(states))
}

func selectCertifications(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.CommercialCertification, error) {
	var rows []models.CommercialCertification
	err := certifications(db, who).Where("ccf.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectCertificationForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.CommercialCertification, bool, error) {
	var row models.CommercialCertification
	found, err := store.Found(store.ForUpdate(access.CommercialCertifications(tx.NewSelect().Model(&row).Where("ccf.id = ?", id), who)).Scan(ctx))
	return row, found, err
}

// selectLivingForUpdate reads a partner's present certification.
func selectLivingForUpdate(ctx context.Context, tx bun.IDB, partner models.ID) (models.CommercialCertification, bool, error) {
	var row models.CommercialCertification
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).Where("ccf.partner_id = ?", partner).
		Where("ccf.state NOT IN ('REJECTED', 'REPLACED')")).Scan(ctx))
	return row, found, err
}

func insertCertification(ctx context.Context, tx bun.IDB, c *models.CommercialCertification) error {
	_, err := tx.NewInsert().Model(c).Exec(ctx)
	return store.Translate(err)
}

// updateCertification writes what a decision may change.
func updateCertification(ctx context.Context, tx bun.IDB, c *models.CommercialCertification) error {
	_, err := tx.NewUpdate().Model(c).Column("state", "test_sealed", "wrong_confirmations", "rejection_code", "reason_text", "approved_at",
		"certified_at", "ended_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// selectLivingForShare reads a partner's present certification and keeps it from changing until the transaction ends.
func selectLivingForShare(ctx context.Context, tx bun.IDB, partner models.ID) (models.CommercialCertification, bool, error) {
	var row models.CommercialCertification
	found, err := store.Found(store.ForShare(tx.NewSelect().Model(&row).Where("ccf.partner_id = ?", partner).
		Where("ccf.state NOT IN ('REJECTED', 'REPLACED')")).Scan(ctx))
	return row, found, err
}

func payoutRequests(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.PayoutRequests(db.NewSelect().Model((*models.PayoutRequest)(nil)), who)
}

func selectPayouts(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.PayoutRequest, error) {
	var rows []models.PayoutRequest
	err := payoutRequests(db, who).Where("pyt.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectPayoutForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.PayoutRequest, bool, error) {
	var row models.PayoutRequest
	found, err := store.Found(store.ForUpdate(access.PayoutRequests(tx.NewSelect().Model(&row).Where("pyt.id = ?", id), who)).Scan(ctx))
	return row, found, err
}

func selectPartner(ctx context.Context, db bun.IDB, id models.ID) (models.Partner, error) {
	var row models.Partner
	err := db.NewSelect().Model(&row).Column("p.id", "p.cloud", "p.currency").Where("p.id = ?", id).Scan(ctx)
	return row, store.Translate(err)
}

// holder is a payout with a statement that it holds.
type holder struct {
	models.PayoutRequest

	StatementID models.ID `bun:"statement_id"`
}

// selectHolders reads the payouts that the principal may see and that hold statements, once per statement.
func selectHolders(ctx context.Context, db bun.IDB, who models.Principal, statements []models.ID) ([]holder, error) {
	if len(statements) == 0 {
		return nil, nil
	}
	var rows []holder
	err := payoutRequests(db, who).ColumnExpr("?TableColumns").Column("pys.statement_id").Join("JOIN payout_statements AS pys ON pys.payout_id = pyt.id").
		Where("pys.statement_id IN (?)", bun.List(statements)).Where("pys.living").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectParts reads the parts of payouts that the principal may see.
func selectParts(ctx context.Context, db bun.IDB, who models.Principal, payouts []models.ID) ([]models.PayoutStatement, error) {
	if len(payouts) == 0 {
		return nil, nil
	}
	var rows []models.PayoutStatement
	err := db.NewSelect().Model(&rows).Where("pys.payout_id IN (?)", bun.List(payouts)).
		Where("pys.payout_id IN (?)", payoutRequests(db, who).Column("pyt.id")).Order("pys.period", "pys.statement_id").Scan(ctx)
	return rows, store.Translate(err)
}

// selectLivingParts says which of the statements are in a payout that was not withdrawn.
func selectLivingParts(ctx context.Context, tx bun.IDB, statements []models.ID) (map[models.ID]bool, error) {
	if len(statements) == 0 {
		return nil, nil
	}
	var ids []models.ID
	err := tx.NewSelect().Model((*models.PayoutStatement)(nil)).Column("pys.statement_id").Where("pys.statement_id IN (?)", bun.List(statements)).
		Where("pys.living").Scan(ctx, &ids)
	held := make(map[models.ID]bool, len(ids))
	for _, id := range ids {
		held[id] = true
	}
	return held, store.Translate(err)
}

func selectStatementsOf(ctx context.Context, tx bun.IDB, payout models.ID) ([]models.ID, error) {
	var ids []models.ID
	err := tx.NewSelect().Model((*models.PayoutStatement)(nil)).Column("pys.statement_id").Where("pys.payout_id = ?", payout).
		Order("pys.period", "pys.statement_id").Scan(ctx, &ids)
	return ids, store.Translate(err)
}

func insertPayout(ctx context.Context, tx bun.IDB, payout *models.PayoutRequest, parts []models.PayoutStatement) error {
	if _, err := tx.NewInsert().Model(payout).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	_, err := tx.NewInsert().Model(&parts).Exec(ctx)
	return store.Translate(err)
}

// updatePayout writes what a step may change.
func updatePayout(ctx context.Context, tx bun.IDB, payout *models.PayoutRequest) error {
	_, err := tx.NewUpdate().Model(payout).Column("state", "certification_id", "invoices", "rejection_code", "reason_text", "payment_order", "reference",
		"transfer_id", "quota_id", "restriction_id", "submitted_at", "ended_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updatePartsFree lets the statements of a payout be asked for again.
func updatePartsFree(ctx context.Context, tx bun.IDB, payout models.ID) error {
	_, err := tx.NewUpdate().Model((*models.PayoutStatement)(nil)).Set("living = ?", false).Where("payout_id = ?", payout).Exec(ctx)
	return store.Translate(err)
}

func selectCarries(ctx context.Context, tx bun.IDB, statements []models.ID) ([]models.PayoutCarry, error) {
	return selectVisibleCarries(ctx, tx, models.SystemPrincipal("payouts"), statements)
}

func selectVisibleCarries(ctx context.Context, db bun.IDB, who models.Principal, statements []models.ID) ([]models.PayoutCarry, error) {
	if len(statements) == 0 {
		return nil, nil
	}
	var rows []models.PayoutCarry
	err := access.PayoutCarries(db.NewSelect().Model(&rows).Where("pyc.statement_id IN (?)", bun.List(statements)), who).Scan(ctx)
	return rows, store.Translate(err)
}

// insertCarry writes a carry unless it is there already; it says whether it was not.
func insertCarry(ctx context.Context, tx bun.IDB, carry *models.PayoutCarry) (bool, error) {
	result, err := tx.NewInsert().Model(carry).On("CONFLICT (statement_id, into_period) DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}

func selectPreferences(ctx context.Context, db bun.IDB, who models.Principal, partners []models.ID) ([]models.PayoutPreference, error) {
	if len(partners) == 0 {
		return nil, nil
	}
	var rows []models.PayoutPreference
	err := access.PayoutPreferences(db.NewSelect().Model(&rows).Where("pyp.partner_id IN (?)", bun.List(partners)), who).Scan(ctx)
	return rows, store.Translate(err)
}

// selectPreferenceForUpdate reads a partner's preference; one that was never set is zero.
func selectPreferenceForUpdate(ctx context.Context, tx bun.IDB, partner models.ID) (models.PayoutPreference, error) {
	var row models.PayoutPreference
	_, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).Where("pyp.partner_id = ?", partner)).Scan(ctx))
	return row, err
}

func upsertPreference(ctx context.Context, tx bun.IDB, preference *models.PayoutPreference) error {
	_, err := tx.NewInsert().Model(preference).On("CONFLICT (partner_id) DO UPDATE").Set("method = EXCLUDED.method").Set("updated_at = EXCLUDED.updated_at").
		Exec(ctx)
	return store.Translate(err)
}
