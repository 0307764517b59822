package partners

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// sweepSize is how many requests one transaction closes.
const sweepSize = 200

func insertRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

// updatePlace writes where a partner is in the tree.
func updatePlace(ctx context.Context, tx bun.IDB, partner models.Partner) error {
	_, err := tx.NewUpdate().Model(&partner).Column("parent_id", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updateUntil ends a row of history.
func updateUntil(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewUpdate().Model(row).Column("until").WherePK().Exec(ctx)
	return store.Translate(err)
}

func updateRequest(ctx context.Context, tx bun.IDB, request models.CooperationRequest) error {
	_, err := tx.NewUpdate().Model(&request).Column("state", "answer", "decided_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// selectForShare reads a partner, whoever's it is, and keeps it as it is until the transaction ends.
func selectForShare(ctx context.Context, tx bun.IDB, id models.ID) (models.Partner, bool, error) {
	var partner models.Partner
	found, err := store.Found(store.ForShare(tx.NewSelect().Model(&partner).Where("p.id = ?", id)).Scan(ctx))
	return partner, found, err
}

// withNames reads the names of both sides with the rows.
func withNames(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	return q.ColumnExpr("?.*", bun.Ident(alias)).
		ColumnExpr("(SELECT dn.name FROM partners AS dn WHERE dn.id = ?.distributor_id) AS distributor_name", bun.Ident(alias)).
		ColumnExpr("(SELECT rn.name FROM partners AS rn WHERE rn.id = ?.reseller_id) AS reseller_name", bun.Ident(alias))
}

func requestsOf(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.CooperationRequests(withNames(db.NewSelect().Model((*models.CooperationRequest)(nil)), "crq"), who)
}

func selectRequests(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.CooperationRequest, error) {
	var rows []models.CooperationRequest
	err := requestsOf(db, who).Where("crq.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectRequestForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.CooperationRequest, bool, error) {
	var row models.CooperationRequest
	q := withNames(tx.NewSelect().Model(&row), "crq").Where("crq.id = ?", id)
	found, err := store.Found(store.ForUpdate(q).Scan(ctx))
	return row, found, err
}

func selectOpenForUpdate(ctx context.Context, tx bun.IDB, reseller models.ID) ([]models.CooperationRequest, error) {
	var rows []models.CooperationRequest
	q := tx.NewSelect().Model(&rows).Where("crq.reseller_id = ? AND crq.state = ?", reseller, models.CooperationRequested).Order("crq.id")
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

func selectOverdue(tx bun.IDB, now time.Time) *bun.SelectQuery {
	q := tx.NewSelect().Model((*models.CooperationRequest)(nil)).Where("crq.expires_at <= ? AND crq.state = ?", now, models.CooperationRequested)
	return store.ForUpdate(q.Order("crq.id").Limit(sweepSize))
}

func selectInForce(ctx context.Context, tx bun.IDB, reseller models.ID) (models.Cooperation, bool, error) {
	var row models.Cooperation
	q := withNames(tx.NewSelect().Model(&row), "cop").Where("cop.reseller_id = ? AND cop.until IS NULL", reseller)
	found, err := store.Found(q.Scan(ctx))
	return row, found, err
}

func selectManagerInForce(ctx context.Context, tx bun.IDB, reseller models.ID) (models.ResellerManager, bool, error) {
	var row models.ResellerManager
	found, err := store.Found(withLogin(tx.NewSelect().Model(&row)).Where("rsm.reseller_id = ? AND rsm.until IS NULL", reseller).Scan(ctx))
	return row, found, err
}

func withLogin(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("rsm.*").ColumnExpr("(SELECT mu.login_name FROM users AS mu WHERE mu.id = rsm.user_id) AS login_name")
}

func selectManagers(ctx context.Context, db bun.IDB, who models.Principal, resellers []models.ID, present bool) ([]models.ResellerManager, error) {
	if len(resellers) == 0 {
		return nil, nil
	}
	var rows []models.ResellerManager
	q := withLogin(db.NewSelect().Model(&rows)).Where("rsm.reseller_id IN (?)", bun.List(resellers))
	if present {
		q = q.Where("rsm.until IS NULL")
	}
	err := access.ResellerManagers(q, who).Order("rsm.id DESC").Scan(ctx)
	return rows, store.Translate(err)
}

// selectPersonForShare finds a person of a partner's and keeps it from being disabled until the transaction ends.
func selectPersonForShare(ctx context.Context, tx bun.IDB, user, partner models.ID) (models.User, bool, error) {
	var row models.User
	found, err := store.Found(store.ForShare(tx.NewSelect().Model(&row).Column("u.id", "u.state", "u.login_name").
		Where("u.id = ? AND u.partner_id = ?", user, partner)).Scan(ctx))
	return row, found, err
}
