package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// receiptPage is how many receipts are read at once.
const receiptPage = 500

// receiptRow is an entry that brought money in, with why.
type receiptRow struct {
	AmountMinor int64
	Version     int64
	CreatedAt   time.Time
	TransferID  models.ID
	SubjectID   models.ID
	Kind        models.TransferKind
}

// selectReceipts reads a page of an account's receipts, newest first, from before a version on; 0 = from the newest.
func selectReceipts(ctx context.Context, db bun.IDB, account models.ID, before int64) ([]receiptRow, error) {
	var rows []receiptRow
	q := db.NewSelect().Model((*models.Entry)(nil)).
		Column("e.amount_minor", "e.version", "e.created_at", "e.transfer_id", "t.kind").ColumnExpr("COALESCE(t.subject_id, '') AS subject_id").
		Join("JOIN transfers AS t ON t.id = e.transfer_id").
		Where("e.account_id = ? AND e.amount_minor > 0", account).Order("e.version DESC").Limit(receiptPage)
	if before > 0 {
		q = q.Where("e.version < ?", before)
	}
	err := q.Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectWithdrawer reads an owner; lock may keep its row from changing until the transaction ends, nil = no lock.
func selectWithdrawer(ctx context.Context, db bun.IDB, kind models.OwnerKind, id models.ID, lock func(*bun.SelectQuery) *bun.SelectQuery) (withdrawer, bool, error) {
	if lock == nil {
		lock = func(q *bun.SelectQuery) *bun.SelectQuery { return q }
	}
	owner := withdrawer{Kind: kind, ID: id, WithdrawalFacts: models.WithdrawalFacts{OwnerKind: kind}}
	if kind == models.OwnerPartner {
		var partner models.Partner
		found, err := store.Found(lock(db.NewSelect().Model(&partner).Column("p.cloud", "p.currency", "p.kind").Where("p.id = ?", id)).Scan(ctx))
		owner.Cloud, owner.Currency, owner.PartnerKind = partner.Cloud, partner.Currency, partner.Kind
		return owner, found, err
	}
	var customer models.Customer
	found, err := store.Found(lock(db.NewSelect().Model(&customer).
		Column("c.cloud", "c.currency", "c.frozen", "c.mode").Where("c.id = ?", id)).Scan(ctx))
	if err != nil || !found {
		return owner, false, err
	}
	owner.Cloud, owner.Currency, owner.Frozen = customer.Cloud, customer.Currency, customer.Frozen != models.NotFrozen
	if customer.Mode == models.Resale {
		owner.ResaleSince, err = selectResaleSince(ctx, db, id)
	}
	return owner, true, err
}

// selectResaleSince returns since when a resale customer is one. Without a record of it, it has always been one.
func selectResaleSince(ctx context.Context, db bun.IDB, customer models.ID) (*time.Time, error) {
	var association models.Association
	found, err := store.Found(db.NewSelect().Model(&association).Column("a.since").
		Where("a.customer_id = ? AND a.until IS NULL", customer).Scan(ctx))
	if err != nil || !found {
		return &time.Time{}, err
	}
	return &association.Since, nil
}

// sumArrears adds up by how much the accounts of a partner's resale customers, and of its resellers', are below zero.
func sumArrears(ctx context.Context, db bun.IDB, partner models.ID, currency models.Currency) (int64, error) {
	var sum int64
	err := db.NewSelect().Model((*models.Account)(nil)).ColumnExpr("COALESCE(SUM(-acc.balance_minor), 0)").
		Join("JOIN customers AS c ON c.id = acc.owner_id").
		Where("acc.owner_kind = ? AND acc.asset = ? AND acc.balance_minor < 0", models.OwnerCustomer, currency).
		Where("acc.kind IN (?)", bun.List(moneyKinds())).
		Where("c.mode = ?", models.Resale).
		Where("(c.partner_id = ? OR c.partner_id IN (SELECT ps.id FROM partners AS ps WHERE ps.parent_id = ?))", partner, partner).
		Scan(ctx, &sum)
	return sum, store.Translate(err)
}

// selectPayouts returns what left the cash account by withdrawals, and what failed to leave by the original route and has
// not left otherwise, both oldest first.
func selectPayouts(ctx context.Context, db bun.IDB, owner models.ID) (done, failed []models.Payout, err error) {
	var rows []models.Withdrawal
	err = db.NewSelect().Model(&rows).Column("wd.route", "wd.state", "wd.amount_minor", "wd.created_at", "wd.submitted_at", "wd.failed_at").
		Where("wd.owner_id = ? AND wd.route <> ?", owner, models.IncentiveRebate).
		Where("(wd.state = ? OR wd.failed_at IS NOT NULL)", models.WithdrawalDone).Order("wd.submitted_at", "wd.id").Scan(ctx)
	for _, w := range rows {
		route := w.Route
		if w.FailedAt != nil { // it went on to a card, with the money that had the original route before
			route = models.OriginalRoute
		}
		if w.State == models.WithdrawalDone {
			done = append(done, models.Payout{Route: route, AmountMinor: w.AmountMinor, At: w.SubmittedAt})
		} else {
			failed = append(failed, models.Payout{Route: models.OriginalRoute, AmountMinor: w.AmountMinor, At: w.CreatedAt})
		}
	}
	return done, failed, store.Translate(err)
}

func existsInFlight(ctx context.Context, db bun.IDB, owner models.ID) (bool, error) {
	exists, err := db.NewSelect().Model((*models.Withdrawal)(nil)).
		Where("wd.owner_id = ?", owner).Where("wd.state IN (?)", bun.List(models.WithdrawalsInFlight())).Exists(ctx)
	return exists, store.Translate(err)
}

func insertWithdrawal(ctx context.Context, tx bun.IDB, w *models.Withdrawal) error {
	_, err := tx.NewInsert().Model(w).Exec(ctx)
	return store.Translate(err)
}

// updateWithdrawal writes what a step may change.
func updateWithdrawal(ctx context.Context, tx bun.IDB, w *models.Withdrawal) error {
	_, err := tx.NewUpdate().Model(w).Column(
		"route", "state", "account_id", "hold_id", "transfer_id", "card_last_four", "card_sealed", "rejection_code", "reason_text",
		"bank_reference", "submitted_at", "failed_at", "ended_at", "updated_at",
	).WherePK().Exec(ctx)
	return store.Translate(err)
}

func deleteWithdrawal(ctx context.Context, tx bun.IDB, id models.ID) error {
	_, err := tx.NewDelete().Model((*models.Withdrawal)(nil)).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

func selectWithdrawalForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Withdrawal, bool, error) {
	var w models.Withdrawal
	found, err := store.Found(store.ForUpdate(access.Withdrawals(tx.NewSelect().Model(&w).Where("wd.id = ?", id), who)).Scan(ctx))
	return w, found, err
}

func selectCard(ctx context.Context, db bun.IDB, id models.ID) ([]byte, error) {
	var w models.Withdrawal
	_, err := store.Found(db.NewSelect().Model(&w).Column("wd.card_sealed").Where("wd.id = ?", id).Scan(ctx))
	return w.CardSealed, err
}

// withdrawals starts a query of those that a principal may see and that the filter lets through.
func withdrawals(db bun.IDB, who models.Principal, filter WithdrawalFilter) *bun.SelectQuery {
	q := access.Withdrawals(db.NewSelect().Model((*models.Withdrawal)(nil)), who)
	if filter.PartnerID != nil {
		q = q.Where("wd.owner_id = ?", *filter.PartnerID)
	}
	if filter.CustomerID != nil {
		q = q.Where("wd.owner_id = ?", *filter.CustomerID)
	}
	switch {
	case filter.States == nil:
	case len(filter.States) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("wd.state IN (?)", bun.List(filter.States))
	}
	return q
}

func selectWithdrawals(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Withdrawal, error) {
	var rows []models.Withdrawal
	err := withdrawals(db, who, WithdrawalFilter{}).Where("wd.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectRestrictions returns the restrictions in force, oldest first.
func selectRestrictions(ctx context.Context, db bun.IDB, owner models.ID) ([]models.WithdrawalRestriction, error) {
	var rows []models.WithdrawalRestriction
	err := db.NewSelect().Model(&rows).Where("wr.owner_id = ? AND wr.lifted_at IS NULL", owner).Order("wr.id").Scan(ctx)
	return rows, store.Translate(err)
}

func insertRestriction(ctx context.Context, tx bun.IDB, r *models.WithdrawalRestriction) error {
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return store.Translate(err)
}

func selectRestrictionForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.WithdrawalRestriction, bool, error) {
	var r models.WithdrawalRestriction
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&r).Where("wr.id = ?", id)).Scan(ctx))
	return r, found, err
}

func updateLifted(ctx context.Context, tx bun.IDB, r *models.WithdrawalRestriction) error {
	_, err := tx.NewUpdate().Model(r).Column("lifted_at").WherePK().Exec(ctx)
	return store.Translate(err)
}
