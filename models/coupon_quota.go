package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// The bounds of coupon quotas.
const (
	// MaxQuotaReclaims is how many quotas of resellers one call takes back (V08).
	MaxQuotaReclaims = 10
	// MaxCouponBatch is how many customers, coupons or resellers one call names.
	MaxCouponBatch = 100
	// MaxCouponRemark is how many characters a remark or a memo may have (V08).
	MaxCouponRemark = 256
)

// CouponQuotaStatus is the state of a quota (4.2, V09).
type CouponQuotaStatus string

// The states. Vendor codes: 0, 3, 4, 5, 6.
const (
	QuotaNormal    CouponQuotaStatus = "NORMAL"
	QuotaInvalid   CouponQuotaStatus = "INVALID"   // expired, or ended by an operator
	QuotaAdjusting CouponQuotaStatus = "ADJUSTING" // visible and not usable
	QuotaFrozen    CouponQuotaStatus = "FROZEN"
	QuotaReclaimed CouponQuotaStatus = "RECLAIMED" // a reseller's, taken back by its distributor
)

// WireCode returns the vendor's number of the state (3.7).
func (s CouponQuotaStatus) WireCode() int {
	switch s {
	case QuotaInvalid:
		return 3
	case QuotaAdjusting:
		return 4
	case QuotaFrozen:
		return 5
	case QuotaReclaimed:
		return 6
	case QuotaNormal:
	}
	return 0
}

// CanBecome reports whether a quota may move from s to next: between the first three freely, from them to an end, and from an end nowhere.
func (s CouponQuotaStatus) CanBecome(next CouponQuotaStatus) bool {
	open := []CouponQuotaStatus{QuotaNormal, QuotaAdjusting, QuotaFrozen}
	if !slices.Contains(open, s) {
		return false
	}
	return s != next && (slices.Contains(open, next) || next == QuotaInvalid || next == QuotaReclaimed)
}

// CouponQuota is value that a partner may issue as coupons, or a distributor hand on to its resellers (V02, V08). What is left of it is an
// account of the ledger in an asset of its own, the id of its root, and BalanceMinor repeats that account's balance. ValueMinor is always what was handed on
// to children, plus what was issued and did not come back, plus BalanceMinor (I6).
type CouponQuota struct {
	bun.BaseModel `bun:"table:coupon_quotas,alias:cqt" json:"-"`

	ID           ID                `bun:"id,pk"`
	Cloud        string            `bun:"cloud"`
	PartnerID    ID                `bun:"partner_id"`
	ParentID     ID                `bun:"parent_id,nullzero"` // the distributor's, which a reseller's was given from; zero for a root
	RootID       ID                `bun:"root_id"`            // its own id, or its parent's: the asset in the ledger
	Type         CouponType        `bun:"type"`               // of its coupons
	Currency     Currency          `bun:"currency"`
	ValueMinor   int64             `bun:"value_minor"` // less what was taken back
	BalanceMinor int64             `bun:"balance_minor"`
	Status       CouponQuotaStatus `bun:"status"`
	Limits       CouponLimits      `bun:"limits,type:jsonb"`
	Source       CouponQuotaSource `bun:"source"`
	Memo         string            `bun:"memo,nullzero"`
	EffectiveAt  time.Time         `bun:"effective_at"`
	ExpiresAt    time.Time         `bun:"expires_at"` // exclusive
	CreatedAt    time.Time         `bun:"created_at"`
	UpdatedAt    time.Time         `bun:"updated_at"`
}

// CouponQuotaSource says where a quota came from (V02).
type CouponQuotaSource string

// The sources.
const (
	QuotaFromOperator    CouponQuotaSource = "OPERATOR"
	QuotaFromIncentive   CouponQuotaSource = "INCENTIVE"   // converted from what the partner earned
	QuotaFromDistributor CouponQuotaSource = "DISTRIBUTOR" // a reseller's
)

// NodeID returns the id to page by.
func (q CouponQuota) NodeID() ID { return q.ID }

// IsNode marks the type as a GraphQL Node.
func (CouponQuota) IsNode() {}

// Value returns what it is worth: what was granted, less what was taken back.
func (q CouponQuota) Value() Money { return NewMoney(q.ValueMinor, q.Currency) }

// Balance returns what may still be issued or handed on.
func (q CouponQuota) Balance() Money { return NewMoney(q.BalanceMinor, q.Currency) }

// MemoOrNil returns Memo, or nil when it is empty.
func (q CouponQuota) MemoOrNil() *string { return orNil(q.Memo) }

// The refusals of quotas, with machine-readable reasons.
var (
	ErrQuotaInvalid      = Precondition("QUOTA_INVALID", "This quota has ended.")
	ErrQuotaAdjusting    = Precondition("QUOTA_ADJUSTING", "This quota is being adjusted; wait until that is done (V09).")
	ErrQuotaFrozen       = Precondition("QUOTA_FROZEN", "This quota is frozen (V09).")
	ErrQuotaReclaimed    = Precondition("QUOTA_RECLAIMED", "This quota was taken back (V09).")
	ErrQuotaNotEffective = Precondition("QUOTA_NOT_EFFECTIVE", "The period of this quota has not begun.")
	ErrQuotaExpired      = Precondition("QUOTA_EXPIRED", "The period of this quota is over.")
)

// CheckUsable returns nil when something may be issued from the quota at now, else PRECONDITION_FAILED: QUOTA_INVALID, QUOTA_ADJUSTING,
// QUOTA_FROZEN, QUOTA_RECLAIMED, QUOTA_NOT_EFFECTIVE or QUOTA_EXPIRED.
func (q CouponQuota) CheckUsable(now time.Time) error {
	switch q.Status {
	case QuotaInvalid:
		return ErrQuotaInvalid
	case QuotaAdjusting:
		return ErrQuotaAdjusting
	case QuotaFrozen:
		return ErrQuotaFrozen
	case QuotaReclaimed:
		return ErrQuotaReclaimed
	case QuotaNormal:
	}
	switch {
	case now.Before(q.EffectiveAt):
		return ErrQuotaNotEffective
	case !now.Before(q.ExpiresAt):
		return ErrQuotaExpired
	}
	return nil
}

// Period returns the validity of what is given from the quota at now: what is asked for, by default from now, or from the quota's begin, until
// the quota's end. INVALID, naming the field, when it is empty, past, or not within the quota's (V03).
func (q CouponQuota) Period(from, until *time.Time, now time.Time) (begin, end time.Time, err error) {
	begin, end = q.EffectiveAt, q.ExpiresAt
	if begin.Before(now) {
		begin = now
	}
	if from != nil {
		begin = from.UTC().Truncate(time.Microsecond)
	}
	if until != nil {
		end = until.UTC().Truncate(time.Microsecond)
	}
	switch {
	case begin.Before(q.EffectiveAt):
		return begin, end, Invalid("effectiveAt", "This is before the quota's period.")
	case end.After(q.ExpiresAt):
		return begin, end, Invalid("expiresAt", "This is after the quota's period.")
	case !end.After(begin) || !end.After(now):
		return begin, end, Invalid("expiresAt", "The end must be in the future and after the begin.")
	}
	return begin, end, nil
}

// CouponQuotaConnection is a page of quotas.
type CouponQuotaConnection = Connection[CouponQuota]

// CouponQuotaEdge is one of the quotas and its position.
type CouponQuotaEdge = Edge[CouponQuota]

// CouponQuotaOperation says what was done to a quota (V08). Vendor codes: 10, 11.
type CouponQuotaOperation string

// The operations.
const (
	QuotaGrant   CouponQuotaOperation = "GRANT"
	QuotaReclaim CouponQuotaOperation = "RECLAIM"
)

// WireCode returns the vendor's number of the operation (3.7).
func (o CouponQuotaOperation) WireCode() int {
	if o == QuotaReclaim {
		return 11
	}
	return 10
}

// CouponQuotaRecord is value that a quota was given or lost: granted, adjusted by an operator, or taken back by its distributor (V08).
type CouponQuotaRecord struct {
	bun.BaseModel `bun:"table:coupon_quota_records,alias:cqr" json:"-"`

	ID          ID                   `bun:"id,pk"`
	QuotaID     ID                   `bun:"quota_id"`
	PartnerID   ID                   `bun:"partner_id"` // of the quota
	Operation   CouponQuotaOperation `bun:"operation"`
	Currency    Currency             `bun:"currency"`
	AmountMinor int64                `bun:"amount_minor"`
	TransferID  ID                   `bun:"transfer_id"`
	Remark      string               `bun:"remark,nullzero"`
	CreatedAt   time.Time            `bun:"created_at"`
}

// NodeID returns the id to page by.
func (r CouponQuotaRecord) NodeID() ID { return r.ID }

// Amount returns what was given or taken back.
func (r CouponQuotaRecord) Amount() Money { return NewMoney(r.AmountMinor, r.Currency) }

// RemarkOrNil returns Remark, or nil when it is empty.
func (r CouponQuotaRecord) RemarkOrNil() *string { return orNil(r.Remark) }

// CouponQuotaRecordConnection is a page of records.
type CouponQuotaRecordConnection = Connection[CouponQuotaRecord]

// CouponQuotaRecordEdge is one of the records and its position.
type CouponQuotaRecordEdge = Edge[CouponQuotaRecord]

// MaxCouponWhitelist is how many customers a whitelist has.
const MaxCouponWhitelist = 1000

// CouponWhitelist says which customers a partner may issue coupons to, while it is enabled (V03).
type CouponWhitelist struct {
	bun.BaseModel `bun:"table:coupon_whitelists,alias:cwl" json:"-"`

	PartnerID   ID        `bun:"partner_id,pk"`
	Enabled     bool      `bun:"enabled"`
	CustomerIDs []ID      `bun:"customer_ids,type:jsonb"` // at most MaxCouponWhitelist
	UpdatedAt   time.Time `bun:"updated_at"`
}

// Allows reports whether coupons may be issued to the customer.
func (w CouponWhitelist) Allows(customer ID) bool {
	return !w.Enabled || slices.Contains(w.CustomerIDs, customer)
}
