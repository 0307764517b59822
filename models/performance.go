package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// ConsumptionCause says what brought a performance line about.
type ConsumptionCause string

// The causes.
const (
	CausePurchase   ConsumptionCause = "PURCHASE"   // an order was paid
	CauseUse        ConsumptionCause = "USE"        // use was settled
	CauseDebtPaid   ConsumptionCause = "DEBT_PAID"  // use that was a debt was paid
	CauseCorrection ConsumptionCause = "CORRECTION" // of use
	CauseRefund     ConsumptionCause = "REFUND"     // an order was unsubscribed or paid back
	CauseReversal   ConsumptionCause = "REVERSAL"   // a refund was taken back
	CauseMovedOut   ConsumptionCause = "MOVED_OUT"  // taken off: it counts for another account of the company (N12)
	CauseMovedIn    ConsumptionCause = "MOVED_IN"   // the same, on the other account
)

// Consumption is money that a customer spent on the cloud, or that came back: what performance is counted from (N01).
type Consumption struct {
	SourceID    string // unique
	LineID      ID     // the bill line
	BaseID      ID     // the bill line that it gives back or corrects; zero = none
	Cause       ConsumptionCause
	Cloud       string
	CustomerID  ID
	PartnerID   ID // whose customer it was then
	Mode        AssociationMode
	ServiceType string
	Currency    Currency
	PaidMinor   int64 // with money; negative = given back
	CouponMinor int64 // with coupons, which do not count
	At          time.Time
}

// PerformanceRule says what a consumption counts for (K07, N11).
type PerformanceRule string

// The rules.
const (
	RuleEarns           PerformanceRule = "EARNS"                      // counts, and brings an incentive (K07: 0, 1)
	RulePerformanceOnly PerformanceRule = "PERFORMANCE_WITHOUT_REBATE" // counts, and brings none (K07: 13)
	RuleNotEligible     PerformanceRule = "NOT_ELIGIBLE"               // the product neither counts nor earns (K07: 2)
	RuleCurated         PerformanceRule = "CURATED_PRODUCT"            // of the curated store (P21)
	RuleNoPolicy        PerformanceRule = "NO_POLICY"                  // nothing is said about the service type in this month
	RuleExpired         PerformanceRule = "PARTNER_EXPIRED"            // the partner's membership had run out
	RuleCoupons         PerformanceRule = "PAID_WITH_COUPONS"          // none of it was money (N01)
)

// Counts reports whether what falls under the rule is performance.
func (r PerformanceRule) Counts() bool { return r == RuleEarns || r == RulePerformanceOnly }

// PerformanceLine says what one consumption counts for a partner. It never changes.
type PerformanceLine struct {
	bun.BaseModel `bun:"table:performance_lines,alias:pfl"`

	ID           ID               `bun:"id,pk"`
	SourceID     string           `bun:"source_id"` // unique: nothing counts twice
	BillLineID   ID               `bun:"bill_line_id"`
	Cause        ConsumptionCause `bun:"cause"`
	PartnerID    ID               `bun:"partner_id"`           // for whom it counts: a reseller's for its distributor (P14)
	ResellerID   ID               `bun:"reseller_id,nullzero"` // whose customer it was, when that is a reseller
	CustomerID   ID               `bun:"customer_id"`
	Mode         AssociationMode  `bun:"mode"`
	ServiceType  string           `bun:"service_type"`
	Period       BillingCycle     `bun:"period"` // the statement that it is in
	Currency     Currency         `bun:"currency"`
	AmountMinor  int64            `bun:"amount_minor"`  // paid with money; negative = given back
	CountedMinor int64            `bun:"counted_minor"` // of it
	Rule         PerformanceRule  `bun:"rule"`
	PolicyID     ID               `bun:"policy_id,nullzero"` // that says so; zero = there is none
	HappenedAt   time.Time        `bun:"happened_at"`
	CreatedAt    time.Time        `bun:"created_at"`
}

// NodeID returns the id to page by.
func (l PerformanceLine) NodeID() ID { return l.ID }

// Consumption returns what was paid with money.
func (l PerformanceLine) Consumption() Money { return NewMoney(l.AmountMinor, l.Currency) }

// Counted returns what of it is performance.
func (l PerformanceLine) Counted() Money { return NewMoney(l.CountedMinor, l.Currency) }

// Reason says for people why the line counts nothing or takes performance away, nil when it simply counts (N11).
func (l PerformanceLine) Reason() *string {
	switch {
	case l.Cause == CauseMovedOut:
		return orNil(movedReason)
	case l.Cause == CauseMovedIn && l.Rule.Counts():
		return orNil("It was moved here from another account of the company.")
	case !l.Rule.Counts():
		return orNil(l.Rule.text())
	case l.AmountMinor < 0 && l.Cause == CauseCorrection:
		return orNil("The use was corrected.")
	case l.AmountMinor < 0:
		return orNil("The customer unsubscribed, or was paid back.")
	}
	return orNil(l.Rule.text())
}

// movedReason says why nothing is left of performance that was there (N11, N12).
const movedReason = "The performance was moved to another account of the company."

// MovedAway says of a line of a statement, of which performance has moved to another account, why it comes to nothing.
func (l *IncentiveLine) MovedAway() {
	if l.Rule == RuleEarns && l.PerformanceMinor == 0 && l.ConsumptionMinor == 0 {
		l.Reason = movedReason
	}
}

func (r PerformanceRule) text() string {
	switch r {
	case RulePerformanceOnly:
		return "The product counts as performance and brings no incentive."
	case RuleNotEligible:
		return "The product is not eligible."
	case RuleCurated:
		return "Products of the curated store bring the difference in price only."
	case RuleNoPolicy:
		return "No policy covers this product in this month."
	case RuleExpired:
		return "The partner's membership had run out."
	case RuleCoupons:
		return "It was paid with coupons."
	case RuleEarns:
	}
	return ""
}

// PerformanceLineConnection is a page of performance lines.
type PerformanceLineConnection = Connection[PerformanceLine]

// PerformanceLineEdge is one of the performance lines and its position.
type PerformanceLineEdge = Edge[PerformanceLine]

// CountConsumption says what a consumption counts under a policy, nil when there is none, for a partner in a state (N01, K07, P21).
func CountConsumption(c Consumption, policy *IncentiveRule, state PartnerState) (PerformanceRule, int64) {
	rule := RuleNoPolicy
	switch {
	case c.PaidMinor == 0 && c.CouponMinor != 0:
		rule = RuleCoupons
	case state == PartnerExpired:
		rule = RuleExpired
	case policy == nil:
	case policy.Curated:
		rule = RuleCurated
	case policy.Incentive == PolicyNothing:
		rule = RuleNotEligible
	case policy.Incentive == PolicyPerformanceNoRebate:
		rule = RulePerformanceOnly
	default:
		rule = RuleEarns
	}
	if !rule.Counts() {
		return rule, 0
	}
	return rule, c.PaidMinor
}

// IncentiveVersion is one load of incentive policies: in force from EffectiveAt until the next one's. It never changes.
type IncentiveVersion struct {
	bun.BaseModel `bun:"table:incentive_versions,alias:ipv"`

	ID          ID        `bun:"id,pk"`
	Cloud       string    `bun:"cloud"`
	Label       string    `bun:"label"` // what its makers call it; unique per cloud
	ContentHash string    `bun:"content_hash"`
	EffectiveAt time.Time `bun:"effective_at"` // unique per cloud
	Rules       int       `bun:"rules"`        // how many policies it has
	CreatedAt   time.Time `bun:"created_at"`
}

// NodeID returns the id to page by.
func (v IncentiveVersion) NodeID() ID { return v.ID }

// IncentiveVersionConnection is a page of versions.
type IncentiveVersionConnection = Connection[IncentiveVersion]

// IncentiveVersionEdge is one of the versions and its position.
type IncentiveVersionEdge = Edge[IncentiveVersion]

// IncentiveTier is a rate from a partner's performance of the month on.
type IncentiveTier struct {
	FromMinor int64           `json:"from"`
	Rate      decimal.Decimal `json:"rate"`          // a fraction, 0 to 1
	CapMinor  *int64          `json:"cap,omitempty"` // of the incentive of this policy in the month; nil = none
}

// IncentiveRule is the incentive policy of a service type for partners of one level in one month and currency (K07).
type IncentiveRule struct {
	bun.BaseModel `bun:"table:incentive_policies,alias:ipl"`

	ID          ID              `bun:"id,pk"`
	VersionID   ID              `bun:"version_id"`
	ServiceType string          `bun:"service_type"`
	Month       BillingCycle    `bun:"month"`
	Level       PartnerLevel    `bun:"level"`
	Currency    Currency        `bun:"currency"`
	Incentive   IncentivePolicy `bun:"incentive"`
	Curated     bool            `bun:"curated"`          // sold in the curated store (P21)
	Tiers       []IncentiveTier `bun:"tiers,type:jsonb"` // by FromMinor, rising
}

// NodeID returns the id to page by.
func (r IncentiveRule) NodeID() ID { return r.ID }

// IncentiveRuleConnection is a page of policies.
type IncentiveRuleConnection = Connection[IncentiveRule]

// IncentiveRuleEdge is one of the policies and its position.
type IncentiveRuleEdge = Edge[IncentiveRule]

// TierView is a tier with its amounts.
type TierView struct {
	From Money
	Rate decimal.Decimal
	Cap  *Money
}

// TierViews returns the tiers with their amounts in the policy's currency.
func (r IncentiveRule) TierViews() []TierView {
	views := make([]TierView, len(r.Tiers))
	for i, tier := range r.Tiers {
		views[i] = TierView{From: NewMoney(tier.FromMinor, r.Currency), Rate: tier.Rate}
		if tier.CapMinor != nil {
			limit := NewMoney(*tier.CapMinor, r.Currency)
			views[i].Cap = &limit
		}
	}
	return views
}

// TierAt returns the tier that a performance of the month reaches; false when it reaches none.
func (r IncentiveRule) TierAt(performanceMinor int64) (IncentiveTier, bool) {
	for _, tier := range slices.Backward(r.Tiers) {
		if tier.FromMinor <= performanceMinor {
			return tier, true
		}
	}
	return IncentiveTier{}, false
}

// PerformanceGroup is the sum of a statement's performance lines under one policy and rule for one service type.
type PerformanceGroup struct {
	PolicyID     ID              `bun:"policy_id,nullzero"`
	ServiceType  string          `bun:"service_type"`
	Rule         PerformanceRule `bun:"rule"`
	AmountMinor  int64           `bun:"amount_minor"`
	CountedMinor int64           `bun:"counted_minor"`
	Lines        int64           `bun:"lines"`
}

// StatementLines works out the lines of a statement from the sums of its performance lines and the policies that they name: the tier of
// each is the one that the whole performance of the month reaches, below zero the first. It returns them in the order of the groups, with
// the performance and the incentive of the statement.
func StatementLines(groups []PerformanceGroup, policies map[ID]IncentiveRule, currency Currency) (lines []IncentiveLine, performanceMinor, totalMinor int64) {
	for _, group := range groups {
		performanceMinor += group.CountedMinor
	}
	for _, group := range groups {
		line := IncentiveLine{
			ServiceType: group.ServiceType, Currency: currency, PerformanceMinor: group.CountedMinor, ConsumptionMinor: group.AmountMinor,
			PolicyID: group.PolicyID, Rule: group.Rule, Lines: group.Lines,
		}
		if policy, known := policies[group.PolicyID]; known && group.Rule == RuleEarns {
			tier, reached := policy.TierAt(max(performanceMinor, 0))
			if reached {
				line.Rate, line.TierFromMinor, line.CapMinor = tier.Rate, &tier.FromMinor, tier.CapMinor
			}
		}
		line.AmountMinor = line.Earned()
		line.Reason = line.explain()
		totalMinor += line.AmountMinor
		lines = append(lines, line)
	}
	return lines, performanceMinor, totalMinor
}

// Earned returns performance times rate, rounded once, and at most the cap.
func (l IncentiveLine) Earned() int64 {
	earned := IncentiveAmountMinor(l.PerformanceMinor, l.Rate)
	if l.CapMinor != nil {
		earned = min(earned, *l.CapMinor)
	}
	return earned
}

// explain says why the line is zero, capped or negative.
func (l IncentiveLine) explain() string {
	switch {
	case l.Rule != RuleEarns:
		return l.Rule.text()
	case l.TierFromMinor == nil:
		return "The performance of the month does not reach the first tier."
	case l.AmountMinor < 0:
		return "Unsubscriptions and corrections outweigh what was bought."
	case l.CapMinor != nil && IncentiveAmountMinor(l.PerformanceMinor, l.Rate) > *l.CapMinor:
		return "The policy's cap is reached."
	case l.AmountMinor == 0:
		return "It comes to less than half a minor unit."
	}
	return ""
}
