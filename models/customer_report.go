package models

import (
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"
)

// ReportState is the state of a report (C16).
type ReportState string

// The states. LINKED, EXPIRED and WITHDRAWN are final; a failed report may be invited again while it is valid.
const (
	ReportReported  ReportState = "REPORTED"
	ReportInvited   ReportState = "INVITED"
	ReportLinked    ReportState = "LINKED"
	ReportFailed    ReportState = "FAILED"
	ReportExpired   ReportState = "EXPIRED"
	ReportWithdrawn ReportState = "WITHDRAWN"
)

// LiveReportStates are those in which a report keeps its company for its partner.
func LiveReportStates() []ReportState {
	return []ReportState{ReportReported, ReportInvited, ReportFailed}
}

// CustomerReport says that a partner expects a company to become its customer (报备, C06, C16).
type CustomerReport struct {
	bun.BaseModel `bun:"table:customer_reports,alias:crp"`

	ID          ID          `bun:"id,pk"`
	PartnerID   ID          `bun:"partner_id"`
	State       ReportState `bun:"state"`
	Company     string      `bun:"company"`
	CompanyKey  string      `bun:"company_key"` // see CompanyKey
	AccountName string      `bun:"account_name,nullzero"`
	CompanyID   ID          `bun:"company_id,nullzero"`          // of the register of companies; zero = reported by its name alone
	Number      string      `bun:"registration_number,nullzero"` // of that company, as it was when it was reported
	EmailSealed []byte      `bun:"email_sealed" json:"-"`
	EmailBlind  string      `bun:"email_blind" json:"-"`
	Failure     string      `bun:"failure,nullzero"` // a ReportFailure
	CustomerID  ID          `bun:"customer_id,nullzero"`
	ExpiresAt   time.Time   `bun:"expires_at"`
	CreatedAt   time.Time   `bun:"created_at"`
	UpdatedAt   time.Time   `bun:"updated_at"`

	Email *string `bun:"-" json:"-"`
}

// NodeID returns the id to page by.
func (r CustomerReport) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (CustomerReport) IsNode() {}

// AccountNameOrNil returns AccountName, or nil when it is empty.
func (r CustomerReport) AccountNameOrNil() *string { return orNil(r.AccountName) }

// RegistrationNumberOrNil returns Number, or nil when it is empty.
func (r CustomerReport) RegistrationNumberOrNil() *string { return orNil(r.Number) }

// Live reports whether the report lets its partner invite and associate at now.
func (r CustomerReport) Live(now time.Time) bool {
	switch r.State {
	case ReportReported, ReportInvited, ReportFailed:
		return now.Before(r.ExpiresAt)
	}
	return false
}

// Become moves the report on, or is PRECONDITION_FAILED: REPORT_EXPIRED when its validity is over, REPORT_CLOSED when it was
// linked or withdrawn before.
func (r *CustomerReport) Become(next ReportState, now time.Time) error {
	switch {
	case r.State == ReportLinked, r.State == ReportWithdrawn, next == ReportReported:
		return Precondition("REPORT_CLOSED", "This report has led to an association or was withdrawn before.")
	case next != ReportExpired && !r.Live(now):
		return Precondition("REPORT_EXPIRED", "The validity of this report is over; report the company again.")
	}
	r.State, r.UpdatedAt = next, now
	if next != ReportFailed {
		r.Failure = ""
	}
	return nil
}

// Reasons of a failure that are no RelationBlock.
const (
	FailureRefused = "CUSTOMER_REFUSED" // the customer said no
	FailureMail    = "MAIL_REFUSED"     // the e-mail could not be delivered
)

// InvitationFailure says why an invitation, or the report behind it, has not led to an association (C16).
type InvitationFailure struct {
	Code            string
	Message         string
	SuggestedAction string
}

// FailureOf returns the words for the code of a failure, or nil for none.
func FailureOf(code string) *InvitationFailure {
	switch code {
	case "":
		return nil
	case FailureRefused:
		return &InvitationFailure{code, "The customer has refused the invitation.", "Talk to the customer, and invite it again."}
	case FailureMail:
		return &InvitationFailure{code, "The e-mail could not be delivered.", "Check the address, and invite again or hand over a link."}
	}
	message, suggestion := RelationBlock(code).words()
	return &InvitationFailure{code, message, suggestion}
}

// FailureOrNil says why the report has failed, or is nil when it has not.
func (r CustomerReport) FailureOrNil() *InvitationFailure { return FailureOf(r.Failure) }

// CompanyKey is what makes two spellings of a company's name one: without case, with single spaces.
func CompanyKey(name string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(name, unicode.IsSpace), " "))
}

// CustomerReportConnection is a page of reports.
type CustomerReportConnection = Connection[CustomerReport]

// CustomerReportEdge is one of the reports and its position.
type CustomerReportEdge = Edge[CustomerReport]
