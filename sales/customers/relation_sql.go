package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func updateRow(ctx context.Context, tx bun.IDB, row any, columns ...string) error {
	_, err := tx.NewUpdate().Model(row).Column(columns...).WherePK().Exec(ctx)
	return store.Translate(err)
}

// oneRow returns the only row of a query, if there is one.
func oneRow[T any](ctx context.Context, q *bun.SelectQuery) (row T, found bool, err error) {
	var rows []T
	if err := q.Scan(ctx, &rows); err != nil || len(rows) == 0 {
		return row, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectRestrictions(ctx context.Context, db bun.IDB, customers []models.ID) ([]models.CustomerRestriction, error) {
	var rows []models.CustomerRestriction
	err := db.NewSelect().Model(&rows).Where("csr.customer_id IN (?)", bun.List(customers)).Where("csr.lifted_at IS NULL").Order("csr.id").Scan(ctx)
	return rows, store.Translate(err)
}

func selectRestrictionForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.CustomerRestriction, bool, error) {
	return oneRow[models.CustomerRestriction](ctx, store.ForUpdate(tx.NewSelect().Model((*models.CustomerRestriction)(nil)).Where("csr.id = ?", id)))
}

// selectReportOf finds a live report of the partner about this very customer: one that names its account, or its e-mail address.
func selectReportOf(ctx context.Context, db bun.IDB, partner models.ID, customer models.Customer, now time.Time) (models.CustomerReport, bool, error) {
	q := db.NewSelect().Model((*models.CustomerReport)(nil)).
		Where("crp.partner_id = ?", partner).Where("crp.state IN (?)", bun.List(models.LiveReportStates())).Where("crp.expires_at > ?", now)
	if customer.EmailBlind == "" {
		q = q.Where("crp.account_name = ?", customer.Name)
	} else {
		q = q.Where("(crp.account_name = ? OR (crp.account_name IS NULL AND crp.email_blind = ?))", customer.Name, customer.EmailBlind)
	}
	return oneRow[models.CustomerReport](ctx, q.Order("crp.id").Limit(1))
}

func selectReportForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.CustomerReport, bool, error) {
	q := access.CustomerReports(tx.NewSelect().Model((*models.CustomerReport)(nil)).Where("crp.id = ?", id), who)
	return oneRow[models.CustomerReport](ctx, store.ForUpdate(q))
}

func selectReport(ctx context.Context, db bun.IDB, id models.ID) (models.CustomerReport, bool, error) {
	return oneRow[models.CustomerReport](ctx, db.NewSelect().Model((*models.CustomerReport)(nil)).Where("crp.id = ?", id))
}

func selectOverdueReports(tx bun.IDB, now time.Time) *bun.SelectQuery {
	q := tx.NewSelect().Model((*models.CustomerReport)(nil)).Where("crp.expires_at <= ?", now).Where("crp.state IN (?)", bun.List(models.LiveReportStates()))
	return store.ForUpdate(q.Order("crp.id").Limit(sweepSize))
}

func updateReport(ctx context.Context, tx bun.IDB, report *models.CustomerReport) error {
	return updateRow(ctx, tx, report, "state", "failure", "customer_id", "updated_at")
}

func selectInvitationForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Invitation, bool, error) {
	q := access.Invitations(tx.NewSelect().Model((*models.Invitation)(nil)).Where("inv.id = ?", id), who)
	return oneRow[models.Invitation](ctx, store.ForUpdate(q))
}

func selectInvitationByToken(ctx context.Context, db bun.IDB, hash []byte, lock bool) (models.Invitation, bool, error) {
	q := db.NewSelect().Model((*models.Invitation)(nil)).Where("inv.token_hash = ?", hash)
	if lock {
		q = store.ForUpdate(q)
	}
	return oneRow[models.Invitation](ctx, q)
}

func selectOpenInvitationsForUpdate(ctx context.Context, tx bun.IDB, report models.ID) ([]models.Invitation, error) {
	var rows []models.Invitation
	q := tx.NewSelect().Model(&rows).Where("inv.report_id = ? AND inv.state = ?", report, models.InvitationActive).Order("inv.id")
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

func selectOverdueInvitations(tx bun.IDB, now time.Time) *bun.SelectQuery {
	q := tx.NewSelect().Model((*models.Invitation)(nil)).Where("inv.expires_at <= ? AND inv.state = ?", now, models.InvitationActive)
	return store.ForUpdate(q.Order("inv.id").Limit(sweepSize))
}

func updateInvitation(ctx context.Context, tx bun.IDB, i *models.Invitation) error {
	return updateRow(ctx, tx, i, "state", "token_hash", "token_sealed", "mail_state", "mail_number", "mailed_at", "uses", "failure", "expires_at", "updated_at")
}

func countMailed(ctx context.Context, tx bun.IDB, partner models.ID, since time.Time) (int, error) {
	n, err := tx.NewSelect().Model((*models.Invitation)(nil)).Where("inv.partner_id = ? AND inv.mailed_at > ?", partner, since).Count(ctx)
	return int(n), store.Translate(err)
}

func selectRequestForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.AssociationRequest, bool, error) {
	return oneRow[models.AssociationRequest](ctx, store.ForUpdate(tx.NewSelect().Model((*models.AssociationRequest)(nil)).Where("arq.id = ?", id)))
}

func selectOpenRequestForUpdate(ctx context.Context, tx bun.IDB, customer models.ID) (models.AssociationRequest, bool, error) {
	q := tx.NewSelect().Model((*models.AssociationRequest)(nil)).Where("arq.customer_id = ? AND arq.state = ?", customer, models.AssociationRequested)
	return oneRow[models.AssociationRequest](ctx, store.ForUpdate(q))
}

func selectOverdueRequests(tx bun.IDB, now time.Time) *bun.SelectQuery {
	q := tx.NewSelect().Model((*models.AssociationRequest)(nil)).Where("arq.expires_at <= ? AND arq.state = ?", now, models.AssociationRequested)
	return store.ForUpdate(q.Order("arq.id").Limit(sweepSize))
}

// selectAsked returns what was asked about a customer since a time, by either side and of any partner.
func selectAsked(ctx context.Context, tx bun.IDB, customer models.ID, since time.Time) ([]models.AssociationRequest, error) {
	var rows []models.AssociationRequest
	err := tx.NewSelect().Model(&rows).Where("arq.customer_id = ? AND arq.created_at > ?", customer, since).Scan(ctx)
	return rows, store.Translate(err)
}

func updateRequest(ctx context.Context, tx bun.IDB, request *models.AssociationRequest) error {
	return updateRow(ctx, tx, request, "state", "answer", "decided_at")
}

func selectRequests(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.AssociationRequest, error) {
	var rows []models.AssociationRequest
	err := access.AssociationRequests(db.NewSelect().Model(&rows).Where("arq.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectInvitation(ctx context.Context, db bun.IDB, id models.ID) (models.Invitation, bool, error) {
	return oneRow[models.Invitation](ctx, db.NewSelect().Model((*models.Invitation)(nil)).Where("inv.id = ?", id))
}
