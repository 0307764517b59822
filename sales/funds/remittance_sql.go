package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertRemittance(ctx context.Context, tx bun.IDB, remittance *models.Remittance) error {
	_, err := tx.NewInsert().Model(remittance).Exec(ctx)
	return store.Translate(err)
}

func updateRemittance(ctx context.Context, tx bun.IDB, remittance *models.Remittance) error {
	_, err := tx.NewUpdate().Model(remittance).
		Column("state", "claim_id", "recharge_id", "transfer_id", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectRemittances(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Remittance, error) {
	var rows []models.Remittance
	err := visibleRemittances(db, who).Where("rm.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectRemittanceForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.Remittance, bool, error) {
	return oneRemittance(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("rm.id = ?", id) })
}

func selectReferredRemittanceForUpdate(ctx context.Context, tx bun.IDB, entity, reference string) (models.Remittance, bool, error) {
	return oneRemittance(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("rm.signing_entity = ? AND rm.bank_reference = ?", entity, reference)
	})
}

func oneRemittance(ctx context.Context, tx bun.IDB, which func(*bun.SelectQuery) *bun.SelectQuery) (models.Remittance, bool, error) {
	var rows []models.Remittance
	err := store.ForUpdate(which(tx.NewSelect().Model(&rows))).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Remittance{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectMatchesForUpdate finds two at most of the unclaimed remittances that have the claim's signing entity, currency and
// amount, and that one of the owner's own payers sent, or the claimed payer under the claimed reference. Who waits here for another claimant finds what that one left.
func selectMatchesForUpdate(ctx context.Context, tx bun.IDB, claim models.RemittanceClaim, own []string) ([]models.Remittance, error) {
	var rows []models.Remittance
	q := tx.NewSelect().Model(&rows).Where("rm.signing_entity = ? AND rm.currency = ?", claim.SigningEntity, claim.Currency).
		Where("rm.amount_minor = ? AND rm.state = ?", claim.AmountMinor, models.RemittanceUnclaimed).
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where("rm.payer_name_blind IN (?)", bun.List(own))
			if claim.BankReference != "" {
				q = q.WhereOr("rm.bank_reference = ? AND rm.payer_name_blind = ?", claim.BankReference, claim.PayerNameBlind)
			}
			return q
		}).
		Order("rm.id").Limit(2)
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

// visibleRemittances starts a query of the remittances that a principal may see.
func visibleRemittances(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Remittances(db.NewSelect().Model((*models.Remittance)(nil)), who)
}

func (f RemittanceFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.SigningEntity != nil {
		q = q.Where("rm.signing_entity = ?", *f.SigningEntity)
	}
	if f.BankReference != nil {
		q = q.Where("rm.bank_reference = ?", *f.BankReference)
	}
	if f.States != nil {
		q = q.Where("rm.state IN (?)", bun.List(f.States))
	}
	return q
}

func insertClaim(ctx context.Context, tx bun.IDB, claim *models.RemittanceClaim) error {
	_, err := tx.NewInsert().Model(claim).Exec(ctx)
	return store.Translate(err)
}

func updateClaim(ctx context.Context, tx bun.IDB, claim *models.RemittanceClaim) error {
	_, err := tx.NewUpdate().Model(claim).
		Column("state", "reason", "remittance_id", "credited_minor", "transfer_id", "decided_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectClaims(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.RemittanceClaim, error) {
	var rows []models.RemittanceClaim
	err := visibleClaims(db, who).Where("rmc.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectClaim reads a claim for an operator.
func selectClaim(ctx context.Context, db bun.IDB, id models.ID) (models.RemittanceClaim, bool, error) {
	var rows []models.RemittanceClaim
	err := db.NewSelect().Model(&rows).Where("rmc.id = ?", id).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.RemittanceClaim{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectClaimForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.RemittanceClaim, bool, error) {
	var rows []models.RemittanceClaim
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("rmc.id = ?", id)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.RemittanceClaim{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// visibleClaims starts a query of the claims that a principal may see.
func visibleClaims(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.RemittanceClaims(db.NewSelect().Model((*models.RemittanceClaim)(nil)), who)
}

func (f ClaimFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("rmc.partner_id = ?", *f.PartnerID)
	}
	if f.CustomerID != nil {
		q = q.Where("rmc.customer_id = ?", *f.CustomerID)
	}
	if f.States != nil {
		q = q.Where("rmc.state IN (?)", bun.List(f.States))
	}
	return q
}

func insertAgreement(ctx context.Context, tx bun.IDB, agreement *models.PayerAgreement) error {
	_, err := tx.NewInsert().Model(agreement).Exec(ctx)
	return store.Translate(err)
}

func updateAgreement(ctx context.Context, tx bun.IDB, agreement *models.PayerAgreement) error {
	_, err := tx.NewUpdate().Model(agreement).Column("state", "voided_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectAgreements(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.PayerAgreement, error) {
	var rows []models.PayerAgreement
	err := visibleAgreements(db, who).Where("pag.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectAgreementForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.PayerAgreement, bool, error) {
	var rows []models.PayerAgreement
	err := store.ForUpdate(visibleAgreements(tx, who).Where("pag.id = ?", id)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return models.PayerAgreement{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// maxAgreedPayers bounds how many payers one claim is compared with.
const maxAgreedPayers = 100

// selectAgreedPayers returns the digests of those who pay for a partner or customer under an agreement in force, as
// PayerAgreement.InForceAt says it. They stay in force until the transaction ends.
func selectAgreedPayers(ctx context.Context, tx bun.IDB, partnerID, customerID models.ID, now time.Time) ([]string, error) {
	var rows []models.PayerAgreement
	q := tx.NewSelect().Model(&rows).Where("pag.state = ? AND pag.valid_from <= ? AND pag.valid_until > ?", models.PayerAgreementActive, now, now).
		Order("pag.id").Limit(maxAgreedPayers)
	if customerID != "" {
		q = q.Where("pag.customer_id = ?", customerID)
	} else {
		q = q.Where("pag.partner_id = ?", partnerID)
	}
	err := store.ForShare(q).Scan(ctx)
	payers := make([]string, 0, len(rows)+1)
	for _, agreement := range rows {
		payers = append(payers, agreement.PayerNameBlind)
	}
	return payers, store.Translate(err)
}

// visibleAgreements starts a query of the agreements that a principal may see.
func visibleAgreements(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.PayerAgreements(db.NewSelect().Model((*models.PayerAgreement)(nil)), who)
}

func (f AgreementFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("pag.partner_id = ?", *f.PartnerID)
	}
	if f.CustomerID != nil {
		q = q.Where("pag.customer_id = ?", *f.CustomerID)
	}
	if f.States != nil {
		q = q.Where("pag.state IN (?)", bun.List(f.States))
	}
	return q
}
