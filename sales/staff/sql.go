package staff

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

func updateRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectPartner(ctx context.Context, db bun.IDB, id models.ID) (models.Partner, bool, error) {
	var row models.Partner
	found, err := store.Found(db.NewSelect().Model(&row).Where("p.id = ?", id).Scan(ctx))
	return row, found, err
}

func schemes(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.StaffSchemes(db.NewSelect().Model((*models.StaffScheme)(nil)), who)
}

func members(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.StaffMembers(db.NewSelect().Model((*models.StaffMember)(nil)), who)
}

func months(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.StaffMonths(db.NewSelect().Model((*models.StaffMonth)(nil)), who)
}

func payments(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.StaffPayments(db.NewSelect().Model((*models.StaffPayment)(nil)), who)
}

// ofID narrows a query to rows that name an id; nil = all.
func ofID(q *bun.SelectQuery, column string, id *models.ID) *bun.SelectQuery {
	if id == nil {
		return q
	}
	return q.Where("? = ?", bun.Safe(column), *id)
}

func inStates[S ~string](q *bun.SelectQuery, column string, states []S) *bun.SelectQuery {
	switch {
	case states == nil:
		return q
	case len(states) == 0:
		return q.Where("1 = 0")
	}
	return q.Where("? IN (?)", bun.Safe(column), bun.List(states))
}

// selectSchemeForUpdate locks a scheme that the caller may see.
func selectSchemeForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.StaffScheme, bool, error) {
	var row models.StaffScheme
	found, err := store.Found(store.ForUpdate(access.StaffSchemes(tx.NewSelect().Model(&row).Where("sfs.id = ?", id), who)).Scan(ctx))
	return row, found, err
}

func selectSchemes(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.StaffScheme, error) {
	var rows []models.StaffScheme
	err := schemes(db, who).Where("sfs.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectMembers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.StaffMember, error) {
	var rows []models.StaffMember
	err := members(db, who).Where("sfm.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectMembersOf reads the people of schemes.
func selectMembersOf(ctx context.Context, db bun.IDB, who models.Principal, schemes []models.ID) ([]models.StaffMember, error) {
	var rows []models.StaffMember
	err := members(db, who).Where("sfm.scheme_id IN (?)", bun.List(schemes)).Order("sfm.scheme_id", "sfm.id").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// countMembers counts the people that a scheme has now, and has ever had.
func countMembers(ctx context.Context, tx bun.IDB, scheme models.ID) (living, ever int, err error) {
	var alive []bool
	err = tx.NewSelect().Model((*models.StaffMember)(nil)).Column("sfm.living").Where("sfm.scheme_id = ?", scheme).Scan(ctx, &alive)
	for _, one := range alive {
		if one {
			living++
		}
	}
	return living, len(alive), store.Translate(err)
}

// updateMembersFree lets the people of a scheme be in another, and returns how many.
func updateMembersFree(ctx context.Context, tx bun.IDB, scheme models.ID, now time.Time) (int64, error) {
	result, err := tx.NewUpdate().Model((*models.StaffMember)(nil)).Set("living = ?", false).Set("updated_at = ?", now).
		Where("scheme_id = ?", scheme).Where("living").Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func selectMonths(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.StaffMonth, error) {
	var rows []models.StaffMonth
	err := months(db, who).Where("sft.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectMonthsOf reads the months of payments.
func selectMonthsOf(ctx context.Context, db bun.IDB, who models.Principal, payments []models.ID) ([]models.StaffMonth, error) {
	var rows []models.StaffMonth
	err := months(db, who).Where("sft.payment_id IN (?)", bun.List(payments)).Order("sft.month", "sft.id").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectMonthOf reads the month of a person whose scheme is locked; false when it was never applied for.
func selectMonthOf(ctx context.Context, tx bun.IDB, member models.ID, month models.BillingCycle) (models.StaffMonth, bool, error) {
	var row models.StaffMonth
	found, err := store.Found(tx.NewSelect().Model(&row).Where("sft.member_id = ?", member).Where("sft.month = ?", month).Scan(ctx))
	return row, found, err
}

// selectQuarter reads the months of a scheme that fall into a quarter.
func selectQuarter(ctx context.Context, tx bun.IDB, scheme models.ID, quarter []models.BillingCycle) ([]models.StaffMonth, error) {
	var rows []models.StaffMonth
	err := tx.NewSelect().Model(&rows).Where("sft.scheme_id = ?", scheme).Where("sft.month IN (?)", bun.List(quarter)).Order("sft.month", "sft.id").Scan(ctx)
	return rows, store.Translate(err)
}

// updateMonthsPaid puts the confirmed months of a quarter into its payment.
func updateMonthsPaid(ctx context.Context, tx bun.IDB, payment models.StaffPayment) error {
	_, err := tx.NewUpdate().Model((*models.StaffMonth)(nil)).Set("payment_id = ?", payment.ID).Where("scheme_id = ?", payment.SchemeID).
		Where("month IN (?)", bun.List(models.StaffQuarterMonths(payment.Year, payment.Quarter))).Where("state = ?", models.StaffMonthConfirmed).Exec(ctx)
	return store.Translate(err)
}

// updateMonthsFree lets the months of a payment be asked for again.
func updateMonthsFree(ctx context.Context, tx bun.IDB, payment models.ID) error {
	_, err := tx.NewUpdate().Model((*models.StaffMonth)(nil)).Set("payment_id = NULL").Where("payment_id = ?", payment).Exec(ctx)
	return store.Translate(err)
}

func selectPayments(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.StaffPayment, error) {
	var rows []models.StaffPayment
	err := payments(db, who).Where("sfp.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// paymentLives reports whether a quarter of a scheme is in a payment that was neither rejected nor withdrawn.
func paymentLives(ctx context.Context, tx bun.IDB, scheme models.ID, year, quarter int) (bool, error) {
	lives, err := tx.NewSelect().Model((*models.StaffPayment)(nil)).Where("sfp.scheme_id = ? AND sfp.year = ? AND sfp.quarter = ?", scheme, year, quarter).
		Where("sfp.state NOT IN (?)", bun.List([]models.StaffPaymentState{models.StaffPaymentRejected, models.StaffPaymentWithdrawn})).Exists(ctx)
	return lives, store.Translate(err)
}
