package models

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of coupons.
const (
	// MaxCouponLimits is how many services, products and regions a quota or a coupon may be limited to (V03).
	MaxCouponLimits = 10
	// MaxCouponsPerOrder is how many coupons one payment may use (O04).
	MaxCouponsPerOrder = 3
	// CouponVersion is the version of coupons that are issued here: they keep a balance and may be used again (3.7).
	CouponVersion = 2
)

// CouponType says what coupons are, and what a quota's coupons are (3.7).
type CouponType string

// The types. A pickup coupon pays for named products only (V07).
const (
	CouponVoucher CouponType = "VOUCHER"
	CouponPickup  CouponType = "PICKUP"
	CouponCash    CouponType = "CASH"
)

// WireCode returns the vendor's number of the type of a coupon (3.7).
func (t CouponType) WireCode() int {
	switch t {
	case CouponVoucher:
		return 1
	case CouponPickup:
		return 3
	case CouponCash:
		return 4
	}
	return 0
}

// Valid reports whether t is one of the types.
func (t CouponType) Valid() bool { return t.WireCode() != 0 }

// CouponLimits say what coupons pay for. The zero value limits nothing. Where a list is empty, all are meant.
type CouponLimits struct {
	ServiceTypes []string `json:"serviceTypes,omitempty"` // hws.service.type.*; at most MaxCouponLimits, as the next two
	Products     []string `json:"products,omitempty"`     // specification codes
	Regions      []string `json:"regions,omitempty"`

	Currency      Currency `json:"currency,omitempty"` // of the two amounts
	MinOrderMinor *int64   `json:"minOrderMinor,omitempty"`
	MaxOrderMinor *int64   `json:"maxOrderMinor,omitempty"`

	NotWithDiscount bool `json:"notWithDiscount,omitempty"` // only for orders at the list price (simultaneousUseWithEmpowerDiscount)
	// MinDiscount is the share of the list price, above 0 to 1, that an order must at least cost after its discount
	// (minConsumeDiscount); nil = any.
	MinDiscount *decimal.Decimal `json:"minDiscount,omitempty"`
}

// MinOrderAmount returns the least that an order must cost, nil for none.
func (l CouponLimits) MinOrderAmount() *Money { return l.amount(l.MinOrderMinor) }

// MaxOrderAmount returns the most that an order may cost, nil for none.
func (l CouponLimits) MaxOrderAmount() *Money { return l.amount(l.MaxOrderMinor) }

func (l CouponLimits) amount(minor *int64) *Money {
	if minor == nil {
		return nil
	}
	m := NewMoney(*minor, l.Currency)
	return &m
}

// WithDiscount reports whether orders with a discount may be paid, too.
func (l CouponLimits) WithDiscount() bool { return !l.NotWithDiscount }

// Check returns INVALID, naming the field, unless the limits make sense by themselves.
func (l CouponLimits) Check() error {
	for field, codes := range map[string][]string{"limits.serviceTypes": l.ServiceTypes, "limits.products": l.Products, "limits.regions": l.Regions} {
		if len(codes) > MaxCouponLimits {
			return Invalid(field, fmt.Sprintf("At most %d codes.", MaxCouponLimits))
		}
		for i, code := range codes {
			if code == "" || len(code) > 64 || slices.ContainsFunc([]byte(code), func(c byte) bool { return c <= ' ' || c > '~' }) {
				return Invalid(field, "A code has 1 to 64 printable ASCII characters without spaces.")
			}
			if slices.Contains(codes[:i], code) {
				return Invalid(field, "A code is named twice.")
			}
		}
	}
	switch {
	case l.MinOrderMinor != nil && *l.MinOrderMinor < 0:
		return Invalid("limits.minOrderAmount", "The least amount of an order is not negative.")
	case l.MaxOrderMinor != nil && *l.MaxOrderMinor <= 0:
		return Invalid("limits.maxOrderAmount", "The largest amount of an order is above zero.")
	case l.MinOrderMinor != nil && l.MaxOrderMinor != nil && *l.MinOrderMinor > *l.MaxOrderMinor:
		return Invalid("limits.maxOrderAmount", "The largest amount of an order is not below the least.")
	case l.MinDiscount != nil && (!l.MinDiscount.IsPositive() || l.MinDiscount.GreaterThan(decimal.NewFromInt(1)) || l.MinDiscount.Exponent() < -MaxPriceFraction):
		return Invalid("limits.minDiscount", "The least discount is a share of the list price above 0 and up to 1, with at most 10 fraction digits.")
	}
	return nil
}

// Within returns the limits that hold below a parent with these ones: what is asked for where it is narrower, the parent's where
// nothing is asked for. INVALID, naming the field, where more is asked for than the parent allows (V03).
func (l CouponLimits) Within(parent CouponLimits) (CouponLimits, error) {
	for _, list := range []struct {
		field string
		asked *[]string
		given []string
	}{
		{"limits.serviceTypes", &l.ServiceTypes, parent.ServiceTypes}, {"limits.products", &l.Products, parent.Products}, {"limits.regions", &l.Regions, parent.Regions},
	} {
		if len(*list.asked) == 0 {
			*list.asked = list.given
			continue
		}
		for _, code := range *list.asked {
			if len(list.given) > 0 && !slices.Contains(list.given, code) {
				return CouponLimits{}, beyondQuota(list.field)
			}
		}
	}
	switch {
	case parent.MinOrderMinor == nil:
	case l.MinOrderMinor == nil:
		l.MinOrderMinor = parent.MinOrderMinor
	case *l.MinOrderMinor < *parent.MinOrderMinor:
		return CouponLimits{}, beyondQuota("limits.minOrderAmount")
	}
	switch {
	case parent.MaxOrderMinor == nil:
	case l.MaxOrderMinor == nil:
		l.MaxOrderMinor = parent.MaxOrderMinor
	case *l.MaxOrderMinor > *parent.MaxOrderMinor:
		return CouponLimits{}, beyondQuota("limits.maxOrderAmount")
	}
	switch {
	case parent.MinDiscount == nil:
	case l.MinDiscount == nil:
		l.MinDiscount = parent.MinDiscount
	case l.MinDiscount.LessThan(*parent.MinDiscount):
		return CouponLimits{}, beyondQuota("limits.minDiscount")
	}
	l.NotWithDiscount = l.NotWithDiscount || parent.NotWithDiscount
	l.Currency = parent.Currency
	return l, l.Check()
}

func beyondQuota(field string) error { return Invalid(field, "This is more than the quota allows.") }

// CouponLine is a line of an order as coupons look at it.
type CouponLine struct {
	ItemID      ID
	ServiceType string
	Product     string // the specification code
	Region      string
	LeftMinor   int64 // what is still to be paid
}

// CouponPurchase is an order that coupons shall pay for.
type CouponPurchase struct {
	OrderID       ID
	Cloud         string
	CustomerID    ID
	Currency      Currency
	TotalMinor    int64
	OfficialMinor int64 // before discounts
	Lines         []CouponLine
}

// CouponShare is what one coupon pays, or paid, for one line.
type CouponShare struct {
	CouponID    ID
	ItemID      ID
	AmountMinor int64
}

// CouponStatus is the state of a coupon (4.2).
type CouponStatus string

// The states. Vendor codes: 1 to 5 in this order.
const (
	CouponNotActivated CouponStatus = "NOT_ACTIVATED"
	CouponUsable       CouponStatus = "USABLE"
	CouponUsed         CouponStatus = "USED" // to its last minor unit; a refund makes it usable again
	CouponExpired      CouponStatus = "EXPIRED"
	CouponReclaimed    CouponStatus = "RECLAIMED"
)

// WireCode returns the vendor's number of the state (3.7).
func (s CouponStatus) WireCode() int {
	return 1 + slices.Index([]CouponStatus{CouponNotActivated, CouponUsable, CouponUsed, CouponExpired, CouponReclaimed}, s)
}

// Coupon is value that a partner gave to one of its resale customers to pay orders with (1H). What it holds is an account of the ledger, whose
// balance BalanceMinor repeats.
type Coupon struct {
	bun.BaseModel `bun:"table:coupons,alias:cpn" json:"-"`

	ID            ID           `bun:"id,pk"`
	Cloud         string       `bun:"cloud"`
	QuotaID       ID           `bun:"quota_id"`   // it was issued from
	RootID        ID           `bun:"root_id"`    // of that quota; the asset in the ledger
	PartnerID     ID           `bun:"partner_id"` // who issued it
	CustomerID    ID           `bun:"customer_id"`
	Type          CouponType   `bun:"type"`
	Version       int          `bun:"version"` // CouponVersion
	Currency      Currency     `bun:"currency"`
	FaceMinor     int64        `bun:"face_minor"`
	BalanceMinor  int64        `bun:"balance_minor"`
	ReturnedMinor int64        `bun:"returned_minor"` // went back to the quota
	Status        CouponStatus `bun:"status"`
	Limits        CouponLimits `bun:"limits,type:jsonb"`
	Memo          string       `bun:"memo,nullzero"`
	LockedBy      ID           `bun:"locked_by,nullzero"` // the order under way that uses it (V10)
	EffectiveAt   time.Time    `bun:"effective_at"`
	ExpiresAt     time.Time    `bun:"expires_at"` // exclusive
	CreatedAt     time.Time    `bun:"created_at"`
	UpdatedAt     time.Time    `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (c Coupon) NodeID() ID { return c.ID }

// IsNode marks the type as a GraphQL Node.
func (Coupon) IsNode() {}

// FaceValue returns what it was issued with.
func (c Coupon) FaceValue() Money { return NewMoney(c.FaceMinor, c.Currency) }

// Balance returns what is left of it.
func (c Coupon) Balance() Money { return NewMoney(c.BalanceMinor, c.Currency) }

// MemoOrNil returns Memo, or nil when it is empty.
func (c Coupon) MemoOrNil() *string { return orNil(c.Memo) }

// StatusAt returns the state at now, which the stored one follows a moment later.
func (c Coupon) StatusAt(now time.Time) CouponStatus {
	switch {
	case c.Status != CouponNotActivated && c.Status != CouponUsable:
		return c.Status
	case !now.Before(c.ExpiresAt):
		return CouponExpired
	case now.Before(c.EffectiveAt):
		return CouponNotActivated
	}
	return CouponUsable
}

// The refusals of coupons, with machine-readable reasons.
var (
	ErrCouponNotActivated = Precondition("COUPON_NOT_ACTIVATED", "This coupon is not usable yet.")
	ErrCouponUsed         = Precondition("COUPON_USED", "This coupon is used up.")
	ErrCouponExpired      = Precondition("COUPON_EXPIRED", "This coupon has expired.")
	ErrCouponReclaimed    = Precondition("COUPON_RECLAIMED", "This coupon was taken back.")
	ErrCouponLocked       = Precondition("COUPON_LOCKED", "An order under way uses this coupon (V10).")
	ErrCouponCurrency     = Precondition("COUPON_CURRENCY", "This coupon is in another currency than the order.")
	ErrCouponOrderAmount  = Precondition("COUPON_ORDER_AMOUNT", "The amount of the order is out of this coupon's bounds.")
	ErrCouponWithDiscount = Precondition("COUPON_WITH_DISCOUNT", "This coupon does not pay for an order with a discount.")
	ErrCouponDiscount     = Precondition("COUPON_DISCOUNT_TOO_DEEP", "The order's discount is deeper than this coupon allows.")
	ErrCouponNotCovering  = Precondition("COUPON_NOT_APPLICABLE", "This coupon pays for nothing of this order.")
	ErrCouponNothingLeft  = Precondition("COUPON_NOT_NEEDED", "The coupons before it pay for all that this coupon may pay for.")
)

// CheckUsable returns nil when the coupon may be used or taken back at now: it is in USABLE and no order under way but the given one uses it
// (V05, V10). Else PRECONDITION_FAILED: COUPON_NOT_ACTIVATED, COUPON_USED, COUPON_EXPIRED, COUPON_RECLAIMED or COUPON_LOCKED.
func (c Coupon) CheckUsable(order ID, now time.Time) error {
	switch c.StatusAt(now) {
	case CouponNotActivated:
		return ErrCouponNotActivated.of(c.ID)
	case CouponUsed:
		return ErrCouponUsed.of(c.ID)
	case CouponExpired:
		return ErrCouponExpired.of(c.ID)
	case CouponReclaimed:
		return ErrCouponReclaimed.of(c.ID)
	case CouponUsable:
	}
	if c.LockedBy != "" && c.LockedBy != order {
		return ErrCouponLocked.of(c.ID)
	}
	return nil
}

// of returns a copy of the refusal that names the coupon in its details.
func (e *Error) of(coupon ID) *Error {
	named := *e
	named.Details = map[string]any{"reason": e.Reason(), "couponId": string(coupon)}
	return &named
}

// Covers reports whether the coupon may pay for a line: its service, product and region are among the coupon's.
func (c Coupon) Covers(line CouponLine) bool {
	among := func(codes []string, code string) bool { return len(codes) == 0 || slices.Contains(codes, code) }
	return among(c.Limits.ServiceTypes, line.ServiceType) && among(c.Limits.Products, line.Product) && among(c.Limits.Regions, line.Region)
}

// Redeem pays for the lines of an order that the coupon covers, in their order, as far as its balance goes, and takes what it pays from what is
// left of them (O04). It changes neither when it refuses, with PRECONDITION_FAILED: the reasons are those of CheckUsable, COUPON_CURRENCY,
// COUPON_ORDER_AMOUNT, COUPON_WITH_DISCOUNT, COUPON_DISCOUNT_TOO_DEEP, COUPON_NOT_APPLICABLE and COUPON_NOT_NEEDED. The bounds of the order's
// amount are held against its whole total.
func (c *Coupon) Redeem(p CouponPurchase, now time.Time) ([]CouponShare, error) {
	if err := c.checkPurchase(p, now); err != nil {
		return nil, err
	}
	covers := false
	var shares []CouponShare
	for i := range p.Lines {
		line := &p.Lines[i]
		if !c.Covers(*line) {
			continue
		}
		covers = true
		if pays := min(c.BalanceMinor, line.LeftMinor); pays > 0 {
			c.BalanceMinor, line.LeftMinor = c.BalanceMinor-pays, line.LeftMinor-pays
			shares = append(shares, CouponShare{CouponID: c.ID, ItemID: line.ItemID, AmountMinor: pays})
		}
	}
	switch {
	case !covers:
		return nil, ErrCouponNotCovering.of(c.ID)
	case len(shares) == 0:
		return nil, ErrCouponNothingLeft.of(c.ID)
	}
	c.LockedBy, c.UpdatedAt = p.OrderID, now
	c.settle()
	return shares, nil
}

// CouponOffer is a coupon as its customer may choose it for an order.
type CouponOffer struct {
	Coupon    Coupon // with its whole balance
	Place     int    // where the customer put it, from 1; 0 = not chosen
	PaysMinor int64  // what it pays; of one that is not chosen, what it would pay after those that are
	Refusal   *Error // why it pays nothing; nil = it pays
}

// OfferCoupons says what coupons of a customer would pay for an order at now: those that it chose in their order, each after those before it, and what
// each of the others would pay then. One that is refused pays nothing, and those after it pay all the same. The refusals are Redeem's.
func OfferCoupons(p CouponPurchase, chosen, others []Coupon, now time.Time) []CouponOffer {
	p.Lines = slices.Clone(p.Lines)
	offers := make([]CouponOffer, 0, len(chosen)+len(others))
	for i, coupon := range chosen {
		offers = append(offers, offerCoupon(coupon, i+1, p, now))
	}
	for _, coupon := range others {
		alone := p
		alone.Lines = slices.Clone(p.Lines)
		offers = append(offers, offerCoupon(coupon, 0, alone, now))
	}
	return offers
}

func offerCoupon(coupon Coupon, place int, p CouponPurchase, now time.Time) CouponOffer {
	offer := CouponOffer{Coupon: coupon, Place: place}
	shares, err := coupon.Redeem(p, now)
	offer.Refusal = AsError(err)
	for _, share := range shares {
		offer.PaysMinor += share.AmountMinor
	}
	return offer
}

func (c Coupon) checkPurchase(p CouponPurchase, now time.Time) error {
	if err := c.CheckUsable(p.OrderID, now); err != nil {
		return err
	}
	l := c.Limits
	switch {
	case c.Currency != p.Currency || c.Cloud != p.Cloud:
		return ErrCouponCurrency.of(c.ID)
	case l.MinOrderMinor != nil && p.TotalMinor < *l.MinOrderMinor, l.MaxOrderMinor != nil && p.TotalMinor > *l.MaxOrderMinor:
		return ErrCouponOrderAmount.of(c.ID)
	case l.NotWithDiscount && p.TotalMinor < p.OfficialMinor:
		return ErrCouponWithDiscount.of(c.ID)
	case l.MinDiscount != nil && decimal.NewFromInt(p.TotalMinor).LessThan(l.MinDiscount.Mul(decimal.NewFromInt(p.OfficialMinor))):
		return ErrCouponDiscount.of(c.ID)
	}
	return nil
}

// settle makes a coupon without a balance used, and one that has a balance again usable; what has ended stays so.
func (c *Coupon) settle() {
	switch {
	case c.Status == CouponUsable && c.BalanceMinor == 0, c.Status == CouponNotActivated && c.BalanceMinor == 0:
		c.Status = CouponUsed
	case c.Status == CouponUsed && c.BalanceMinor > 0, c.Status == CouponNotActivated: // its time had come, or it could not have been used
		c.Status = CouponUsable
	}
}

// GiveBack puts back what paid for an order. What has ended meanwhile gets it as well: whoever calls sends it on to the quota.
func (c *Coupon) GiveBack(minor int64, now time.Time) {
	c.BalanceMinor, c.UpdatedAt = c.BalanceMinor+minor, now
	c.settle()
}

// End takes what is left back to the quota and returns it, and puts the coupon into the state, EXPIRED or RECLAIMED. One that is used up
// keeps its state.
func (c *Coupon) End(status CouponStatus, now time.Time) (minor int64) {
	minor = c.BalanceMinor
	c.ReturnedMinor, c.BalanceMinor, c.UpdatedAt = c.ReturnedMinor+minor, 0, now
	if c.Status == CouponNotActivated || c.Status == CouponUsable {
		c.Status = status
	}
	return minor
}

// CouponConnection is a page of coupons.
type CouponConnection = Connection[Coupon]

// CouponEdge is one of the coupons and its position.
type CouponEdge = Edge[Coupon]

// CouponOperation says what was done to a coupon (V06).
type CouponOperation string

// The operations. Vendor codes: 1 to 9 in this order.
const (
	CouponIssued            CouponOperation = "ISSUE"
	CouponReclaimedByHand   CouponOperation = "RECLAIM"
	CouponUnbound           CouponOperation = "UNBIND"               // its customer left the partner
	CouponExpiry            CouponOperation = "EXPIRE"               // its validity ended
	CouponUnsubscribed      CouponOperation = "UNSUBSCRIBE"          // what it paid for was given up, or could not be made
	CouponRechargeReversed  CouponOperation = "RECHARGE_REVERSAL"    // the recharge that it was a gift of was refunded
	CouponRelationBegun     CouponOperation = "RELATION_ESTABLISHED" // its customer came to a partner
	CouponModeSwitched      CouponOperation = "MODE_SWITCH"
	CouponResellerTransfers CouponOperation = "RESELLER_TRANSFER" // its customer went to another reseller
)

// CouponOperations returns every operation in the order of the vendor's codes.
func CouponOperations() []CouponOperation {
	return []CouponOperation{
		CouponIssued, CouponReclaimedByHand, CouponUnbound, CouponExpiry, CouponUnsubscribed, CouponRechargeReversed, CouponRelationBegun,
		CouponModeSwitched, CouponResellerTransfers,
	}
}

// WireCode returns the vendor's number of the operation (V06).
func (o CouponOperation) WireCode() int { return 1 + slices.Index(CouponOperations(), o) }

// CouponResult says whether an operation took effect. Vendor codes: 0, -1.
type CouponResult string

// The results.
const (
	CouponSucceeded CouponResult = "SUCCEEDED"
	CouponFailed    CouponResult = "FAILED"
)

// CouponRecord is one operation on a coupon, as the partner's books have it (V05, V06).
type CouponRecord struct {
	bun.BaseModel `bun:"table:coupon_records,alias:cpr" json:"-"`

	ID          ID              `bun:"id,pk"`
	CouponID    ID              `bun:"coupon_id,nullzero"` // zero when none came into being
	QuotaID     ID              `bun:"quota_id"`
	PartnerID   ID              `bun:"partner_id"`
	CustomerID  ID              `bun:"customer_id,nullzero"` // zero when it was not the partner's
	Operation   CouponOperation `bun:"operation"`
	Result      CouponResult    `bun:"result"`
	Failure     string          `bun:"failure,nullzero"` // the reason, or the code, of a refusal
	Currency    Currency        `bun:"currency"`
	AmountMinor int64           `bun:"amount_minor"` // that moved; zero when it failed
	OrderID     ID              `bun:"order_id,nullzero"`
	TransferID  ID              `bun:"transfer_id,nullzero"`
	Remark      string          `bun:"remark,nullzero"`
	CreatedAt   time.Time       `bun:"created_at"`
}

// NodeID returns the id to page by.
func (r CouponRecord) NodeID() ID { return r.ID }

// Amount returns what moved.
func (r CouponRecord) Amount() Money { return NewMoney(r.AmountMinor, r.Currency) }

// FailureOrNil returns Failure, or nil when it is empty.
func (r CouponRecord) FailureOrNil() *string { return orNil(r.Failure) }

// RemarkOrNil returns Remark, or nil when it is empty.
func (r CouponRecord) RemarkOrNil() *string { return orNil(r.Remark) }

// CouponRecordConnection is a page of records.
type CouponRecordConnection = Connection[CouponRecord]

// CouponRecordEdge is one of the records and its position.
type CouponRecordEdge = Edge[CouponRecord]

// CouponUse is what a coupon paid for one line of an order, and what of it came back.
type CouponUse struct {
	bun.BaseModel `bun:"table:coupon_uses,alias:cpu" json:"-"`

	ID            ID        `bun:"id,pk"`
	CouponID      ID        `bun:"coupon_id"`
	PartnerID     ID        `bun:"partner_id"`
	CustomerID    ID        `bun:"customer_id"`
	OrderID       ID        `bun:"order_id"`
	ItemID        ID        `bun:"item_id"`
	Currency      Currency  `bun:"currency"`
	AmountMinor   int64     `bun:"amount_minor"`
	ReturnedMinor int64     `bun:"returned_minor"` // to the coupon, or on to its quota
	TransferID    ID        `bun:"transfer_id"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (u CouponUse) NodeID() ID { return u.ID }

// Amount returns what the coupon paid.
func (u CouponUse) Amount() Money { return NewMoney(u.AmountMinor, u.Currency) }

// Returned returns what of it came back.
func (u CouponUse) Returned() Money { return NewMoney(u.ReturnedMinor, u.Currency) }

// CouponUseConnection is a page of uses.
type CouponUseConnection = Connection[CouponUse]

// CouponUseEdge is one of the uses and its position.
type CouponUseEdge = Edge[CouponUse]
