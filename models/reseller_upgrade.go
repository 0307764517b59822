package models

import (
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// UpgradePerformanceMinor is the annual performance from which a reseller may ask to become a distributor: 800,000.00 CNY (P13).
const UpgradePerformanceMinor = 800_000_00

// ResellerUpgradeState is where a reseller stands on its way to become a distributor.
type ResellerUpgradeState string

// The states. The last three are final.
const (
	UpgradeRequested            ResellerUpgradeState = "REQUESTED"             // it asks for the plan of an authorised support centre
	UpgradePlanned              ResellerUpgradeState = "PLANNED"               // it is in the plan, and may ask for the role
	UpgradeDistributorRequested ResellerUpgradeState = "DISTRIBUTOR_REQUESTED" // it asks for the role of a distributor
	UpgradeDone                 ResellerUpgradeState = "DONE"                  // it is a distributor
	UpgradeRejected             ResellerUpgradeState = "REJECTED"
	UpgradeCancelled            ResellerUpgradeState = "CANCELLED"
)

// OpenUpgradeStates are the states that are not final.
func OpenUpgradeStates() []ResellerUpgradeState {
	return []ResellerUpgradeState{UpgradeRequested, UpgradePlanned, UpgradeDistributorRequested}
}

// ResellerUpgrade is a reseller's way to become a distributor (P13).
type ResellerUpgrade struct {
	bun.BaseModel `bun:"table:reseller_upgrades,alias:rup" json:"-"`

	ID               ID                   `bun:"id,pk"`
	ResellerID       ID                   `bun:"reseller_id"`
	State            ResellerUpgradeState `bun:"state"`
	PerformanceMinor int64                `bun:"performance_minor"` // of the year before it was asked, in CNY
	Reason           string               `bun:"reason"`            // by the reseller
	Plan             string               `bun:"plan,nullzero"`     // what it has done in the plan, with the request for the role
	Answer           string               `bun:"answer,nullzero"`   // of whoever reviewed last
	CreatedAt        time.Time            `bun:"created_at"`
	UpdatedAt        time.Time            `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (u ResellerUpgrade) NodeID() ID { return u.ID }

// IsNode marks the type as a GraphQL Node.
func (ResellerUpgrade) IsNode() {}

// Performance returns what it sold in the year before it asked.
func (u ResellerUpgrade) Performance() Money { return NewMoney(u.PerformanceMinor, CNY) }

// PlanOrNil returns Plan, or nil when it is empty.
func (u ResellerUpgrade) PlanOrNil() *string { return orNil(u.Plan) }

// AnswerOrNil returns Answer, or nil when it is empty.
func (u ResellerUpgrade) AnswerOrNil() *string { return orNil(u.Answer) }

// ErrUpgradeState refuses a step that the state does not allow.
var ErrUpgradeState = Precondition("UPGRADE_STATE", "This request is not in a state for that.")

// Become moves the request on, or is PRECONDITION_FAILED with the reason UPGRADE_STATE and, in the details, the state that it is in.
func (u *ResellerUpgrade) Become(next ResellerUpgradeState, now time.Time) error {
	steps := map[ResellerUpgradeState][]ResellerUpgradeState{
		UpgradeRequested:            {UpgradePlanned, UpgradeRejected, UpgradeCancelled},
		UpgradePlanned:              {UpgradeDistributorRequested, UpgradeCancelled},
		UpgradeDistributorRequested: {UpgradeDone, UpgradeRejected, UpgradeCancelled},
	}
	if !slices.Contains(steps[u.State], next) {
		refused := *ErrUpgradeState
		refused.Details = maps.Clone(refused.Details)
		refused.Details["state"] = string(u.State)
		return &refused
	}
	u.State, u.UpdatedAt = next, now
	return nil
}

// ResellerUpgradeConnection is a page of requests.
type ResellerUpgradeConnection = Connection[ResellerUpgrade]

// ResellerUpgradeEdge is one of the requests and its position.
type ResellerUpgradeEdge = Edge[ResellerUpgrade]

// UpgradeBlock is the machine-readable reason why a partner may not ask to become a distributor; the same word is the reason of
// PRECONDITION_FAILED.
type UpgradeBlock string

// The reasons.
const (
	UpgradeNotAReseller UpgradeBlock = "NOT_A_RESELLER"
	UpgradeTooLittle    UpgradeBlock = "PERFORMANCE_TOO_LOW"
	UpgradeRestricted   UpgradeBlock = "PARTNER_RESTRICTED"
	UpgradeOpen         UpgradeBlock = "UPGRADE_OPEN"
)

// The refusals, with machine-readable reasons (P13).
var (
	ErrPerformanceTooLow = suggest(Precondition("PERFORMANCE_TOO_LOW", "The annual performance is below 800,000.00 CNY (P13)."), "Ask again when the last 12 months suffice.")
	ErrUpgradeRestricted = suggest(Precondition("PARTNER_RESTRICTED", "This reseller may not win new customers now."), "Ask the cloud why, and renew the program where it has expired.")
	ErrUpgradeOpen       = suggest(Precondition("UPGRADE_OPEN", "This reseller has asked already."), "Wait for the review, or cancel the request.")
)

// UpgradeBlocker is one thing that stands in the way.
type UpgradeBlocker struct {
	Code            UpgradeBlock
	Message         string
	SuggestedAction string
}

// UpgradeEligibility says whether a reseller may ask to become a distributor, and what stands in the way.
type UpgradeEligibility struct {
	Performance Money // of the last 12 months with the present one
	Threshold   Money
	Blockers    []UpgradeBlocker
	Refusal     *Error // of the first blocker; nil = none
}

// Eligible reports whether nothing stands in the way.
func (e UpgradeEligibility) Eligible() bool { return len(e.Blockers) == 0 }

// MayUpgrade judges a partner by its performance in minor units of CNY (P13); open says that it has asked already.
func MayUpgrade(partner Partner, performanceMinor int64, open bool) UpgradeEligibility {
	e := UpgradeEligibility{Performance: NewMoney(performanceMinor, CNY), Threshold: NewMoney(UpgradePerformanceMinor, CNY)}
	for _, rule := range []struct {
		broken  bool
		refusal *Error
	}{
		{partner.Kind != CloudReseller, ErrNotAReseller},
		{performanceMinor < UpgradePerformanceMinor, ErrPerformanceTooLow},
		{partner.State != PartnerActive, ErrUpgradeRestricted},
		{open, ErrUpgradeOpen},
	} {
		if !rule.broken {
			continue
		}
		if e.Refusal == nil {
			e.Refusal = rule.refusal
		}
		suggestion, _ := rule.refusal.Details["suggestedAction"].(string)
		e.Blockers = append(e.Blockers, UpgradeBlocker{UpgradeBlock(rule.refusal.Reason()), rule.refusal.Message, suggestion})
	}
	return e
}
