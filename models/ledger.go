package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"
)

// AccountKind is what an account holds for its owner (M01).
type AccountKind string

// The kinds of account. Vendor codes of the first five: 1, 2, 5, 7, 8.
const (
	AccountBalance     AccountKind = "BALANCE"
	AccountCredit      AccountKind = "CREDIT"
	AccountBonus       AccountKind = "BONUS"
	AccountDeposit     AccountKind = "DEPOSIT"
	AccountAllocatable AccountKind = "ALLOCATABLE"
	AccountRevenue     AccountKind = "REVENUE" // where paid orders go; the cloud's side
	AccountWorld       AccountKind = "WORLD"   // the outside: money comes from here and leaves to it

	// AccountSettlement is what a customer owes on account (O04): never above zero, and no part of a balance.
	AccountSettlement AccountKind = "SETTLEMENT"

	AccountCouponQuota AccountKind = "COUPON_QUOTA" // what a quota may still issue
	AccountCoupon      AccountKind = "COUPON"       // what is left of a coupon
)

// MoneyKinds returns the kinds of account that make up a balance (M01). Allocatable money is a part of the balance that the
// vendor shows apart; revenue and the outside world are nobody's balance.
func MoneyKinds() []AccountKind {
	return []AccountKind{AccountBalance, AccountCredit, AccountBonus, AccountDeposit}
}

// OwnerKind says whose an account is.
type OwnerKind string

// The owners of accounts.
const (
	OwnerPartner  OwnerKind = "PARTNER"
	OwnerCustomer OwnerKind = "CUSTOMER"
	OwnerCloud    OwnerKind = "CLOUD"

	// Coupons and their quotas own themselves: whoever moves one of a customer's does not lock all that it has.
	OwnerCouponQuota OwnerKind = "COUPON_QUOTA"
	OwnerCoupon      OwnerKind = "COUPON"
)

// RevenueShards is over how many accounts the revenue of one cloud and currency is spread.
const RevenueShards = 64

// RevenueOwner returns the owner of the revenue account that a customer's orders are paid into and refunded from: the
// cloud's code, a slash and the number of the shard in two hex digits, as in "hwc/3f". One account for all would make
// every payment wait for every other. The shard is the FNV-1a hash of the customer's id, modulo RevenueShards, so that it is
// the same for ever: whoever changes this splits a customer's revenue over two accounts. The revenue of a cloud is the
// sum over its shards and the account with the bare code, which earlier versions paid into.
func RevenueOwner(cloud string, customer ID) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(customer)) // never fails
	return RevenueShard(cloud, int(hash.Sum32()%RevenueShards))
}

// RevenueShard returns the owner of one shard, 0 to RevenueShards-1, of a cloud's revenue.
func RevenueShard(cloud string, shard int) string { return fmt.Sprintf("%s/%02x", cloud, shard) }

// Account is one balance of one asset. All amounts are minor units of the asset. Balance never falls below Floor except where Floor is nil.
type Account struct {
	bun.BaseModel `bun:"table:accounts,alias:acc"`

	ID             ID          `bun:"id,pk"`
	OwnerKind      OwnerKind   `bun:"owner_kind"`
	OwnerID        string      `bun:"owner_id"` // a partner's, customer's, quota's or coupon's id, the cloud's code, or a RevenueOwner
	Kind           AccountKind `bun:"kind"`
	Asset          string      `bun:"asset"`       // a currency code, or the id of a root coupon quota
	FloorMinor     *int64      `bun:"floor_minor"` // nil = unbounded (the outside world)
	BalanceMinor   int64       `bun:"balance_minor"`
	HeldMinor      int64       `bun:"held_minor"`      // pending debits
	EarmarkedMinor int64       `bun:"earmarked_minor"` // set aside, not free to spend or allocate (M03)
	Version        int64       `bun:"version"`         // number of entries, gapless
	Revision       int64       `bun:"revision"`        // grows by one with every change of the figures above, holds included
	CreatedAt      time.Time   `bun:"created_at"`
	UpdatedAt      time.Time   `bun:"updated_at"`
}

// AvailableMinor returns what may be debited now: balance less held and earmarked money, plus the credit line.
func (a Account) AvailableMinor() int64 {
	floor := int64(0)
	if a.FloorMinor != nil {
		floor = *a.FloorMinor
	}
	return a.BalanceMinor - a.HeldMinor - a.EarmarkedMinor - floor
}

// TransferKind says why value moved (3.6).
type TransferKind string

// The kinds of transfer.
const (
	TransferRecharge   TransferKind = "RECHARGE"
	TransferFund       TransferKind = "FUND"
	TransferReclaim    TransferKind = "RECLAIM"
	TransferRecall     TransferKind = "RECALL" // back to the partner because an association ended (C14)
	TransferPayment    TransferKind = "ORDER_PAYMENT"
	TransferRefund     TransferKind = "ORDER_REFUND"
	TransferWithdrawal TransferKind = "WITHDRAWAL"
	TransferReversal   TransferKind = "REVERSAL"
	TransferAdjust     TransferKind = "ADJUST"
	TransferUsage      TransferKind = "USAGE_SETTLEMENT" // what was used on demand, or given back of it

	TransferSettlement TransferKind = "MONTHLY_SETTLEMENT" // what was bought on account, paid from the balance (O04)

	TransferIncentive TransferKind = "INCENTIVE" // what a partner earned, into its bonus account

	TransferCouponGrant   TransferKind = "COUPON_GRANT"   // into a quota: from outside, or from a distributor's to its reseller's
	TransferCouponIssue   TransferKind = "COUPON_ISSUE"   // from a quota to a coupon
	TransferCouponReclaim TransferKind = "COUPON_RECLAIM" // back up the same way, by hand, by time or by the end of a relation
	TransferCouponPayment TransferKind = "COUPON_PAYMENT" // of an order, beside the money's
	TransferCouponRefund  TransferKind = "COUPON_REFUND"  // back to the coupons that paid
)

// Reversible reports whether an operator may take a transfer of the kind back as it was. A payment is refunded instead, so
// that the order knows of it; recalls and withdrawals have ended something that a reversal would not bring back; and a
// reversal is final.
func (k TransferKind) Reversible() bool {
	return slices.Contains([]TransferKind{TransferFund, TransferReclaim, TransferRecharge, TransferAdjust, TransferRefund}, k)
}

// Transfer is one movement of value, immutable once written. Its entries sum to zero for every asset.
type Transfer struct {
	bun.BaseModel `bun:"table:transfers,alias:t"`

	ID         ID           `bun:"id,pk"`
	Kind       TransferKind `bun:"kind"`
	OrderID    ID           `bun:"order_id,nullzero"`
	SubjectID  ID           `bun:"subject_id,nullzero"`  // the recharge, withdrawal or other record it belongs to
	ReversesID ID           `bun:"reverses_id,nullzero"` // unique: a transfer is reversed at most once
	ActorID    string       `bun:"actor_id"`
	RequestID  string       `bun:"request_id"`
	Reason     string       `bun:"reason,nullzero"`
	CreatedAt  time.Time    `bun:"created_at"`
}

// NodeID returns the id to page by.
func (t Transfer) NodeID() ID { return t.ID }

// Entry is one account's part of a transfer. Version counts the account's entries from 1 without a gap.
type Entry struct {
	bun.BaseModel `bun:"table:entries,alias:e"`

	ID                ID        `bun:"id"`             // found by its account and version, or by its transfer
	TransferID        ID        `bun:"transfer_id,pk"` // which has one entry of an account at most
	AccountID         ID        `bun:"account_id,pk"`
	Asset             string    `bun:"asset"`
	AmountMinor       int64     `bun:"amount_minor"` // signed
	Version           int64     `bun:"version"`
	BalanceAfterMinor int64     `bun:"balance_after_minor"`
	CreatedAt         time.Time `bun:"created_at"`
}

// HoldState is the state of a pending debit.
type HoldState string

// The states of a hold: a pending one is posted, voided or expired, and then stays so.
const (
	HoldPending HoldState = "PENDING"
	HoldPosted  HoldState = "POSTED"
	HoldVoided  HoldState = "VOIDED"
	HoldExpired HoldState = "EXPIRED"
)

// Hold is a pending debit for an order.
type Hold struct {
	bun.BaseModel `bun:"table:holds,alias:h"`

	ID          ID        `bun:"id,pk"`
	AccountID   ID        `bun:"account_id"`
	OrderID     ID        `bun:"order_id,nullzero"`
	AmountMinor int64     `bun:"amount_minor"`
	State       HoldState `bun:"state"`
	TransferID  ID        `bun:"transfer_id,nullzero"`
	ExpiresAt   time.Time `bun:"expires_at"`
	CreatedAt   time.Time `bun:"created_at"`
	UpdatedAt   time.Time `bun:"updated_at"`
}

// IdempotencyKey remembers the first answer to a request that moves value. Kept for good, scoped to the caller's
// organisation.
type IdempotencyKey struct {
	bun.BaseModel `bun:"table:idempotency_keys,alias:ik"`

	Scope       string    `bun:"scope,pk"` // Principal.OrganisationID
	Key         string    `bun:"key,pk"`
	Operation   string    `bun:"operation"`
	RequestHash []byte    `bun:"request_hash"` // SHA-256 of the operation and its input
	Answer      []byte    `bun:"answer"`       // JSON
	CreatedAt   time.Time `bun:"created_at"`
}

// BalanceAnnouncement is a change of balances that the cache and those who watch may not have heard of yet. It is written in
// the transaction of the change and deleted once they have.
type BalanceAnnouncement struct {
	bun.BaseModel `bun:"table:balance_announcements,alias:ba"`

	ID        ID           `bun:"id,pk"`
	Owners    OwnerChanges `bun:"owners"`
	Attempts  int          `bun:"attempts"`
	DueAt     time.Time    `bun:"due_at"` // when a relay takes it up, unless it is gone by then
	CreatedAt time.Time    `bun:"created_at"`
}

// OwnerChange says that the money of a partner or customer is no longer what it was.
type OwnerChange struct {
	Kind OwnerKind
	ID   string
	// Revision is the sum of the revisions of all money accounts of the owner, in every asset, as the change left them. It
	// grows with every change, because the accounts of one owner change one after the other.
	Revision int64
}

// UnmarshalJSON reads [kind, id, revision], as OwnerChanges write it: a batch names hundreds.
func (c *OwnerChange) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&c.Kind, &c.ID, &c.Revision})
}

// OwnerChanges are kept and sent as JSON text.
type OwnerChanges []OwnerChange

// Text returns the changes as JSON.
func (c OwnerChanges) Text() []byte {
	b := append(make([]byte, 0, 2+len(c)*64), '[')
	for i, one := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendJSON(append(b, '['), one.Kind), ',')
		b = append(AppendJSON(b, one.ID), ',')
		b = append(strconv.AppendInt(b, one.Revision, 10), ']')
	}
	return append(b, ']')
}

// Value implements driver.Valuer.
func (c OwnerChanges) Value() (driver.Value, error) { return string(c.Text()), nil }

// Scan implements sql.Scanner.
func (c *OwnerChanges) Scan(stored any) error {
	switch text := stored.(type) {
	case string:
		return json.Unmarshal([]byte(text), (*[]OwnerChange)(c))
	case []byte:
		return json.Unmarshal(text, (*[]OwnerChange)(c))
	}
	return fmt.Errorf("owner changes from %T", stored)
}

// BalanceAccount is one account's part of a Balance.
type BalanceAccount struct {
	Type   AccountKind
	Amount Money
}

// AccountFloor is the floor that an account had up to one of its versions, before its limits were changed.
type AccountFloor struct {
	bun.BaseModel `bun:"table:account_floors,alias:afl"`

	AccountID  ID    `bun:"account_id,pk"`
	Version    int64 `bun:"version,pk"` // the last that it held for
	FloorMinor int64 `bun:"floor_minor"`
}

// Balance is what an owner has in its currency, over its money accounts, as of one moment. Version grows with every
// change, holds included, and orders two answers; AsOf is when it was read from the ledger.
type Balance struct {
	Available Money
	Total     Money
	Held      Money
	Earmarked Money
	// Allocatable is what a partner may hand on: cash less held and earmarked, without a credit line (M01, M03).
	Allocatable Money
	Version     int64
	AsOf        time.Time
	Accounts    []BalanceAccount
}

// BalanceOf adds up the money accounts of one owner in one currency. Accounts of other assets are left out, and what is owed on account.
func BalanceOf(accounts []Account, currency Currency, asOf time.Time) Balance {
	b := Balance{AsOf: asOf}
	var available, total, held, earmarked, allocatable int64
	for _, a := range accounts {
		if a.Asset != string(currency) || a.Kind == AccountSettlement {
			continue
		}
		b.Version += a.Revision
		b.Accounts = append(b.Accounts, BalanceAccount{Type: a.Kind, Amount: NewMoney(a.BalanceMinor, currency)})
		total += a.BalanceMinor
		held += a.HeldMinor
		earmarked += a.EarmarkedMinor
		available += a.AvailableMinor()
		if a.Kind == AccountBalance {
			allocatable += max(a.BalanceMinor-a.HeldMinor-a.EarmarkedMinor, 0)
		}
	}
	b.Available, b.Total = NewMoney(available, currency), NewMoney(total, currency)
	b.Held, b.Earmarked, b.Allocatable = NewMoney(held, currency), NewMoney(earmarked, currency), NewMoney(allocatable, currency)
	return b
}
