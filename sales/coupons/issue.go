package coupons

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// IssueCoupons says which customers get a coupon, each of the same kind (V03).
type IssueCoupons struct {
	QuotaID        models.ID
	CustomerIDs    []models.ID     // 1 to 100 resale customers of the partner's, each once
	FaceValue      decimal.Decimal // of each coupon: more than zero, with the currency's digits
	Limits         *Limits         // nil = the quota's; otherwise within them
	EffectiveAt    *time.Time      // nil = the quota's begin, or now; within its period, as the next
	ExpiresAt      *time.Time      // nil = the quota's end
	Memo           *string         // at most 256 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters, made up once per call
	// ActingForPartnerID is the caller's reseller whose quota and customers they are (M07); nil = the caller itself.
	ActingForPartnerID *models.ID
}

// CouponIssue is what became of one customer: its coupon, or why it got none.
type CouponIssue struct {
	CustomerID models.ID
	Coupon     *models.Coupon
	Error      *models.Error
}

// IssuedCoupons are the outcomes in the order asked, and the quota afterwards. A repeated key returns the figures of then.
type IssuedCoupons struct {
	CouponQuota models.CouponQuota
	Results     []CouponIssue
}

// Issue gives customers a coupon each from a quota of their partner's, exactly once; each succeeds or fails alone, and both are on record:
// NOT_FOUND for a customer that is not the partner's own, PRECONDITION_FAILED with the reason ADVISORY_CUSTOMER, CUSTOMER_FROZEN, NOT_WHITELISTED or COUPON_CURRENCY, and
// INSUFFICIENT_BALANCE with the figures once the quota is used up. Partners only, a distributor also for its reseller.
//
// The whole call is refused where nothing may be issued: the reasons of models.CouponQuota.CheckUsable, PARENT_QUOTA_UNUSABLE, and INVALID for limits or a
// validity beyond the quota's.
func (s *Service) Issue(ctx context.Context, who models.Principal, cmd IssueCoupons) (IssuedCoupons, error) {
	if err := mayIssue(who); err != nil {
		return IssuedCoupons{}, err
	}
	memo, err := cmd.check()
	if err != nil {
		return IssuedCoupons{}, err
	}
	asked := struct {
		QuotaID                models.ID
		CustomerIDs            []models.ID
		FaceValue              string
		Limits                 any
		EffectiveAt, ExpiresAt *time.Time
		Memo                   string
		ActingFor              *models.ID
	}{cmd.QuotaID, cmd.CustomerIDs, cmd.FaceValue.String(), cmd.Limits.asked(), cmd.EffectiveAt, cmd.ExpiresAt, memo, cmd.ActingForPartnerID}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "issueCoupons", asked, func(ctx context.Context, tx bun.IDB) (IssuedCoupons, error) {
		return s.issueIn(ctx, tx, who, cmd, memo)
	})
}

func (cmd IssueCoupons) check() (memo string, err error) {
	if err := cmd.QuotaID.Require(models.PrefixCouponQuota, "quotaId"); err != nil {
		return "", err
	}
	if err := checkBatch(cmd.CustomerIDs, models.PrefixCustomer, "customerIds", models.MaxCouponBatch); err != nil {
		return "", err
	}
	if _, err := parseValue(cmd.FaceValue, models.CNY, "faceValue"); err != nil {
		return "", err
	}
	return checkRemark(cmd.Memo, "memo")
}

func (s *Service) issueIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd IssueCoupons, memo string) (IssuedCoupons, error) {
	partner, err := s.issuer(ctx, tx, who, cmd.ActingForPartnerID)
	if err != nil {
		return IssuedCoupons{}, err
	}
	customers, err := selectCustomersForShare(ctx, tx, who, cmd.CustomerIDs)
	if err != nil {
		return IssuedCoupons{}, err
	}
	quota, err := s.lockOwnQuota(ctx, tx, who, partner.ID, cmd.QuotaID)
	if err != nil {
		return IssuedCoupons{}, err
	}
	now := s.now()
	pattern, err := s.pattern(ctx, tx, quota, cmd, now)
	if err != nil {
		return IssuedCoupons{}, err
	}
	pattern.Memo = memo
	whitelist, _, err := selectWhitelist(ctx, tx, partner.ID, false)
	if err != nil {
		return IssuedCoupons{}, err
	}
	before := quota
	done := IssuedCoupons{Results: make([]CouponIssue, len(cmd.CustomerIDs))}
	var made []models.Coupon
	var records []models.CouponRecord
	for i, id := range cmd.CustomerIDs {
		result := &done.Results[i]
		result.CustomerID = id
		customer, visible := customers[id]
		own := visible && customer.PartnerID == partner.ID
		if result.Error = checkCustomer(customer, own, quota, whitelist, pattern.FaceMinor); result.Error != nil {
			records = append(records, s.failedIssue(quota, customer, own, result.Error, memo, now))
			continue
		}
		coupon := pattern
		coupon.ID, coupon.CustomerID = s.IDs(models.PrefixCoupon), id
		quota.BalanceMinor -= coupon.FaceMinor
		made = append(made, coupon)
		result.Coupon = &coupon
	}
	quota.UpdatedAt = now
	done.CouponQuota = quota
	if err := insertCouponRecords(ctx, tx, records); err != nil {
		return IssuedCoupons{}, err
	}
	return done, s.writeIssued(ctx, tx, who, before, quota, made, now)
}

// pattern is the row of every coupon of a call, without its id and customer.
func (s *Service) pattern(ctx context.Context, tx bun.IDB, quota models.CouponQuota, cmd IssueCoupons, now time.Time) (models.Coupon, error) {
	none := models.Coupon{}
	if err := quota.CheckUsable(now); err != nil {
		return none, err
	}
	if quota.ParentID != "" { // not locked: what is frozen at this very moment is frozen for the next
		parents, err := selectVisibleQuotas(ctx, tx, models.SystemPrincipal("coupons"), []models.ID{quota.ParentID})
		if err != nil {
			return none, err
		}
		if parents[quota.ParentID].CheckUsable(now) != nil {
			return none, ErrParentUnusable
		}
	}
	face, err := parseValue(cmd.FaceValue, quota.Currency, "faceValue")
	if err != nil {
		return none, err
	}
	limits, err := cmd.Limits.limits(quota.Currency)
	if err != nil {
		return none, err
	}
	if limits, err = limits.Within(quota.Limits); err != nil {
		return none, err
	}
	begin, end, err := quota.Period(cmd.EffectiveAt, cmd.ExpiresAt, now)
	coupon := models.Coupon{
		Cloud: quota.Cloud, QuotaID: quota.ID, RootID: quota.RootID, PartnerID: quota.PartnerID, Type: quota.Type, Version: models.CouponVersion,
		Currency: quota.Currency, FaceMinor: face, BalanceMinor: face, Status: models.CouponUsable, Limits: limits, EffectiveAt: begin, ExpiresAt: end,
		CreatedAt: now, UpdatedAt: now,
	}
	if begin.After(now) {
		coupon.Status = models.CouponNotActivated
	}
	return coupon, err
}

func checkCustomer(customer models.Customer, own bool, quota models.CouponQuota, whitelist models.CouponWhitelist, face int64) *models.Error {
	switch {
	case !own:
		return ErrCustomerUnknown
	case customer.Mode != models.Resale:
		return ErrAdvisoryCustomer
	case customer.Frozen != models.NotFrozen:
		return ErrCustomerFrozen
	case !whitelist.Allows(customer.ID):
		return ErrNotWhitelisted
	case customer.Currency != quota.Currency || customer.Cloud != quota.Cloud:
		return ErrCurrency
	case face > quota.BalanceMinor:
		return models.AsError(short(quota, face))
	}
	return nil
}

// failedIssue is the row of an issue that did not take effect. It names no customer that is not the partner's.
func (s *Service) failedIssue(quota models.CouponQuota, customer models.Customer, own bool, why *models.Error, memo string, now time.Time) models.CouponRecord {
	record := models.CouponRecord{
		ID: s.IDs(models.PrefixCouponRecord), QuotaID: quota.ID, PartnerID: quota.PartnerID, Operation: models.CouponIssued, Result: models.CouponFailed,
		Failure: failureOf(why), Currency: quota.Currency, Remark: memo, CreatedAt: now,
	}
	if own {
		record.CustomerID = customer.ID
	}
	return record
}

// failureOf is the machine-readable word of a refusal.
func failureOf(err *models.Error) string {
	if reason := err.Reason(); reason != "" {
		return reason
	}
	return string(err.Code)
}

func (s *Service) writeIssued(ctx context.Context, tx bun.IDB, who models.Principal, before, quota models.CouponQuota, made []models.Coupon, now time.Time) error {
	if len(made) == 0 {
		return nil
	}
	if err := updateQuota(ctx, tx, quota); err != nil {
		return err
	}
	if err := insertCoupons(ctx, tx, made); err != nil {
		return err
	}
	specs, moves := make([]ledger.AccountSpec, len(made)), make([]move, len(made))
	due := make([]models.Due, len(made))
	for i, coupon := range made {
		specs[i] = couponAccount(coupon)
		moves[i] = move{models.TransferCouponIssue, coupon.ID, quotaAccount(quota), specs[i], coupon.FaceMinor}
		due[i] = models.Due{Object: coupon.ID, At: coupon.ExpiresAt}
		if coupon.Status == models.CouponNotActivated {
			due[i].At = coupon.EffectiveAt
		}
	}
	if err := s.Ledger.Make(ctx, tx, specs...); err != nil {
		return err
	}
	transfers, err := s.postAll(ctx, tx, who, moves)
	if err != nil {
		return err
	}
	records := make([]models.CouponRecord, len(made))
	happened := []models.Event{quotaEvent(models.EventQuotaChanged, before, quota, before.BalanceMinor-quota.BalanceMinor)}
	for i, coupon := range made {
		records[i] = s.record(coupon, models.CouponIssued, coupon.FaceMinor, now)
		records[i].TransferID, records[i].Remark = transfers[i], coupon.Memo
		event := couponEvent(models.EventCouponIssued, coupon, map[string]any{"type": coupon.Type, "faceValue": coupon.FaceValue().Plain()})
		event.Fields = []string{"status", "balance"}
		event.Changes = []models.FieldChange{
			models.Changed("status", "", coupon.Status), models.Changed("balance", "", coupon.Balance().Plain()),
		}
		happened = append(happened, event)
	}
	if err := insertCouponRecords(ctx, tx, records); err != nil {
		return err
	}
	if err := s.schedule(ctx, tx, models.JobCouponExpire, due...); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, happened...)
}
