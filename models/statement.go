package models

import (
	"time"

	"github.com/uptrace/bun"
)

// StatementDirection says whether an entry of a statement gave to the account or took from it (M12).
type StatementDirection string

// The directions. Vendor codes: 1 or REVENUE, 2 or EXPENSE.
const (
	Income  StatementDirection = "INCOME"
	Expense StatementDirection = "EXPENSE"
)

// Valid reports whether d is one of the two.
func (d StatementDirection) Valid() bool { return d == Income || d == Expense }

// LedgerParty is who stands on the other side of a movement between a partner and its customer or reseller, as far as the
// partner's own ledger names it.
type LedgerParty struct {
	ID   ID
	Name string
}

// StatementEntry is one line of an owner's statement of income and expense: what one transfer did to one of its money
// accounts.
type StatementEntry struct {
	ID           ID
	OwnerID      ID // the partner or customer whose account it is
	AccountID    ID
	AccountType  AccountKind
	Version      int64 // counts the account's entries
	Amount       Money // signed: below zero for an expense
	BalanceAfter Money // of this account
	Transfer     Transfer
	// Customer is the other side of FUND, RECLAIM and RECALL in a partner's statement. It is nil in every other line and for
	// a customer whose account was cancelled (C15).
	Customer *LedgerParty
	// Partner is the other side of such a line when that is a partner too: the distributor's reseller, the reseller's distributor.
	Partner   *LedgerParty
	CreatedAt time.Time
}

// NodeID returns the id of the entry.
func (e StatementEntry) NodeID() ID { return e.ID }

// Place returns what to page by.
func (e StatementEntry) Place() (ID, int64) { return e.AccountID, e.Version }

// Direction tells income from expense by the sign of the amount, which is never zero.
func (e StatementEntry) Direction() StatementDirection {
	if e.Amount.Minor < 0 {
		return Expense
	}
	return Income
}

// TradeType is why the value moved.
func (e StatementEntry) TradeType() TransferKind { return e.Transfer.Kind }

// OrderID is the order that the movement belongs to; zero when there is none.
func (e StatementEntry) OrderID() ID { return e.Transfer.OrderID }

// ReasonOrNil is what whoever moved the value wrote for people; nil when nothing.
func (e StatementEntry) ReasonOrNil() *string { return orNil(e.Transfer.Reason) }

// NamesParty reports whether a partner's statement names the other side of this kind of movement (3.6).
func (k TransferKind) NamesParty() bool {
	return k == TransferFund || k == TransferReclaim || k == TransferRecall
}

// StatementEntryConnection is a page of a statement.
type StatementEntryConnection = Connection[StatementEntry]

// StatementEntryEdge is one line of a statement and its position.
type StatementEntryEdge = Edge[StatementEntry]

// AdjustmentRecord is money that a partner gave to, or took back from, one of its resale customers or resellers (M05).
type AdjustmentRecord struct {
	ID            ID // of the entry in the partner's account
	PartnerID     ID
	OperationType TransferKind // FUND, RECLAIM or RECALL
	Amount        Money        // what moved, above zero
	Customer      *LedgerParty // nil for a reseller, and for a customer whose account was cancelled (C15)
	Reseller      *LedgerParty // nil for a customer
	Memo          *string
	TransferID    ID
	CreatedAt     time.Time
}

// NodeID returns the id to page by.
func (a AdjustmentRecord) NodeID() ID { return a.ID }

// AdjustmentOf reads the record of an adjustment out of the partner's entry.
func AdjustmentOf(e StatementEntry) AdjustmentRecord {
	amount := e.Amount
	if amount.Minor < 0 {
		amount = amount.Neg()
	}
	return AdjustmentRecord{
		ID: e.ID, PartnerID: e.OwnerID, OperationType: e.Transfer.Kind, Amount: amount, Customer: e.Customer, Reseller: e.Partner,
		Memo: e.ReasonOrNil(), TransferID: e.Transfer.ID, CreatedAt: e.CreatedAt,
	}
}

// AdjustmentRecordConnection is a page of adjustment records.
type AdjustmentRecordConnection = Connection[AdjustmentRecord]

// AdjustmentRecordEdge is one adjustment record and its position.
type AdjustmentRecordEdge = Edge[AdjustmentRecord]

// PastBalance is what an owner had in its currency at a moment gone by. What was held or earmarked then is not kept.
type PastBalance struct {
	Total    Money
	Accounts []BalanceAccount // those that had an entry by then
	AsOf     time.Time
}

// OwnerBalance is the balance of one partner or customer.
type OwnerBalance struct {
	OwnerID ID
	Balance Balance
}

// StatementExport is the right to download one statement once. The token itself is not kept, only its digest.
type StatementExport struct {
	bun.BaseModel `bun:"table:statement_exports,alias:se"`

	ID             ID        `bun:"id,pk"`
	TokenHash      []byte    `bun:"token_hash"`
	OrganisationID string    `bun:"organisation_id"` // Principal.OrganisationID of whoever may download it
	OwnerKind      OwnerKind `bun:"owner_kind"`
	OwnerID        ID        `bun:"owner_id"`
	Filter         string    `bun:"filter"` // JSON of the filter, its bounds in time filled in
	CreatedAt      time.Time `bun:"created_at"`
	ExpiresAt      time.Time `bun:"expires_at"`
}
