package models

import (
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// CustomerKind is decided in the account centre or by real-name verification (C17).
type CustomerKind string

// The kinds of customer. Vendor codes: -1, 0, 1.
const (
	CustomerKindNone CustomerKind = "NONE"
	Individual       CustomerKind = "INDIVIDUAL"
	Enterprise       CustomerKind = "ENTERPRISE"
)

// VerifiedStatus is the state of real-name verification (R06).
type VerifiedStatus string

// The states. Vendor codes: -1, 0, 1, 2.
const (
	NotVerified     VerifiedStatus = "NONE"
	VerifyReviewing VerifiedStatus = "REVIEWING"
	VerifyRejected  VerifiedStatus = "REJECTED"
	Verified        VerifiedStatus = "VERIFIED"
)

// FrozenScope says how far a customer is frozen (C21).
type FrozenScope string

// The scopes. Vendor codes: 0, 1, 2.
const (
	NotFrozen                 FrozenScope = "NONE"
	FrozenAccount             FrozenScope = "ACCOUNT"
	FrozenAccountAndResources FrozenScope = "ACCOUNT_AND_RESOURCES"
)

// Customer is an end customer's account on the cloud. Personal data is sealed in the columns that end in Sealed; the
// fields without a column carry it in the clear for a caller who may read it, and are empty otherwise.
type Customer struct {
	bun.BaseModel `bun:"table:customers,alias:c"`

	ID             ID              `bun:"id,pk"`
	Cloud          string          `bun:"cloud" show:"-"`
	Name           string          `bun:"name"` // the account name, unique per cloud (domain_name of CreateSubCustomer)
	Kind           CustomerKind    `bun:"kind"`
	VerifiedStatus VerifiedStatus  `bun:"verified_status"`
	Frozen         FrozenScope     `bun:"frozen"`
	Currency       Currency        `bun:"currency"`
	ExternalID     string          `bun:"external_id,nullzero" show:"externalId"` // the storefront's own key, unique per partner
	PartnerID      ID              `bun:"partner_id,nullzero"`                    // of the association in force; zero when there is none
	Mode           AssociationMode `bun:"mode,nullzero"`                          // of the association in force
	AssociatedAt   *time.Time      `bun:"associated_at" show:"-"`                 // since when it is in force; nil when there is none
	RealNameSealed []byte          `bun:"real_name_sealed" show:"realName"`
	EmailSealed    []byte          `bun:"email_sealed" show:"email"`
	EmailBlind     string          `bun:"email_blind,nullzero" show:"-"` // keyed digest to find by e-mail
	PhoneSealed    []byte          `bun:"phone_sealed" show:"phone"`
	PhoneBlind     string          `bun:"phone_blind,nullzero" show:"-"` // keyed digest to find by phone number
	CreatedAt      time.Time       `bun:"created_at"`
	UpdatedAt      time.Time       `bun:"updated_at" show:"-"`

	AccountManagerID ID           `bun:"account_manager_id,nullzero" show:"-"`              // a person of the partner's (C18); zero = nobody
	NewCustomer      NewCustomer  `bun:"new_customer,nullzero" show:"newCustomerTag"`       // the SMB new-customer tag (C20); empty = none
	NewCustomerFrom  BillingCycle `bun:"new_customer_from,nullzero" show:"newCustomerTag"`  // the first month of the tag; empty = unknown
	NewCustomerUntil BillingCycle `bun:"new_customer_until,nullzero" show:"newCustomerTag"` // the last month of the tag; empty = unknown
	FrozenBy         FreezeSource `bun:"frozen_by,nullzero" show:"freeze"`                  // who froze it; empty while it is not frozen
	FrozenReason     string       `bun:"frozen_reason,nullzero" show:"freeze"`              // for people; empty while it is not frozen
	FrozenAt         *time.Time   `bun:"frozen_at" show:"freeze"`                           // nil while it is not frozen

	RealName *string `bun:"-"`
	Email    *string `bun:"-"`
	Phone    *string `bun:"-"`
}

// NodeID returns the id to page by.
func (c Customer) NodeID() ID { return c.ID }

// IsNode marks the type as a GraphQL Node.
func (Customer) IsNode() {}

// CustomerConnection is a page of customers.
type CustomerConnection = Connection[Customer]

// CustomerEdge is one of the customers and its position.
type CustomerEdge = Edge[Customer]

// accountName is the vendor's rule for domain_name in CreateSubCustomer (3.2).
var accountName = regexp.MustCompile(`^[a-zA-Z_-][a-zA-Z0-9_-]*$`)

// CheckAccountName applies the rule for account names: 5 to 32 characters, letters, digits, _ and -, no digit first, not
// starting with op_ or shadow_ (3.2). The error is INVALID and says which part is broken.
func CheckAccountName(name, field string) error {
	switch {
	case len(name) < 5 || len(name) > 32:
		return Invalid(field, "An account name has 5 to 32 characters.")
	case !accountName.MatchString(name):
		return Invalid(field, "An account name has letters, digits, _ and - only, and does not start with a digit.")
	case strings.HasPrefix(strings.ToLower(name), "op_"), strings.HasPrefix(strings.ToLower(name), "shadow_"):
		return Invalid(field, "An account name does not start with op_ or shadow_.")
	}
	return nil
}
