package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// isLive is written out, because the databases use the partial indexes only for conditions that they can read.
const isLive = "aut.state IN ('REQUESTED', 'GRANTED')"

func selectAuthorizations(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Authorization, error) {
	var rows []models.Authorization
	err := access.Authorizations(db.NewSelect().Model(&rows).Where("aut.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectAuthorizationForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.Authorization, bool, error) {
	return oneRow[models.Authorization](ctx, store.ForUpdate(tx.NewSelect().Model((*models.Authorization)(nil)).Where("aut.id = ?", id)))
}

// selectGrantedForShare finds what the customer has granted to its partner for a scope, and keeps it from being revoked until
// the transaction ends.
func selectGrantedForShare(ctx context.Context, tx bun.IDB, customer models.Customer, scope models.AuthorizationScope) (models.Authorization, bool, error) {
	q := tx.NewSelect().Model((*models.Authorization)(nil)).Where("aut.customer_id = ? AND aut.partner_id = ? AND aut.scope = ?", customer.ID, customer.PartnerID, scope).
		Where(isLive)
	return oneRow[models.Authorization](ctx, store.ForShare(q))
}

func selectLiveAuthorizationsForUpdate(ctx context.Context, tx bun.IDB, customer models.ID) ([]models.Authorization, error) {
	var rows []models.Authorization
	q := tx.NewSelect().Model(&rows).Where("aut.customer_id = ?", customer).Where(isLive).Order("aut.id")
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

func selectOverdueAuthorizations(tx bun.IDB, now time.Time) *bun.SelectQuery {
	q := tx.NewSelect().Model((*models.Authorization)(nil)).Where("aut.closes_at <= ?", now).Where(isLive)
	return store.ForUpdate(q.Order("aut.id").Limit(sweepSize))
}

func updateAuthorization(ctx context.Context, tx bun.IDB, a *models.Authorization) error {
	return updateRow(ctx, tx, a, "state", "answer", "ended_by", "closes_at", "granted_at", "ended_at")
}
