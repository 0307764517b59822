package models

// RelationBlock is the machine-readable reason why a customer may not be associated with a partner (C07, C08), not in resale
// (C09), or may not change its mode or leave (C13). The same word is the reason of PRECONDITION_FAILED.
type RelationBlock string

// What the rows of this server tell.
const (
	BlockAssociated RelationBlock = "ALREADY_ASSOCIATED"
	BlockAccount    RelationBlock = "CUSTOMER_FROZEN"
	BlockUnreported RelationBlock = "REPORT_REQUIRED"
	BlockPartner    RelationBlock = "PARTNER_RESTRICTED"
	BlockSite       RelationBlock = "OTHER_SITE"
	BlockOwing      RelationBlock = "ARREARS"
	BlockCredit     RelationBlock = "CREDIT_ACCOUNT"
	BlockUnlinked   RelationBlock = "NOT_ASSOCIATED"
	BlockSameMode   RelationBlock = "SAME_MODE"
	BlockOrders     RelationBlock = "PENDING_PAYMENT_ORDERS"
	BlockHeldMoney  RelationBlock = "HELD_MONEY"
)

// words says what a reason means and what may be done about it.
func (b RelationBlock) words() (message, suggestion string) {
	switch b {
	case BlockAssociated:
		return "This customer belongs to a partner already.", "The customer leaves its partner first, with requestDisassociation."
	case BlockAccount:
		return "This customer is frozen.", "Ask the cloud to unfreeze the account."
	case BlockUnreported:
		return "This customer has been registered for more than 7 days or has paid before; the partner has to report it first.",
			"Report the customer with reportCustomer, and invite it from the report."
	case BlockPartner:
		return "This partner, or its distributor, may not win new customers now.", "Ask the cloud why, and renew the program where it has expired."
	case BlockSite:
		return "The customer and the partner are on different clouds or use different currencies.", "Register an account on the partner's cloud, and associate that one."
	case BlockOwing:
		return "This customer owes money; the debt has to be settled first (C13).", "An advisory customer recharges; a resale customer is funded by its partner."
	case BlockCredit:
		return "This customer has a credit line.", "Ask the cloud to end the credit line."
	case BlockUnlinked:
		return "This customer belongs to no partner.", "Invite the customer with createInvitation."
	case BlockSameMode:
		return "The customer is in this mode already.", "There is nothing to do."
	case BlockOrders:
		return "This customer has orders that wait for payment; they have to be paid or cancelled first (C13).", "Pay the orders or cancel them."
	case BlockHeldMoney:
		return "Money of this customer is set aside for an order under way; it has to be delivered or cancelled first.", "Wait until the order is delivered."
	}
	return CustomerRestrictionKind(b).words()
}

// RelationBlocker is one thing that stands in the way.
type RelationBlocker struct {
	Code            RelationBlock
	Message         string
	SuggestedAction string
	RestrictionID   *ID // the restriction behind it, if an operator set it
}

// Blocker returns the blocker for a reason.
func (b RelationBlock) Blocker() RelationBlocker {
	message, suggestion := b.words()
	return RelationBlocker{Code: b, Message: message, SuggestedAction: suggestion}
}

// Refusal is the PRECONDITION_FAILED for a reason. Details carry the suggested action.
func (b RelationBlock) Refusal() *Error {
	message, suggestion := b.words()
	refused := Precondition(string(b), message)
	refused.Details["suggestedAction"] = suggestion
	return refused
}

// RefusalOf is the refusal for what stands in the way, or nil when nothing does: that of the first blocker, with the codes
// of all in Details["blockers"], so that nobody clears one hurdle to meet the next.
func RefusalOf(blockers []RelationBlocker) error {
	if len(blockers) == 0 {
		return nil
	}
	codes := make([]string, len(blockers))
	for i, blocker := range blockers {
		codes[i] = string(blocker.Code)
	}
	refused := blockers[0].Code.Refusal()
	refused.Details["blockers"] = codes
	return refused
}
