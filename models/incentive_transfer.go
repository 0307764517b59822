package models

import (
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// CompanyIdentity says which company a partner account belongs to, as its papers say and an operator has noted: incentives move between accounts of one
// company only (N12).
type CompanyIdentity struct {
	bun.BaseModel `bun:"table:company_identities,alias:cid"`

	PartnerID          ID        `bun:"partner_id,pk"`
	Country            string    `bun:"country"`             // of registration, ISO 3166-1 alpha-2
	RegistrationNumber string    `bun:"registration_number"` // as of Registration
	Name               string    `bun:"name"`                // as registered
	UpdatedAt          time.Time `bun:"updated_at"`
}

// Same reports whether both are one company.
func (c CompanyIdentity) Same(other CompanyIdentity) bool {
	return c.RegistrationNumber != "" && c.Country == other.Country && c.RegistrationNumber == other.RegistrationNumber
}

// Check brings the identity into the form that is compared, as ParseRegistration does. The error is INVALID with the field.
func (c *CompanyIdentity) Check() error {
	registered, err := ParseRegistration(c.Country, c.RegistrationNumber)
	if err != nil {
		return err
	}
	c.Country, c.RegistrationNumber = registered.Country, registered.Number
	return CheckText(c.Name, "name", 200, false)
}

// MaxTransferStatements bounds how many statements one transfer moves.
const MaxTransferStatements = 100

// IncentiveTransfer is the record of incentives that moved from one account of a company to another, as a support case had it (N12). It never changes.
type IncentiveTransfer struct {
	bun.BaseModel `bun:"table:incentive_transfers,alias:itr"`

	ID               ID        `bun:"id,pk"`
	FromPartnerID    ID        `bun:"from_partner_id"`
	ToPartnerID      ID        `bun:"to_partner_id"`
	CaseNumber       string    `bun:"case_number"`
	Reason           string    `bun:"reason"`
	Currency         Currency  `bun:"currency"`
	PerformanceMinor int64     `bun:"performance_minor"` // of all that moved
	TotalMinor       int64     `bun:"total_minor"`       // of the statements whose figures stand
	CreatedAt        time.Time `bun:"created_at"`
}

// NodeID returns the id to page by.
func (t IncentiveTransfer) NodeID() ID { return t.ID }

// IsNode marks the type as a GraphQL Node.
func (IncentiveTransfer) IsNode() {}

// Performance is that of all that moved.
func (t IncentiveTransfer) Performance() Money { return NewMoney(t.PerformanceMinor, t.Currency) }

// Total is that of the statements whose figures stand; what an estimate brings is worked out anew where it went.
func (t IncentiveTransfer) Total() Money { return NewMoney(t.TotalMinor, t.Currency) }

// IncentiveTransferItem is one statement of a transfer, as it was before, and where it went.
type IncentiveTransferItem struct {
	bun.BaseModel `bun:"table:incentive_transfer_items,alias:iti"`

	TransferID       ID              `bun:"transfer_id,pk"`
	StatementID      ID              `bun:"statement_id,pk"`      // of the old account
	ReceivedID       ID              `bun:"received_id,nullzero"` // of the new one; zero for an estimate, whose lines go into the new account's own
	Period           BillingCycle    `bun:"period"`
	Status           StatementStatus `bun:"status"` // before
	Currency         Currency        `bun:"currency"`
	PerformanceMinor int64           `bun:"performance_minor"`
	TotalMinor       int64           `bun:"total_minor"`        // 0 for an estimate
	Lines            int64           `bun:"lines"`              // how many performance lines moved; 0 when its figures stand
	PayoutID         ID              `bun:"payout_id,nullzero"` // that was not begun and taken back for it
}

// Performance is what moved.
func (i IncentiveTransferItem) Performance() Money { return NewMoney(i.PerformanceMinor, i.Currency) }

// Total is what moved.
func (i IncentiveTransferItem) Total() Money { return NewMoney(i.TotalMinor, i.Currency) }

// PayoutIDOrNil is nil unless a payout was taken back.
func (i IncentiveTransferItem) PayoutIDOrNil() *ID { return orNil(i.PayoutID) }

// ErrNothingToTransfer refuses a transfer of nothing.
var ErrNothingToTransfer = Precondition("TRANSFER_NOTHING", "Nothing of the account is open that could move.")

// MayTransfer is nil when the incentives of one account may move to another (N12): both are solution providers of one company, which signed with the same
// entity of the same cloud, and have one currency. Reasons TRANSFER_TO_ITSELF, TRANSFER_KIND, TRANSFER_COMPANY, TRANSFER_SIGNING_ENTITY,
// TRANSFER_CURRENCY.
func MayTransfer(from, to Partner, own, others CompanyIdentity) error {
	switch {
	case from.ID == to.ID:
		return Precondition("TRANSFER_TO_ITSELF", "An account does not pass its incentives on to itself.")
	case from.Kind != SolutionProvider || to.Kind != SolutionProvider:
		return Precondition("TRANSFER_KIND", "Incentives move between accounts of solution providers only (N12).")
	case !own.Same(others):
		return Precondition("TRANSFER_COMPANY", "Both accounts must be noted as of one company (N12).")
	case from.Cloud != to.Cloud || from.SigningEntity != to.SigningEntity:
		return Precondition("TRANSFER_SIGNING_ENTITY", "The accounts have signed with different legal entities of the cloud.")
	case from.Currency != to.Currency:
		return Precondition("TRANSFER_CURRENCY", "The accounts have different currencies.")
	}
	return nil
}

// Movable is nil when a statement may go to another account in a currency: TRANSFER_CURRENCY, STATEMENT_DONE, STATEMENT_TRANSFERRED.
func (s IncentiveStatement) Movable(currency Currency) error {
	switch {
	case s.Currency != currency:
		return Precondition("TRANSFER_CURRENCY", "A statement is in another currency than the accounts.")
	case s.Status == StatementDone:
		return Precondition("STATEMENT_DONE", "A statement is paid out.")
	case s.Status == StatementTransferred:
		return Precondition("STATEMENT_TRANSFERRED", "A statement was moved to another account before.")
	}
	return nil
}

// MovedLines are what a performance line that moves becomes: one that takes it off the old account, in the same month, and one that counts it for the
// new. The line itself stays. Together with it the first comes to nothing.
func MovedLines(line PerformanceLine, to ID, now time.Time) (out, in PerformanceLine) {
	out, in = line, line
	out.SourceID, out.Cause, out.AmountMinor, out.CountedMinor, out.CreatedAt = MovedSource(line.ID), CauseMovedOut, -line.AmountMinor, -line.CountedMinor, now
	in.SourceID, in.Cause, in.PartnerID, in.CreatedAt = fmt.Sprintf("received:%s", line.ID), CauseMovedIn, to, now
	return out, in
}

// MovedSource is the source of the line that takes another one off its account: a line moves once.
func MovedSource(line ID) string { return "moved:" + string(line) }

// IncentiveTransferConnection is a page of transfers.
type IncentiveTransferConnection = Connection[IncentiveTransfer]

// IncentiveTransferEdge is one of the transfers and its position.
type IncentiveTransferEdge = Edge[IncentiveTransfer]
