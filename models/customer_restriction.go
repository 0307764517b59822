package models

import (
	"time"

	"github.com/uptrace/bun"
)

// CustomerRestrictionKind is something about a customer that stands in the way of its relation to a partner and that this
// server cannot see in its own rows; operators set it (C08, C09, C13).
type CustomerRestrictionKind string

// The kinds.
const (
	RestrictPartnerAccount  CustomerRestrictionKind = "IS_PARTNER"
	RestrictCloudReported   CustomerRestrictionKind = "REPORTED_BY_CLOUD"
	RestrictSubsidy         CustomerRestrictionKind = "GOVERNMENT_SUBSIDY"
	RestrictPromotion       CustomerRestrictionKind = "REWARD_PROMOTION"
	RestrictConsumerCloud   CustomerRestrictionKind = "CONSUMER_CLOUD_USER"
	RestrictCustodyMember   CustomerRestrictionKind = "FINANCE_CUSTODY_MEMBER"
	RestrictSpecialContract CustomerRestrictionKind = "SPECIAL_CONTRACT"
	RestrictReserved        CustomerRestrictionKind = "RESERVED_INSTANCE"
	RestrictInvoiceDebt     CustomerRestrictionKind = "INVOICE_DEBT"
	RestrictStoredValue     CustomerRestrictionKind = "STORED_VALUE_CARD"
	RestrictMaster          CustomerRestrictionKind = "ENTERPRISE_MASTER"
	RestrictMember          CustomerRestrictionKind = "ENTERPRISE_MEMBER"
	RestrictGift            CustomerRestrictionKind = "RECHARGE_GIFT"
	RestrictSupportPlan     CustomerRestrictionKind = "SUPPORT_PLAN"
	RestrictFramework       CustomerRestrictionKind = "FRAMEWORK_CONTRACT"
)

// CustomerRestrictionKinds returns every kind there is, in a fixed order.
func CustomerRestrictionKinds() []CustomerRestrictionKind {
	return []CustomerRestrictionKind{
		RestrictPartnerAccount, RestrictCloudReported, RestrictSubsidy, RestrictPromotion, RestrictConsumerCloud, RestrictCustodyMember,
		RestrictSpecialContract, RestrictReserved, RestrictInvoiceDebt, RestrictStoredValue, RestrictMaster, RestrictMember, RestrictGift,
		RestrictSupportPlan, RestrictFramework,
	}
}

// Valid reports whether k is one of CustomerRestrictionKinds.
func (k CustomerRestrictionKind) Valid() bool {
	message, _ := k.words()
	return message != ""
}

// BlocksAssociation reports whether a customer with such a restriction may not be associated at all (C08).
func (k CustomerRestrictionKind) BlocksAssociation() bool {
	switch k {
	case RestrictPartnerAccount, RestrictCloudReported, RestrictSubsidy, RestrictPromotion, RestrictConsumerCloud, RestrictCustodyMember:
		return true
	}
	return false
}

// BlocksResale reports whether a customer with such a restriction may not become a resale customer (C09).
func (k CustomerRestrictionKind) BlocksResale() bool {
	switch k {
	case RestrictSpecialContract, RestrictReserved, RestrictInvoiceDebt, RestrictStoredValue, RestrictMaster, RestrictMember, RestrictGift:
		return true
	}
	return false
}

// BlocksLeaving reports whether a customer with such a restriction may neither leave its partner nor change its mode (C13).
func (k CustomerRestrictionKind) BlocksLeaving() bool {
	switch k {
	case RestrictReserved, RestrictInvoiceDebt, RestrictMaster, RestrictMember, RestrictSupportPlan, RestrictFramework:
		return true
	}
	return false
}

func (k CustomerRestrictionKind) words() (message, suggestion string) {
	switch k {
	case RestrictPartnerAccount:
		return "This account is itself a partner's, or about to become one.", "Use another account of the company."
	case RestrictCloudReported:
		return "The cloud's own sales has reported this customer.", "Talk to the cloud's account manager."
	case RestrictSubsidy:
		return "This customer takes part in a government subsidy.", "Wait until the subsidy has ended."
	case RestrictPromotion:
		return "This customer takes part in the reward promotion.", "Leave the promotion first."
	case RestrictConsumerCloud:
		return "This account is a consumer cloud user's.", "Register an account of the cloud that is sold."
	case RestrictCustodyMember:
		return "This account is a member of an enterprise that keeps its money.", "Leave the enterprise organisation first."
	case RestrictSpecialContract:
		return "This customer has signed a direct, discount, special-price or service contract with the cloud.", "Associate it as ADVISORY, or wait until the contract has ended."
	case RestrictReserved:
		return "This customer has a reserved instance that has not expired.", "Wait until it has expired, or unsubscribe it."
	case RestrictInvoiceDebt:
		return "This customer owes invoices.", "Settle or return the invoices."
	case RestrictStoredValue:
		return "This customer has a stored-value card that is not spent.", "Spend the card first."
	case RestrictMaster:
		return "This account is an enterprise master with members that keep their own money.", "Take these members out of the organisation."
	case RestrictMember:
		return "This account is a member of an enterprise and keeps its own money.", "Leave the enterprise organisation first."
	case RestrictGift:
		return "This customer has gifts of a recharge that are not spent.", "Spend the gifts first."
	case RestrictSupportPlan:
		return "This customer has a support plan.", "End the support plan first."
	case RestrictFramework:
		return "This customer has a framework contract, which the cloud reviews first.", "Ask the cloud's account manager for the review."
	}
	return "", ""
}

// CustomerRestriction stands in the way of a customer's relation until it is lifted.
type CustomerRestriction struct {
	bun.BaseModel `bun:"table:customer_restrictions,alias:csr"`

	ID         ID                      `bun:"id,pk"`
	CustomerID ID                      `bun:"customer_id"`
	Kind       CustomerRestrictionKind `bun:"kind"`
	Note       string                  `bun:"note"` // for operators
	CreatedAt  time.Time               `bun:"created_at"`
	LiftedAt   *time.Time              `bun:"lifted_at"`
}

// NodeID returns the id to page by.
func (r CustomerRestriction) NodeID() ID { return r.ID }

func (r CustomerRestriction) blocker() RelationBlocker {
	blocker := RelationBlock(r.Kind).Blocker()
	if r.ID != "" {
		blocker.RestrictionID = &r.ID
	}
	return blocker
}
