package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// RestrictionReason says why an operator restricts an owner's withdrawals (M11).
type RestrictionReason string

// The restrictions that an operator sets, because only people know of them.
const (
	RestrictContract RestrictionReason = "CONTRACT_FORBIDS_REFUND" // nothing may leave
	RestrictDebt     RestrictionReason = "INVOICE_DEBT"            // an amount stays until it is settled
	RestrictGifts    RestrictionReason = "RECHARGE_EARNED_GIFTS"   // an amount of cash stays because gifts were given for it
)

// Valid reports whether r is one of the three.
func (r RestrictionReason) Valid() bool {
	return slices.Contains([]RestrictionReason{RestrictContract, RestrictDebt, RestrictGifts}, r)
}

// NeedsAmount reports whether the restriction keeps an amount back, and not everything.
func (r RestrictionReason) NeedsAmount() bool { return r != RestrictContract }

// WithdrawalRestriction keeps an owner from withdrawing all or some of its money until it is lifted.
type WithdrawalRestriction struct {
	bun.BaseModel `bun:"table:withdrawal_restrictions,alias:wr"`

	ID          ID                `bun:"id,pk"`
	OwnerKind   OwnerKind         `bun:"owner_kind"`
	OwnerID     ID                `bun:"owner_id"`
	Reason      RestrictionReason `bun:"reason"`
	Currency    Currency          `bun:"currency"`
	AmountMinor int64             `bun:"amount_minor"` // 0 when it keeps everything back
	Note        string            `bun:"note"`         // for operators
	CreatedAt   time.Time         `bun:"created_at"`
	LiftedAt    *time.Time        `bun:"lifted_at"`
}

// NodeID returns the id to page by.
func (r WithdrawalRestriction) NodeID() ID { return r.ID }

// AmountOrNil returns what it keeps back, or nil when that is everything.
func (r WithdrawalRestriction) AmountOrNil() *Money {
	if !r.Reason.NeedsAmount() {
		return nil
	}
	m := NewMoney(r.AmountMinor, r.Currency)
	return &m
}

// BlockReason is the machine-readable reason why money may not be withdrawn, or not by this route (M11).
type BlockReason string

// The reasons; the first six keep everything back.
const (
	BlockInFlight          BlockReason = "WITHDRAWAL_IN_FLIGHT"
	BlockReseller          BlockReason = "CLOUD_RESELLER"
	BlockFrozen            BlockReason = "CUSTOMER_FROZEN"
	BlockRoute             BlockReason = "ROUTE_NOT_AVAILABLE"
	BlockContract          BlockReason = "CONTRACT_FORBIDS_REFUND"
	BlockArrears           BlockReason = "CUSTOMERS_IN_ARREARS"
	BlockResale            BlockReason = "RESALE_CUSTOMER"
	BlockDebt              BlockReason = "INVOICE_DEBT"
	BlockGifts             BlockReason = "RECHARGE_EARNED_GIFTS"
	BlockTooOld            BlockReason = "TOO_OLD_FOR_ORIGINAL_ROUTE"
	BlockNoOriginalRoute   BlockReason = "NO_ORIGINAL_ROUTE"
	BlockOriginalFailed    BlockReason = "ORIGINAL_ROUTE_FAILED"
	BlockOriginalRouteOnly BlockReason = "ORIGINAL_ROUTE_ONLY"
)

// words says what a reason means and what may be done about it.
func (r BlockReason) words() (message, suggestion string) {
	switch r {
	case BlockInFlight:
		return "Another withdrawal is under way; there is one at a time (M10).", "Wait until it has ended, or cancel it while it is SUBMITTED."
	case BlockReseller:
		return "A cloud reseller's money came from its distributor and goes back there (M06).", "Ask the distributor to reclaim it with reclaimFromReseller."
	case BlockFrozen:
		return "This customer is frozen; its money cannot be moved.", "Ask the cloud to unfreeze the account."
	case BlockRoute:
		return "Only partners earn incentives, so only they withdraw rebates.", "Use ORIGINAL_ROUTE or BANK_CARD."
	case BlockContract:
		return "The contract forbids refunds.", "Ask the cloud's account manager."
	case BlockArrears:
		return "Resale customers of this partner, or of its resellers, are in arrears.", "Fund them with fundCustomer until none is below zero."
	case BlockResale:
		return "This money came from the partner that the customer buys from, and is the partner's (C02).", "Ask the partner to reclaim it with reclaimFromCustomer."
	case BlockDebt:
		return "Invoices over this amount are owed to the cloud.", "Settle or return the invoices."
	case BlockGifts:
		return "Gifts were given for recharging this amount.", "Spend it, or ask the cloud to take the gifts back."
	case BlockTooOld:
		return "This money was recharged too long ago for its channel to take it back.", "Withdraw it with BANK_CARD."
	case BlockNoOriginalRoute:
		return "This money was not recharged: it was refunded, or came back when a relation changed.", "Withdraw it with BANK_CARD."
	case BlockOriginalFailed:
		return "Paying this money back the way it came has failed.", "Withdraw it with BANK_CARD, or use rerouteWithdrawal."
	case BlockOriginalRouteOnly:
		return "This money can go back the way it came, and so it must.", "Withdraw it with ORIGINAL_ROUTE."
	}
	return "", ""
}

// WithdrawalBlocker is one thing that keeps money back.
type WithdrawalBlocker struct {
	Reason          BlockReason
	BlocksAll       bool   // nothing may be withdrawn by this route while it is there
	Amount          *Money // how much it is about; nil when there is no figure to it
	Message         string
	SuggestedAction string
	RestrictionID   *ID     // the restriction behind it, if an operator set it
	Note            *string // the restriction's, for operators only
}

// WithdrawalEligibility says how much may be withdrawn by one route, and what keeps the rest back.
type WithdrawalEligibility struct {
	Route        WithdrawalRoute
	Withdrawable Money
	Free         Money // in the account that the route takes from, not counting what is held or earmarked
	Blockers     []WithdrawalBlocker
}

// WithdrawalFacts are all that decides about withdrawals of one owner. Amounts are minor units of Currency.
type WithdrawalFacts struct {
	OwnerKind    OwnerKind
	PartnerKind  PartnerKind // of a partner
	Frozen       bool
	ResaleSince  *time.Time // since when a customer spends its partner's money; nil when it does not (C10, O09)
	Currency     Currency
	CashMinor    int64     // in the cash account, less what is held and earmarked; never a credit line
	BonusMinor   int64     // the same of the bonus account
	Receipts     []Receipt // of the cash account, oldest first, as many as LeftOf needs
	PaidOut      []Payout  // from the cash account, oldest first
	Failed       []Payout  // by the original route, without those that got through by another
	Restrictions []WithdrawalRestriction
	ArrearsMinor int64 // by how much resale customers are below zero in all
	InFlight     bool
}

// Eligibility judges one route at now (M11). It always says everything it finds, so that nobody clears one hurdle to meet
// the next.
func (f WithdrawalFacts) Eligibility(route WithdrawalRoute, now time.Time) WithdrawalEligibility {
	e := WithdrawalEligibility{Route: route, Withdrawable: NewMoney(0, f.Currency), Free: NewMoney(max(f.CashMinor, 0), f.Currency)}
	f.blockAll(&e)
	var withdrawable int64
	if route == IncentiveRebate {
		e.Free.Minor = max(f.BonusMinor, 0)
		withdrawable = e.Free.Minor - f.keepBack(&e, RestrictDebt)
	} else {
		withdrawable = f.cash(&e, now)
	}
	if !slices.ContainsFunc(e.Blockers, func(b WithdrawalBlocker) bool { return b.BlocksAll }) {
		e.Withdrawable.Minor = max(withdrawable, 0)
	}
	return e
}

// blockAll adds what keeps everything back.
func (f WithdrawalFacts) blockAll(e *WithdrawalEligibility) {
	if f.OwnerKind == OwnerPartner && f.PartnerKind == CloudReseller {
		e.block(BlockReseller, nil, true)
	}
	if f.OwnerKind == OwnerCustomer && e.Route == IncentiveRebate {
		e.block(BlockRoute, nil, true)
	}
	if f.Frozen {
		e.block(BlockFrozen, nil, true)
	}
	if f.InFlight {
		e.block(BlockInFlight, nil, true)
	}
	for _, restriction := range f.Restrictions {
		if restriction.Reason == RestrictContract {
			e.block(BlockContract, nil, true).of(restriction)
		}
	}
	if f.ArrearsMinor > 0 {
		e.block(BlockArrears, &Money{f.ArrearsMinor, f.Currency}, true)
	}
}

// cash adds what keeps some of the cash back and returns what the route may take.
func (f WithdrawalFacts) cash(e *WithdrawalEligibility, now time.Time) int64 {
	left := LeftOf(f.Receipts, f.PaidOut, e.Free.Minor)
	own := slices.DeleteFunc(slices.Clone(left), func(r Receipt) bool { return f.ResaleSince != nil && !r.At.Before(*f.ResaleSince) })
	ownMinor := sumOf(own)
	if f.ResaleSince != nil && (ownMinor == 0 || ownMinor < e.Free.Minor) {
		// Without any money of its own it is refused for being a resale customer, not for having too little.
		e.block(BlockResale, &Money{e.Free.Minor - ownMinor, f.Currency}, ownMinor == 0)
	}
	pool := ownMinor - f.keepBack(e, RestrictDebt) - f.keepBack(e, RestrictGifts)
	sums := RoutesOf(own, f.Failed, now)
	if e.Route == BankCardRoute {
		e.part(BlockOriginalRouteOnly, sums.OriginalMinor)
		return min(pool, sums.BankCardMinor)
	}
	e.part(BlockTooOld, sums.TooOldMinor)
	e.part(BlockNoOriginalRoute, sums.NeverMinor)
	e.part(BlockOriginalFailed, sums.FailedMinor)
	return min(pool, sums.OriginalMinor)
}

// keepBack adds the restrictions with this reason and returns their sum.
func (f WithdrawalFacts) keepBack(e *WithdrawalEligibility, reason RestrictionReason) (sum int64) {
	for _, restriction := range f.Restrictions {
		if restriction.Reason == reason {
			e.block(BlockReason(reason), restriction.AmountOrNil(), false).of(restriction)
			sum += restriction.AmountMinor
		}
	}
	return sum
}

func sumOf(receipts []Receipt) (sum int64) {
	for _, receipt := range receipts {
		sum += receipt.AmountMinor
	}
	return sum
}

func (e *WithdrawalEligibility) block(reason BlockReason, amount *Money, all bool) *WithdrawalBlocker {
	message, suggestion := reason.words()
	e.Blockers = append(e.Blockers, WithdrawalBlocker{
		Reason: reason, BlocksAll: all, Amount: amount, Message: message, SuggestedAction: suggestion,
	})
	return &e.Blockers[len(e.Blockers)-1]
}

// part adds a blocker for a part of the money, when there is any.
func (e *WithdrawalEligibility) part(reason BlockReason, minor int64) {
	if minor > 0 {
		e.block(reason, &Money{minor, e.Free.Currency}, false)
	}
}

func (b *WithdrawalBlocker) of(restriction WithdrawalRestriction) {
	b.RestrictionID, b.Note = &restriction.ID, orNil(restriction.Note)
}

// Check returns nil when the amount may be withdrawn. It is PRECONDITION_FAILED with the reason of a blocker that keeps
// everything back, else of the one that keeps most back, and INSUFFICIENT_BALANCE when there is not as much at all. Details
// say how much may be withdrawn.
func (e WithdrawalEligibility) Check(amount Money) error {
	var most *WithdrawalBlocker
	for i := range e.Blockers {
		blocker := &e.Blockers[i]
		if blocker.BlocksAll {
			return e.refuse(blocker)
		}
		if blocker.Amount != nil && (most == nil || blocker.Amount.Minor > most.Amount.Minor) {
			most = blocker
		}
	}
	if amount.Minor <= e.Withdrawable.Minor {
		return nil
	}
	if most != nil && amount.Minor <= e.Free.Minor {
		return e.refuse(most)
	}
	return &Error{Code: CodeInsufficientBalance, Message: "The balance does not suffice.", Details: map[string]any{
		"available": e.Withdrawable.Plain(), "required": amount.Plain(), "currency": string(amount.Currency),
	}}
}

func (e WithdrawalEligibility) refuse(b *WithdrawalBlocker) error {
	refused := Precondition(string(b.Reason), b.Message+" "+b.SuggestedAction)
	refused.Details["withdrawable"] = e.Withdrawable.Plain()
	refused.Details["currency"] = string(e.Withdrawable.Currency)
	return refused
}
