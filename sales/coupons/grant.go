package coupons

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// GrantCouponQuota says what quota to give to which partner (V02).
type GrantCouponQuota struct {
	PartnerID      models.ID
	Type           models.CouponType
	Value          decimal.Decimal // more than zero, with the currency's digits; the currency is the partner's
	Limits         *Limits         // nil = none
	EffectiveAt    *time.Time      // nil = now
	ExpiresAt      time.Time       // exclusive; in the future
	Memo           *string         // at most 256 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters, made up once per grant
}

// QuotaChange is a quota after a change. A repeated key returns the figures of then.
type QuotaChange struct{ CouponQuota models.CouponQuota }

// GrantQuota gives a distributor or a solution provider a quota, exactly once. Operators only, with COUPONS_WRITE. PRECONDITION_FAILED with the
// reason RESELLER_QUOTA for a cloud reseller, whose distributor gives it one.
func (s *Service) GrantQuota(ctx context.Context, who models.Principal, cmd GrantCouponQuota) (QuotaChange, error) {
	if err := mayGrant(who); err != nil {
		return QuotaChange{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return QuotaChange{}, err
	}
	if _, err := parseValue(cmd.Value, models.CNY, "value"); err != nil { // before it is written out
		return QuotaChange{}, err
	}
	asked := struct {
		PartnerID   models.ID
		Type        models.CouponType
		Value       string
		Limits      any
		EffectiveAt *time.Time
		ExpiresAt   time.Time
		Memo        *string
	}{cmd.PartnerID, cmd.Type, cmd.Value.String(), cmd.Limits.asked(), cmd.EffectiveAt, cmd.ExpiresAt, cmd.Memo}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "grantCouponQuota", asked, func(ctx context.Context, tx bun.IDB) (QuotaChange, error) {
		quota, err := s.GrantIn(ctx, tx, who, Grant{
			PartnerID: cmd.PartnerID, Type: cmd.Type, Value: cmd.Value, Limits: cmd.Limits, EffectiveAt: cmd.EffectiveAt, ExpiresAt: cmd.ExpiresAt,
			Memo: cmd.Memo, Source: models.QuotaFromOperator,
		})
		return QuotaChange{CouponQuota: quota}, err
	})
}

func mayGrant(who models.Principal) error {
	if err := access.Require(who, models.WriteCoupons); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorGrants
	}
	return nil
}

// Grant is a quota that a partner gets from the cloud.
type Grant struct {
	PartnerID   models.ID
	Type        models.CouponType
	Value       decimal.Decimal
	Limits      *Limits
	EffectiveAt *time.Time
	ExpiresAt   time.Time
	Memo        *string
	Source      models.CouponQuotaSource // an operator, or what the partner earned
}

// GrantIn gives a partner a quota in the caller's transaction, which has decided that it may have one: for GrantQuota, and for the payment of
// incentives as a quota of vouchers (V02). It refuses as GrantQuota does.
func (s *Service) GrantIn(ctx context.Context, tx bun.IDB, who models.Principal, g Grant) (models.CouponQuota, error) {
	partner, found, err := selectPartnerForShare(ctx, tx, models.SystemPrincipal("coupons"), g.PartnerID)
	switch {
	case err != nil:
		return models.CouponQuota{}, err
	case !found:
		return models.CouponQuota{}, ErrPartnerUnknown
	case partner.Kind == models.CloudReseller:
		return models.CouponQuota{}, ErrResellersQuota
	}
	quota, err := s.granted(g, partner)
	if err != nil {
		return models.CouponQuota{}, err
	}
	if err := insertQuotas(ctx, tx, []models.CouponQuota{quota}); err != nil {
		return models.CouponQuota{}, err
	}
	transfer, err := s.post(ctx, tx, who, models.TransferCouponGrant, quota.ID, outside(quota), quotaAccount(quota), quota.ValueMinor)
	if err != nil {
		return models.CouponQuota{}, err
	}
	if err := insertQuotaRecords(ctx, tx, []models.CouponQuotaRecord{s.quotaRecord(quota, models.QuotaGrant, quota.ValueMinor, transfer, quota.Memo)}); err != nil {
		return models.CouponQuota{}, err
	}
	if err := s.schedule(ctx, tx, models.JobQuotaExpire, models.Due{Object: quota.ID, At: quota.ExpiresAt}); err != nil {
		return models.CouponQuota{}, err
	}
	return quota, s.Events.Record(ctx, tx, who, quotaEvent(models.EventQuotaGranted, models.CouponQuota{}, quota, quota.ValueMinor))
}

// granted is the row of a grant.
func (s *Service) granted(g Grant, partner models.Partner) (models.CouponQuota, error) {
	now := s.now()
	none := models.CouponQuota{}
	if !g.Type.Valid() {
		return none, models.Invalid("type", "The type is VOUCHER, PICKUP or CASH.")
	}
	value, err := parseValue(g.Value, partner.Currency, "value")
	if err != nil {
		return none, err
	}
	limits, err := g.Limits.limits(partner.Currency)
	if err != nil {
		return none, err
	}
	if g.Type == models.CouponPickup && len(limits.Products) == 0 {
		return none, ErrPickupNeedsProduct
	}
	memo, err := checkRemark(g.Memo, "memo")
	if err != nil {
		return none, err
	}
	quota := models.CouponQuota{
		ID: s.IDs(models.PrefixCouponQuota), Cloud: partner.Cloud, PartnerID: partner.ID, Type: g.Type, Currency: partner.Currency, ValueMinor: value,
		BalanceMinor: value, Status: models.QuotaNormal, Limits: limits, Source: g.Source, Memo: memo, EffectiveAt: now,
		ExpiresAt: g.ExpiresAt.UTC().Truncate(time.Microsecond), CreatedAt: now, UpdatedAt: now,
	}
	quota.RootID = quota.ID
	if g.EffectiveAt != nil {
		quota.EffectiveAt = g.EffectiveAt.UTC().Truncate(time.Microsecond)
	}
	if !quota.ExpiresAt.After(now) || !quota.ExpiresAt.After(quota.EffectiveAt) {
		return none, models.Invalid("expiresAt", "A quota ends in the future and after it begins.")
	}
	return quota, nil
}

func (s *Service) quotaRecord(q models.CouponQuota, operation models.CouponQuotaOperation, minor int64, transfer models.ID, remark string) models.CouponQuotaRecord {
	return models.CouponQuotaRecord{
		ID: s.IDs(models.PrefixCouponQuotaRecord), QuotaID: q.ID, PartnerID: q.PartnerID, Operation: operation, Currency: q.Currency,
		AmountMinor: minor, TransferID: transfer, Remark: remark, CreatedAt: q.UpdatedAt,
	}
}

// AdjustCouponQuota says what a quota shall be worth.
type AdjustCouponQuota struct {
	QuotaID        models.ID       // given by operators; a reseller's is its distributor's to take back
	Value          decimal.Decimal // what it shall be worth in all: more than zero, not less than what is handed on and issued
	Reason         string          // one line of 1 to 256 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters, made up once per adjustment
}

// AdjustQuota gives a quota another value, exactly once, also while it is ADJUSTING or FROZEN. Operators only. PRECONDITION_FAILED: QUOTA_IN_USE
// with what is handed on and issued as used, QUOTA_UNCHANGED, QUOTA_INVALID for one that has ended, RESELLER_QUOTA.
func (s *Service) AdjustQuota(ctx context.Context, who models.Principal, cmd AdjustCouponQuota) (QuotaChange, error) {
	if err := mayGrant(who); err != nil {
		return QuotaChange{}, err
	}
	if err := cmd.QuotaID.Require(models.PrefixCouponQuota, "quotaId"); err != nil {
		return QuotaChange{}, err
	}
	if _, err := parseValue(cmd.Value, models.CNY, "value"); err != nil {
		return QuotaChange{}, err
	}
	reason, err := checkReason(cmd.Reason)
	if err != nil {
		return QuotaChange{}, err
	}
	asked := struct {
		QuotaID       models.ID
		Value, Reason string
	}{cmd.QuotaID, cmd.Value.String(), reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "adjustCouponQuota", asked, func(ctx context.Context, tx bun.IDB) (QuotaChange, error) {
		quota, err := s.lockQuota(ctx, tx, who, cmd.QuotaID)
		if err != nil {
			return QuotaChange{}, err
		}
		return s.adjustIn(ctx, tx, who, quota, cmd.Value, reason)
	})
}

func (s *Service) adjustIn(ctx context.Context, tx bun.IDB, who models.Principal, quota models.CouponQuota, to decimal.Decimal, reason string) (QuotaChange, error) {
	value, err := parseValue(to, quota.Currency, "value")
	if err != nil {
		return QuotaChange{}, err
	}
	used := quota.ValueMinor - quota.BalanceMinor
	switch {
	case quota.ParentID != "":
		return QuotaChange{}, ErrResellersQuota
	case quota.Status == models.QuotaInvalid:
		return QuotaChange{}, models.ErrQuotaInvalid
	case value == quota.ValueMinor:
		return QuotaChange{}, ErrSameValue
	case value < used:
		refusal := models.Precondition(ErrQuotaInUse.Reason(), ErrQuotaInUse.Message)
		refusal.Details["used"] = models.NewMoney(used, quota.Currency).Plain()
		return QuotaChange{}, refusal
	}
	before, more := quota, value-quota.ValueMinor
	quota.ValueMinor, quota.BalanceMinor, quota.UpdatedAt = value, quota.BalanceMinor+more, s.now()
	kind, operation, from, into, minor := models.TransferCouponGrant, models.QuotaGrant, outside(quota), quotaAccount(quota), more
	if more < 0 {
		kind, operation, from, into, minor = models.TransferCouponReclaim, models.QuotaReclaim, into, from, -more
	}
	transfer, err := s.post(ctx, tx, who, kind, quota.ID, from, into, minor)
	if err != nil {
		return QuotaChange{}, err
	}
	if err := updateQuota(ctx, tx, quota); err != nil {
		return QuotaChange{}, err
	}
	if err := insertQuotaRecords(ctx, tx, []models.CouponQuotaRecord{s.quotaRecord(quota, operation, minor, transfer, reason)}); err != nil {
		return QuotaChange{}, err
	}
	return QuotaChange{CouponQuota: quota}, s.Events.Record(ctx, tx, who, quotaEvent(models.EventQuotaChanged, before, quota, minor))
}

// SetCouponQuotaStatus says which state a quota shall have.
type SetCouponQuotaStatus struct {
	QuotaID models.ID
	Status  models.CouponQuotaStatus // NORMAL, ADJUSTING, FROZEN, or INVALID for good
	Reason  string                   // one line of 1 to 256 characters; no personal data
}

// SetQuotaStatus freezes a quota, puts it under adjustment, releases it, or ends it (V09). What was issued from it stays usable; nothing is
// issued from it, nor from quotas that were given from it, while it is not NORMAL. Operators only. QUOTA_STATE is the reason of PRECONDITION_FAILED for
// a move that models.CouponQuotaStatus.CanBecome does not allow.
func (s *Service) SetQuotaStatus(ctx context.Context, who models.Principal, cmd SetCouponQuotaStatus) (QuotaChange, error) {
	if err := mayGrant(who); err != nil {
		return QuotaChange{}, err
	}
	if err := cmd.QuotaID.Require(models.PrefixCouponQuota, "quotaId"); err != nil {
		return QuotaChange{}, err
	}
	reason, err := checkReason(cmd.Reason)
	if err != nil {
		return QuotaChange{}, err
	}
	var done QuotaChange
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		quota, err := s.lockQuota(ctx, tx, who, cmd.QuotaID)
		if err != nil {
			return err
		}
		if !quota.Status.CanBecome(cmd.Status) || cmd.Status == models.QuotaReclaimed {
			return ErrQuotaState
		}
		before := quota
		quota.Status, quota.UpdatedAt = cmd.Status, s.now()
		done.CouponQuota = quota
		if err := updateQuota(ctx, tx, quota); err != nil {
			return err
		}
		event := quotaEvent(models.EventQuotaChanged, before, quota, 0)
		event.Data["reason"] = reason
		return s.Events.Record(ctx, tx, who, event)
	})
	return done, err
}

func checkReason(text string) (string, error) {
	reason, err := checkRemark(&text, "reason")
	if err == nil && reason == "" {
		err = models.Invalid("reason", fmt.Sprintf("Say why, in 1 to %d characters.", models.MaxCouponRemark))
	}
	return reason, err
}

// lockQuota locks one quota that the caller may see.
func (s *Service) lockQuota(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.CouponQuota, error) {
	seen, err := selectVisibleQuotas(ctx, tx, who, []models.ID{id})
	if err != nil {
		return models.CouponQuota{}, err
	}
	if _, visible := seen[id]; !visible {
		return models.CouponQuota{}, ErrQuotaUnknown
	}
	locked, err := selectQuotasForUpdate(ctx, tx, []models.ID{id})
	return locked[id], err
}
