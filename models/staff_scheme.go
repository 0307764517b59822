package models

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of a scheme of dedicated staff.
const (
	MaxStaffHeads    = 100 // people at once
	MaxStaffPeople   = 500 // people ever
	MaxStaffRates    = 20
	MaxStaffCriteria = 10
	// StaffRateDigits is how many fraction digits a day rate and a weight have at most.
	StaffRateDigits = 8
)

// StaffSchemeState is where a partner stands with a scheme of dedicated staff (N07, 4.2).
type StaffSchemeState string

// The states.
const (
	StaffInvited   StaffSchemeState = "INVITED"   // by an operator; nobody else may ask
	StaffRequested StaffSchemeState = "REQUESTED" // the partner has signed and asks to be eligible
	StaffApproved  StaffSchemeState = "APPROVED"
	StaffRejected  StaffSchemeState = "REJECTED"
	StaffWithdrawn StaffSchemeState = "WITHDRAWN" // by the partner, which may ask again
	StaffRevoked   StaffSchemeState = "REVOKED"   // the invitation was taken back
	StaffLapsed    StaffSchemeState = "LAPSED"    // the year was over before it was approved
)

// StaffSchemeStates returns every state, in a fixed order.
func StaffSchemeStates() []StaffSchemeState {
	return []StaffSchemeState{StaffInvited, StaffRequested, StaffApproved, StaffRejected, StaffWithdrawn, StaffRevoked, StaffLapsed}
}

// CanBecome reports whether a scheme may move from s to next.
func (s StaffSchemeState) CanBecome(next StaffSchemeState) bool {
	var to []StaffSchemeState
	switch s {
	case StaffInvited:
		to = []StaffSchemeState{StaffRequested, StaffRevoked, StaffLapsed}
	case StaffRequested:
		to = []StaffSchemeState{StaffApproved, StaffRejected, StaffWithdrawn, StaffLapsed}
	case StaffWithdrawn:
		to = []StaffSchemeState{StaffRequested, StaffRevoked, StaffLapsed}
	case StaffApproved, StaffRejected, StaffRevoked, StaffLapsed:
	}
	return slices.Contains(to, next)
}

// StaffRate is what a day of a role is worth.
type StaffRate struct {
	Role    string          `json:"role"`    // a code, unique in the scheme
	DayRate decimal.Decimal `json:"dayRate"` // above zero, in the scheme's currency, at most StaffRateDigits fraction digits
}

// StaffCriterion is something that a month's work is measured by.
type StaffCriterion struct {
	Code   string          `json:"code"` // unique in the scheme
	Name   string          `json:"name"`
	Weight decimal.Decimal `json:"weight"` // a fraction above zero; the weights of a scheme come to 1
}

// StaffAgreement says that the agreement of a scheme was signed. The signatory's name is sealed.
type StaffAgreement struct {
	Version   string
	Signatory string // who signed for the partner
	SignedBy  string // the credential: Principal.ActorID
	SignedAt  time.Time
}

// StaffScheme is the invitation of one partner to have staff dedicated to the cloud paid for in one year, and what became of it (N07).
type StaffScheme struct {
	bun.BaseModel `bun:"table:staff_schemes,alias:sfs"`

	ID               ID               `bun:"id,pk"`
	PartnerID        ID               `bun:"partner_id"`
	Code             string           `bun:"code"` // of the scheme; a partner has it once a year
	Name             string           `bun:"name"`
	Year             int              `bun:"year"` // in UTC+8
	State            StaffSchemeState `bun:"state"`
	Currency         Currency         `bun:"currency"` // the partner's
	Rates            []StaffRate      `bun:"rates,type:jsonb"`
	Criteria         []StaffCriterion `bun:"criteria,type:jsonb"`
	HeadCount        int              `bun:"head_count"`        // how many people at once
	AgreementVersion string           `bun:"agreement_version"` // that is to be signed
	SignedVersion    string           `bun:"signed_version,nullzero"`
	SignatorySealed  []byte           `bun:"signatory_sealed" json:"-"`
	SignedBy         string           `bun:"signed_by,nullzero"`
	SignedAt         *time.Time       `bun:"signed_at"` // nil = never
	Reason           string           `bun:"reason,nullzero"`
	DecidedAt        *time.Time       `bun:"decided_at"`
	CreatedAt        time.Time        `bun:"created_at"`
	UpdatedAt        time.Time        `bun:"updated_at"`

	Signatory string `bun:"-"` // opened for whoever sees the scheme
}

// NodeID returns the id to page by.
func (s StaffScheme) NodeID() ID { return s.ID }

// IsNode marks the type as a GraphQL Node.
func (StaffScheme) IsNode() {}

// ReasonOrNil is nil unless an operator rejected or revoked it.
func (s StaffScheme) ReasonOrNil() *string { return orNil(s.Reason) }

// Agreement is what was signed, nil before.
func (s StaffScheme) Agreement() *StaffAgreement {
	if s.SignedAt == nil {
		return nil
	}
	return &StaffAgreement{Version: s.SignedVersion, Signatory: s.Signatory, SignedBy: s.SignedBy, SignedAt: *s.SignedAt}
}

// Become moves the scheme to another state at now, or is PRECONDITION_FAILED with the reason STAFF_SCHEME_STATE and the present state as a detail.
func (s *StaffScheme) Become(next StaffSchemeState, now time.Time) error {
	if !s.State.CanBecome(next) {
		refused := Precondition("STAFF_SCHEME_STATE", "A scheme that is "+string(s.State)+" cannot become "+string(next)+".")
		refused.Details["state"] = string(s.State)
		return refused
	}
	s.State, s.UpdatedAt = next, now
	if next == StaffApproved || next == StaffRejected {
		s.DecidedAt = &now
	}
	return nil
}

// Running is nil when people may be kept and months applied for: STAFF_SCHEME_STATE otherwise.
func (s StaffScheme) Running() error {
	if s.State == StaffApproved {
		return nil
	}
	refused := Precondition("STAFF_SCHEME_STATE", "The scheme is "+string(s.State)+", not APPROVED.")
	refused.Details["state"] = string(s.State)
	return refused
}

// Rate is what a day of a role is worth; false when the scheme has no such role.
func (s StaffScheme) Rate(role string) (decimal.Decimal, bool) {
	for _, rate := range s.Rates {
		if rate.Role == role {
			return rate.DayRate, true
		}
	}
	return decimal.Zero, false
}

// Share is the part of a month's amount that met criteria bring: the sum of their weights, or all of it in a scheme without criteria. It is
// INVALID with the field for a code that the scheme has not, or that is named twice.
func (s StaffScheme) Share(met []string, field string) (decimal.Decimal, error) {
	if len(s.Criteria) == 0 && len(met) == 0 {
		return decimal.NewFromInt(1), nil
	}
	share := decimal.Zero
	for i, code := range met {
		at := slices.IndexFunc(s.Criteria, func(c StaffCriterion) bool { return c.Code == code })
		if at < 0 || slices.Contains(met[:i], code) {
			return share, Invalid(field, "A criterion is one of the scheme's, named once.")
		}
		share = share.Add(s.Criteria[at].Weight)
	}
	return share, nil
}

// Check applies the rules for what an invitation says. The error is INVALID with the field.
func (s StaffScheme) Check() error {
	if err := CheckTagCode(s.Code, "code"); err != nil {
		return err
	}
	if err := CheckText(s.Name, "name", 100, false); err != nil {
		return err
	}
	if err := CheckReference(s.AgreementVersion, "agreementVersion", MaxReference); err != nil {
		return err
	}
	switch {
	case s.HeadCount < 1 || s.HeadCount > MaxStaffHeads:
		return Invalid("headCount", fmt.Sprintf("A scheme has 1 to %d people.", MaxStaffHeads))
	case len(s.Rates) == 0 || len(s.Rates) > MaxStaffRates:
		return Invalid("rates", fmt.Sprintf("A scheme has 1 to %d rates.", MaxStaffRates))
	case len(s.Criteria) > MaxStaffCriteria:
		return Invalid("criteria", fmt.Sprintf("A scheme has at most %d criteria.", MaxStaffCriteria))
	}
	for i, rate := range s.Rates {
		field := fmt.Sprintf("rates[%d]", i)
		if err := CheckTagCode(rate.Role, field+".role"); err != nil {
			return err
		}
		if slices.ContainsFunc(s.Rates[:i], func(r StaffRate) bool { return r.Role == rate.Role }) {
			return Invalid(field+".role", "A role has one rate.")
		}
		if err := checkStaffFigure(rate.DayRate, decimal.NewFromInt(1_000_000), field+".dayRate"); err != nil {
			return err
		}
	}
	return s.checkCriteria()
}

func (s StaffScheme) checkCriteria() error {
	sum := decimal.Zero
	for i, criterion := range s.Criteria {
		field := fmt.Sprintf("criteria[%d]", i)
		if err := CheckTagCode(criterion.Code, field+".code"); err != nil {
			return err
		}
		if slices.ContainsFunc(s.Criteria[:i], func(c StaffCriterion) bool { return c.Code == criterion.Code }) {
			return Invalid(field+".code", "A criterion is named once.")
		}
		if err := CheckText(criterion.Name, field+".name", 200, false); err != nil {
			return err
		}
		if err := checkStaffFigure(criterion.Weight, decimal.NewFromInt(1), field+".weight"); err != nil {
			return err
		}
		sum = sum.Add(criterion.Weight)
	}
	if len(s.Criteria) > 0 && !sum.Equal(decimal.NewFromInt(1)) {
		return Invalid("criteria", "The weights of the criteria come to 1.")
	}
	return nil
}

// checkStaffFigure bounds a rate or a weight before anything is computed with it.
func checkStaffFigure(d, most decimal.Decimal, field string) error {
	if d.Exponent() > 0 || d.Exponent() < -StaffRateDigits || !d.IsPositive() || d.GreaterThan(most) {
		return Invalid(field, fmt.Sprintf("This is a plain decimal above zero, at most %s, with at most %d fraction digits.", most, StaffRateDigits))
	}
	return nil
}

// StaffQuarterEnds is the first moment after a quarter, in UTC+8.
func StaffQuarterEnds(year, quarter int) time.Time {
	return time.Date(year, time.Month(3*quarter+1), 1, 0, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60)).UTC()
}

// StaffQuarterMonths are the months of a quarter.
func StaffQuarterMonths(year, quarter int) []BillingCycle {
	months := make([]BillingCycle, 3)
	for i := range months {
		months[i] = BillingCycle(fmt.Sprintf("%d-%02d", year, 3*(quarter-1)+i+1))
	}
	return months
}

// NormalNationalID is a national id as it is compared: letters and digits, in capitals. It is INVALID unless there are 5 to 30 of them; the error never
// repeats the number.
func NormalNationalID(text, field string) (string, error) {
	normal := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text))
	plain := !strings.ContainsFunc(normal, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
	if len(text) > 64 || len(normal) < 5 || len(normal) > 30 || !plain {
		return "", Invalid(field, "A national id has 5 to 30 letters and digits.")
	}
	return normal, nil
}

// StaffSchemeConnection is a page of schemes.
type StaffSchemeConnection = Connection[StaffScheme]

// StaffSchemeEdge is one of the schemes and its position.
type StaffSchemeEdge = Edge[StaffScheme]
