package models

import (
	"time"

	"github.com/uptrace/bun"
)

// NewCustomer says whether a customer counts as new in the cloud's programme for small and medium businesses (C20).
type NewCustomer string

// The values of the tag. The empty value is no tag, as before verification.
const (
	NewCustomerYes          NewCustomer = "YES"          // vendor code Y
	NewCustomerNo           NewCustomer = "NO"           // vendor code N
	NewCustomerUndetermined NewCustomer = "UNDETERMINED" // vendor code UNDETERMINED
)

// NewCustomerTag is the SMB new-customer tag with the months that it is good for (C20).
type NewCustomerTag struct {
	Value NewCustomer
	From  *BillingCycle // the first month; nil = unknown
	Until *BillingCycle // the last month; nil = unknown
}

// NewCustomerTag returns the customer's tag; nil when it has none.
func (c Customer) NewCustomerTag() *NewCustomerTag {
	if c.NewCustomer == "" {
		return nil
	}
	tag := NewCustomerTag{Value: c.NewCustomer}
	if c.NewCustomerFrom != "" {
		tag.From = &c.NewCustomerFrom
	}
	if c.NewCustomerUntil != "" {
		tag.Until = &c.NewCustomerUntil
	}
	return &tag
}

// FreezeSource says who froze a customer. What an operator froze, its partner does not unfreeze.
type FreezeSource string

// Who freezes customers.
const (
	FrozenByOperator FreezeSource = "OPERATOR"
	FrozenByPartner  FreezeSource = "PARTNER"
	FrozenByBudget   FreezeSource = "BUDGET" // the partner's budget was spent (C22)
)

// CustomerFreeze says how, by whom and why a customer is frozen (C21).
type CustomerFreeze struct {
	Scope  FrozenScope
	By     *FreezeSource
	Reason *string
	Since  *time.Time
}

// Freeze returns how the customer is frozen; nil when it is not.
func (c Customer) Freeze() *CustomerFreeze {
	if c.Frozen == NotFrozen || c.Frozen == "" {
		return nil
	}
	freeze := CustomerFreeze{Scope: c.Frozen, Reason: orNil(c.FrozenReason), Since: c.FrozenAt}
	if c.FrozenBy != "" {
		freeze.By = &c.FrozenBy
	}
	return &freeze
}

// CustomerTag is one of a partner's own labels on one of its customers (C20).
type CustomerTag struct {
	bun.BaseModel `bun:"table:customer_tags,alias:ct"`

	PartnerID  ID     `bun:"partner_id,pk"`
	Tag        string `bun:"tag,pk"` // 1 to 64 characters; upper and lower case differ
	CustomerID ID     `bun:"customer_id,pk"`
}

// AccountManager is the person of a partner's who looks after a customer (C18).
type AccountManager struct {
	CustomerID ID     `bun:"customer_id"` // whose
	UserID     ID     `bun:"user_id"`
	LoginName  string `bun:"login_name"`
}

// CustomerContact is a person at a customer whom its partner talks to (C19).
type CustomerContact struct {
	Name  string  `json:"name"`            // 1 to 64 characters
	Email *string `json:"email,omitempty"` // at most 256 characters
	Phone *string `json:"phone,omitempty"` // countrycode-number
	Role  *string `json:"role,omitempty"`  // at most 64 characters, such as "finance"
}

// CustomerContacts are a customer's contacts as its partner keeps them, sealed as one.
type CustomerContacts struct {
	bun.BaseModel `bun:"table:customer_contacts,alias:cc"`

	CustomerID ID        `bun:"customer_id,pk"`
	PartnerID  ID        `bun:"partner_id"`
	Sealed     []byte    `bun:"contacts_sealed"` // JSON of []CustomerContact
	UpdatedAt  time.Time `bun:"updated_at"`
}

// BudgetKind says what a budget is measured over (C22).
type BudgetKind string

// The kinds of budget.
const (
	MonthlyBudget BudgetKind = "MONTHLY" // begins anew with every billing cycle in UTC+8
	PackageBudget BudgetKind = "PACKAGE" // one sum from the day it was set, until it is changed
)

// CustomerBudget is what a partner wants one of its resale customers to spend at most (C22). A customer has one at most.
type CustomerBudget struct {
	bun.BaseModel `bun:"table:customer_budgets,alias:cb"`

	CustomerID     ID           `bun:"customer_id,pk"`
	PartnerID      ID           `bun:"partner_id"`
	Kind           BudgetKind   `bun:"kind"`
	Currency       Currency     `bun:"currency"`
	AmountMinor    int64        `bun:"amount_minor"`              // more than zero
	AlertPercents  []int32      `bun:"alert_percents,type:jsonb"` // ascending, each from 1 to 100
	Freezes        bool         `bun:"freezes"`                   // freeze the account when all of it is spent
	Since          time.Time    `bun:"since"`                     // a package is measured from here
	Cycle          BillingCycle `bun:"cycle,nullzero"`            // that AlertedPercent belongs to; empty for packages
	AlertedPercent int32        `bun:"alerted_percent"`           // the highest share told of in the cycle; 0 = none, 101 = frozen as well
	Version        int64        `bun:"version"`                   // grows by one with every change, so that who has read an older one does not write
	CreatedAt      time.Time    `bun:"created_at"`
	UpdatedAt      time.Time    `bun:"updated_at"`

	SpentMinor int64 `bun:"-"` // in the period; filled in for readers
}

// Amount returns what may be spent in a period.
func (b CustomerBudget) Amount() Money { return NewMoney(b.AmountMinor, b.Currency) }

// Spent returns what was spent in the period.
func (b CustomerBudget) Spent() Money { return NewMoney(b.SpentMinor, b.Currency) }

// CycleOrNil returns the billing cycle that is measured; nil for a package.
func (b CustomerBudget) CycleOrNil() *BillingCycle {
	if b.Cycle == "" {
		return nil
	}
	return &b.Cycle
}

// At returns the budget as it stands at an instant: in another billing cycle nobody has been told of anything yet.
func (b CustomerBudget) At(now time.Time) CustomerBudget {
	if b.Kind != MonthlyBudget {
		return b
	}
	if cycle := BillingCycleAt(now); cycle != b.Cycle {
		b.Cycle, b.AlertedPercent = cycle, 0
	}
	return b
}

// Period returns from when until when spending counts, the end excluded.
func (b CustomerBudget) Period(now time.Time) (from, until time.Time) {
	if b.Kind == MonthlyBudget {
		return BillingCycleAt(now).Bounds()
	}
	return b.Since, now.Add(time.Second)
}

// frozenToo is an AlertedPercent: the whole was told of and the customer was frozen.
const frozenToo = 101

// See returns the budget after spending was seen, the highest share that is reached and was not told of yet (0 = none), and
// whether the customer is to be frozen now. Each share is told of once in a cycle; the freeze happens once in a cycle.
func (b CustomerBudget) See(spentMinor int64, now time.Time) (seen CustomerBudget, reached int32, freeze bool) {
	b = b.At(now)
	b.SpentMinor = spentMinor
	for _, percent := range b.AlertPercents {
		// Amounts are at most MaxMinor, so that 100 times one fits.
		if percent > b.AlertedPercent && spentMinor*100 >= b.AmountMinor*int64(percent) {
			reached = percent
		}
	}
	freeze = b.Freezes && b.AlertedPercent < frozenToo && spentMinor >= b.AmountMinor
	if reached == 0 && !freeze {
		return b, 0, false
	}
	b.AlertedPercent = max(b.AlertedPercent, reached)
	if freeze {
		b.AlertedPercent = frozenToo
	}
	b.Version++
	b.UpdatedAt = now
	return b, reached, freeze
}

// SpendingPeriod asks what a partner's resale customer has spent from From until Until, the end excluded.
type SpendingPeriod struct {
	CustomerID, PartnerID ID
	Currency              Currency
	From, Until           time.Time
}

// Bounds returns when the cycle begins and when the next one does, at midnight in UTC+8; zero times for no valid cycle.
func (c BillingCycle) Bounds() (from, until time.Time) {
	from, err := time.ParseInLocation("2006-01", string(c), time.FixedZone("UTC+8", 8*60*60))
	if err != nil {
		return time.Time{}, time.Time{}
	}
	return from.UTC(), from.AddDate(0, 1, 0).UTC()
}
