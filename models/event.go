package models

import (
	"time"

	"github.com/uptrace/bun"
)

// EventType says what happened; it is part of the API and of webhooks.
type EventType string

// The events.
const (
	EventCustomerCreated       EventType = "customer.created"
	EventCustomerAssociated    EventType = "customer.associated"
	EventCustomerDisassociated EventType = "customer.disassociated"
	EventIdentityBound         EventType = "identity.bound"
	EventIdentityUnbound       EventType = "identity.unbound"
	EventIdentitySignedIn      EventType = "identity.signed_in"
	EventSignInRefused         EventType = "identity.sign_in_refused"
	EventOrderPlaced           EventType = "order.placed"
	EventOrderPaid             EventType = "order.paid"
	EventOrderCompleted        EventType = "order.completed"
	EventOrderCancelled        EventType = "order.cancelled"
	EventResourceCreated       EventType = "resource.created"
	EventResourceExpired       EventType = "resource.expired"
	EventResourceFrozen        EventType = "resource.frozen"
	EventResourceUnfrozen      EventType = "resource.unfrozen"
	EventResourceClosed        EventType = "resource.closed"
	EventResourceRenewed       EventType = "resource.renewed"
	EventResourceRenewalFailed EventType = "resource.renewal_failed"
	EventResourceTurnedToUse   EventType = "resource.turned_to_use"
	EventResourceToPeriod      EventType = "resource.turned_to_period"
	EventResourcePolicySet     EventType = "resource.expire_policy_set"
	EventBalanceChanged        EventType = "balance.changed"
	EventBalanceAlert          EventType = "balance.alert" // the available balance fell below its owner's threshold (M09)
	EventBalanceAlertSet       EventType = "balance_alert.set"
	EventBalanceAlertRemoved   EventType = "balance_alert.removed"
	EventBalanceEarmarked      EventType = "balance.earmarked"
	EventCreditLineSet         EventType = "balance.credit_line_set"
	EventSettlementLineSet     EventType = "settlement.line_set"
	EventSettlementLineEnded   EventType = "settlement.line_ended"
	EventSettlementPaid        EventType = "settlement.paid" // of a month on account, all or a part (O04)
	EventExposureUpdated       EventType = "exposure.updated"
	EventReturnSecretRevealed  EventType = "exposure.return_secret_revealed"
	EventAPIKeyCreated         EventType = "api_key.created"
	EventAPIKeyRevoked         EventType = "api_key.revoked"
	EventAPIKeyRotated         EventType = "api_key.rotated"
	EventPartnerCreated        EventType = "partner.created"
	EventUserCreated           EventType = "user.created"
	EventSessionsRevoked       EventType = "session.revoked"
	EventSessionRotated        EventType = "session.rotated"
	EventBindNotificationSent  EventType = "bind_notification.sent"
	EventBindNotificationAgain EventType = "bind_notification.repeated"
	EventTestLoginCreated      EventType = "test_login.created"
	EventSigningKeyCreated     EventType = "signing_key.created"
	EventSigningKeyActivated   EventType = "signing_key.activated"
	EventSigningKeyRetired     EventType = "signing_key.retired"
	EventSigningKeyRemoved     EventType = "signing_key.removed"
	EventBalanceAdjusted       EventType = "balance.adjusted"
	EventStatementExported     EventType = "statement.exported"

	EventWithdrawalSubmitted  EventType = "withdrawal.submitted"
	EventWithdrawalReviewing  EventType = "withdrawal.review_started"
	EventWithdrawalApproved   EventType = "withdrawal.approved"
	EventWithdrawalRejected   EventType = "withdrawal.rejected"
	EventWithdrawalPaying     EventType = "withdrawal.paying"
	EventWithdrawalDone       EventType = "withdrawal.completed"
	EventWithdrawalFailed     EventType = "withdrawal.failed"
	EventWithdrawalRerouted   EventType = "withdrawal.rerouted"
	EventWithdrawalCancelled  EventType = "withdrawal.cancelled"
	EventWithdrawalDeleted    EventType = "withdrawal.deleted"
	EventWithdrawalRestricted EventType = "withdrawal.restricted"
	EventRestrictionLifted    EventType = "withdrawal.restriction_lifted"
	EventOrderHeld            EventType = "order.held"
	EventOrderHoldReleased    EventType = "order.hold_released"
	EventOrderRefunded        EventType = "order.refunded"
	EventTransferReversed     EventType = "transfer.reversed"
)

// The events of recharges (M08).
const (
	EventRechargeStarted      EventType = "recharge.started"
	EventRechargeConfirmed    EventType = "recharge.confirmed"
	EventRechargeFailed       EventType = "recharge.failed"
	EventRechargeCancelled    EventType = "recharge.cancelled"
	EventRechargeExpired      EventType = "recharge.expired"
	EventRemittanceRecorded   EventType = "remittance.recorded"
	EventRemittanceClaimed    EventType = "remittance.claimed"
	EventClaimCredited        EventType = "remittance_claim.credited"
	EventClaimRejected        EventType = "remittance_claim.rejected"
	EventPayerAgreementMade   EventType = "payer_agreement.created"
	EventPayerAgreementVoided EventType = "payer_agreement.voided"
)

// The events of a platform as identity provider.
const (
	EventServiceProviderRegistered EventType = "service_provider.registered"
	EventServiceProviderUpdated    EventType = "service_provider.updated"
	EventServiceProviderRemoved    EventType = "service_provider.removed"
	EventSignInTicketCreated       EventType = "sign_in_ticket.created"
	EventCloudBindingChanged       EventType = "cloud_binding.changed"
)

// The events of webhooks (capability exposure, A01). Webhooks do not tell of them, but for the test.
const (
	EventWebhookCreated       EventType = "webhook_endpoint.created"
	EventWebhookUpdated       EventType = "webhook_endpoint.updated"
	EventWebhookDeleted       EventType = "webhook_endpoint.deleted"
	EventWebhookSecretRotated EventType = "webhook_endpoint.secret_rotated"
	EventWebhookDisabled      EventType = "webhook_endpoint.disabled" // by this server: it failed for days, or is gone
	EventWebhookReplayed      EventType = "webhook_endpoint.replayed"
	EventWebhookTest          EventType = "webhook.test"
)

// The events of managing customers (C17 to C22).
const (
	EventCustomerUpdated        EventType = "customer.updated"
	EventCustomerTagsChanged    EventType = "customer.tags_changed"
	EventNewCustomerTagSet      EventType = "customer.new_customer_tag_set"
	EventCustomerFrozen         EventType = "customer.frozen"
	EventCustomerUnfrozen       EventType = "customer.unfrozen"
	EventResourcesFrozen        EventType = "customer.resources_frozen"
	EventResourcesThawed        EventType = "customer.resources_thawed"
	EventAccountManagerAssigned EventType = "customer.account_manager_assigned"
	EventAccountManagerRemoved  EventType = "customer.account_manager_removed"
	EventContactsSet            EventType = "customer.contacts_set"
	EventBudgetSet              EventType = "customer.budget_set"
	EventBudgetRemoved          EventType = "customer.budget_removed"
	EventBudgetAlert            EventType = "customer.budget_alert" // spending reached a share of the budget (C22)
	EventAccountBound           EventType = "identity.account_bound"
)

// The events of files and of real-name verification (R01 to R06).
const (
	EventUploadCreated        EventType = "upload.created"
	EventUploadReceived       EventType = "upload.received"
	EventUploadRefused        EventType = "upload.refused"
	EventVerificationMade     EventType = "verification.submitted"
	EventVerificationPassed   EventType = "verification.passed"
	EventVerificationRejected EventType = "verification.rejected"
	EventVerificationRead     EventType = "verification.attachment_opened"
)

// The events of what this server does at its time.
const (
	EventJobRerun     EventType = "job.rerun"
	EventJobCancelled EventType = "job.cancelled"
)

// The events of relations between customers and partners.
const (
	EventCustomerRestricted   EventType = "customer.restricted"
	EventCustomerUnrestricted EventType = "customer.restriction_lifted"
	EventCustomerSwitched     EventType = "customer.mode_switched"
	EventReportMade           EventType = "customer_report.made"
	EventReportFailed         EventType = "customer_report.failed"
	EventReportExpired        EventType = "customer_report.expired"
	EventReportWithdrawn      EventType = "customer_report.withdrawn"
	EventInvitationMade       EventType = "invitation.created"
	EventInvitationMailed     EventType = "invitation.mail_requested"
	EventInvitationAccepted   EventType = "invitation.accepted"
	EventInvitationRefused    EventType = "invitation.refused"
	EventInvitationFailed     EventType = "invitation.failed"
	EventInvitationRevoked    EventType = "invitation.revoked"
	EventInvitationExpired    EventType = "invitation.expired"
	EventRelationRequested    EventType = "association_request.made"
	EventRelationConfirmed    EventType = "association_request.confirmed"
	EventRelationRejected     EventType = "association_request.rejected"
	EventRelationCancelled    EventType = "association_request.cancelled"
	EventRelationExpired      EventType = "association_request.expired"
)

// The events of cooperations between distributors and resellers (P12, P15). All are told to the distributor, and on the reseller's record they
// are EventCooperationNoted, so that whoever is told of both is told once.
const (
	EventCooperationRequested EventType = "cooperation_request.made"
	EventCooperationConfirmed EventType = "cooperation_request.confirmed"
	EventCooperationRejected  EventType = "cooperation_request.rejected"
	EventCooperationCancelled EventType = "cooperation_request.cancelled"
	EventCooperationExpired   EventType = "cooperation_request.expired"
	EventCooperationBegan     EventType = "cooperation.began"
	EventCooperationEnded     EventType = "cooperation.ended"
	EventCooperationNoted     EventType = "cooperation.noted" // data.event says which of the others it is
	// Who looks after a reseller is its distributor's affair and nobody else's.
	EventResellerManagerAssigned EventType = "reseller.account_manager_assigned"
	EventResellerManagerRemoved  EventType = "reseller.account_manager_removed"
	// EventResellerUpgrade is a step of a reseller on its way to become a distributor (P13), for itself and operators.
	EventResellerUpgrade    EventType = "reseller_upgrade.changed"
	EventPartnerKindChanged EventType = "partner.kind_changed"
)

// The events of authorisations (O16).
const (
	EventAuthorizationRequested EventType = "authorization.requested"
	EventAuthorizationGranted   EventType = "authorization.granted"
	EventAuthorizationRefused   EventType = "authorization.refused"
	EventAuthorizationRevoked   EventType = "authorization.revoked"
	EventAuthorizationEnded     EventType = "authorization.ended"
	EventAuthorizationExpired   EventType = "authorization.expired"
	EventAuthorizationUsed      EventType = "authorization.used" // somebody acted under it, in the transaction of that act
)

// The events of one-time codes (G04). None has the code or the address.
const (
	EventCodeRequested EventType = "verification_code.requested"
	EventCodeUsed      EventType = "verification_code.used"
	EventStepUpSet     EventType = "step_up.set"
)

// The events of orders for what runs already.
const (
	EventOrderAccepted  EventType = "order.accepted"   // it costs nothing and goes on without a payment
	EventOrderFailed    EventType = "order.failed"     // the cloud cannot carry it out
	EventOrderReviewed  EventType = "order.reviewed"   // an operator let it go on, or refused it
	EventOrderReviewSet EventType = "order.review_set" // a customer's orders are put under review, or taken out; for operators alone
	// EventOrderPartnerAsked is a customer asking its partner to pay (O05).
	EventOrderPartnerAsked EventType = "order.partner_payment_requested"
	EventResourceChanged   EventType = "resource.changed"
	// EventOrderDiscountChosen is another of its quote's prices for an order that waits for payment.
	EventOrderDiscountChosen EventType = "order.discount_chosen"
	// EventOrderPriceAdjusted is a price that the seller has set for an order that waits for payment, EventOrderPriceRestored the end of that.
	EventOrderPriceAdjusted EventType = "order.price_adjusted"
	EventOrderPriceRestored EventType = "order.price_restored"
)

// The events of the catalogue and its prices (K01 to K08).
const (
	EventCatalogueLoaded EventType = "catalogue.loaded"
	EventDiscountGranted EventType = "discount.granted"
	EventDiscountEnded   EventType = "discount.ended"
	EventQuoteGiven      EventType = "quote.given"
)

// EventCompaniesLoaded is a load of the register of companies (C23); for operators alone.
const EventCompaniesLoaded EventType = "companies.loaded"

// The events of coupons and their quotas (V01 to V11).
const (
	EventQuotaGranted      EventType = "coupon_quota.granted"
	EventQuotaChanged      EventType = "coupon_quota.changed" // its value, its balance or its state
	EventQuotaReclaimed    EventType = "coupon_quota.reclaimed"
	EventQuotaExpired      EventType = "coupon_quota.expired"
	EventCouponWhitelisted EventType = "coupon_whitelist.set"
	EventCouponIssued      EventType = "coupon.issued"
	EventCouponActivated   EventType = "coupon.activated"
	EventCouponUsed        EventType = "coupon.used"     // it paid for an order
	EventCouponReturned    EventType = "coupon.returned" // what it paid came back
	EventCouponReclaimed   EventType = "coupon.reclaimed"
	EventCouponExpired     EventType = "coupon.expired"
)

// The events of bills and incentives.
const (
	EventUsageRecorded      EventType = "usage.recorded"  // once per call and customer
	EventUsageCorrected     EventType = "usage.corrected" // of one record
	EventUsageSettled       EventType = "usage.settled"
	EventPackageUsedUp      EventType = "resource_package.used_up" // an item has nothing left in its cycle (O18)
	EventPoliciesLoaded     EventType = "incentive_policies.loaded"
	EventStatementToConfirm EventType = "incentive_statement.to_confirm"
	EventStatementConfirmed EventType = "incentive_statement.confirmed"
	EventStatementDone      EventType = "incentive_statement.done"

	EventCertificationSubmitted EventType = "commercial_certification.submitted"
	EventCertificationReplaced  EventType = "commercial_certification.replaced" // the partner says something else now
	EventCertificationApproved  EventType = "commercial_certification.approved"
	EventCertificationRejected  EventType = "commercial_certification.rejected"
	EventCertificationWrong     EventType = "commercial_certification.amount_wrong"
	EventCertificationLocked    EventType = "commercial_certification.locked" // by a third wrong amount
	EventCertificationUnlocked  EventType = "commercial_certification.unlocked"
	EventCertificationCertified EventType = "commercial_certification.certified"
	EventBankLetterOpened       EventType = "commercial_certification.letter_opened"

	EventPayoutRequested        EventType = "payout.requested"
	EventPayoutSubmitted        EventType = "payout.submitted" // again, after it was sent back
	EventPayoutInvoiced         EventType = "payout.invoiced"
	EventPayoutApproved         EventType = "payout.approved" // as it was submitted, or its invoices
	EventPayoutRejected         EventType = "payout.rejected"
	EventPayoutCountersigned    EventType = "payout.countersigned"
	EventPayoutNotCountersigned EventType = "payout.countersign_rejected"
	EventPayoutPaymentRequested EventType = "payout.payment_requested"
	EventPayoutPaymentFailed    EventType = "payout.payment_failed"
	EventPayoutPaid             EventType = "payout.paid" // in money, or as a quota
	EventPayoutWithdrawn        EventType = "payout.withdrawn"
	EventPayoutPreferenceSet    EventType = "payout_preference.set"
	EventStatementCarried       EventType = "incentive_statement.carried_over" // it was too little to be paid out
)

// The events of benefits.
const (
	EventCapabilityTagSet       EventType = "capability_tag.set"
	EventBenefitStandingSet     EventType = "benefit_standing.set"
	EventCapabilityApplied      EventType = "capability.applied"
	EventCapabilityGranted      EventType = "capability.granted"
	EventCapabilityFailed       EventType = "capability.failed"
	EventCapabilityLapsed       EventType = "capability.lapsed" // the right to the incentive that it brings
	EventBenefitDrafted         EventType = "benefit.drafted"
	EventBenefitSubmitted       EventType = "benefit.submitted"
	EventBenefitReviewStarted   EventType = "benefit.review_started"
	EventBenefitApproved        EventType = "benefit.approved"
	EventBenefitRejected        EventType = "benefit.rejected"
	EventBenefitWithdrawn       EventType = "benefit.withdrawn"
	EventBenefitEdited          EventType = "benefit.edited"
	EventBenefitDeleted         EventType = "benefit.deleted"
	EventBenefitLapsed          EventType = "benefit.lapsed"
	EventBenefitProofSubmitted  EventType = "benefit.proof_submitted"
	EventBenefitProofAccepted   EventType = "benefit.proof_accepted"
	EventBenefitProofRefused    EventType = "benefit.proof_refused"
	EventBenefitProofRead       EventType = "benefit.proof_read"
	EventBenefitPublicityEnded  EventType = "benefit.publicity_ended"
	EventBenefitInvoiced        EventType = "benefit.invoiced"
	EventBenefitInvoiceAccepted EventType = "benefit.invoice_accepted"
	EventBenefitPaid            EventType = "benefit.paid"
	EventMDFCapSet              EventType = "mdf_cap.set"
	EventPCEJoined              EventType = "pce.joined"
)

// The events of partners' brands (A09).
const (
	EventBrandSaved     EventType = "brand.saved"
	EventBrandSubmitted EventType = "brand.submitted"
	EventBrandWithdrawn EventType = "brand.withdrawn"
	EventBrandPublished EventType = "brand.published"
	EventBrandRejected  EventType = "brand.rejected"
	EventBrandReplaced  EventType = "brand.replaced"
	EventBrandRetired   EventType = "brand.retired"
)

// The events of incentives that move between accounts of a company (N12).
const (
	EventCompanySet            EventType = "company_identity.set"
	EventStatementTransferred  EventType = "incentive_statement.transferred" // to another account
	EventStatementReceived     EventType = "incentive_statement.received"    // from another account
	EventIncentivesTransferred EventType = "incentive_transfer.sent"
	EventIncentivesReceived    EventType = "incentive_transfer.received"
)

// The events of dedicated staff (N07).
const (
	EventStaffInvited          EventType = "staff_scheme.invited"
	EventStaffRequested        EventType = "staff_scheme.requested"
	EventStaffApproved         EventType = "staff_scheme.approved"
	EventStaffRejected         EventType = "staff_scheme.rejected"
	EventStaffWithdrawn        EventType = "staff_scheme.withdrawn"
	EventStaffRevoked          EventType = "staff_scheme.revoked"
	EventStaffLapsed           EventType = "staff_scheme.lapsed"
	EventStaffReleased         EventType = "staff_scheme.released" // its year is over, and its people may be in another scheme
	EventStaffMemberAdded      EventType = "staff_member.added"
	EventStaffMemberChanged    EventType = "staff_member.changed"
	EventStaffMemberRemoved    EventType = "staff_member.removed"
	EventStaffMonthApplied     EventType = "staff_month.applied"
	EventStaffMonthConfirmed   EventType = "staff_month.confirmed"
	EventStaffMonthRejected    EventType = "staff_month.rejected"
	EventStaffMonthWithdrawn   EventType = "staff_month.withdrawn"
	EventStaffPaymentRequested EventType = "staff_payment.requested"
	EventStaffPaymentApproved  EventType = "staff_payment.approved"
	EventStaffPaymentRejected  EventType = "staff_payment.rejected"
	EventStaffPaymentWithdrawn EventType = "staff_payment.withdrawn"
	EventStaffListExported     EventType = "staff_payment.list_exported"
	EventStaffPaymentPosted    EventType = "staff_payment.posted"
	EventStaffPaymentPaid      EventType = "staff_payment.paid"
)

// Event is the audit record of one thing that happened, and the row that the outbox delivers. It names ids and changed
// fields, never personal values. PartnerID and CustomerID say who may read it.
type Event struct {
	bun.BaseModel `bun:"table:events,alias:ev"`

	ID         ID             `bun:"id,pk"`
	Type       EventType      `bun:"type"`
	ActorKind  PrincipalKind  `bun:"actor_kind"`
	ActorID    string         `bun:"actor_id"`
	ActorOrgID ID             `bun:"actor_org_id,nullzero"` // the partner or customer that the actor belongs to; zero for operators
	PartnerID  ID             `bun:"partner_id,nullzero"`
	CustomerID ID             `bun:"customer_id,nullzero"`
	SubjectID  string         `bun:"subject_id"` // what it happened to
	Fields     []string       `bun:"fields,type:jsonb"`
	Changes    []FieldChange  `bun:"changes,type:jsonb"` // nil where a field's value is nobody's business
	Data       map[string]any `bun:"data,type:jsonb"`    // ids, states and amounts only
	RequestID  string         `bun:"request_id"`
	RemoteAddr string         `bun:"remote_addr,nullzero"`
	CreatedAt  time.Time      `bun:"created_at"`
}

// NodeID returns the id to page by.
func (e Event) NodeID() ID { return e.ID }

// FieldChange is what a write did to one field. Values are as the API writes them; fields that hold personal data or secrets have none.
type FieldChange struct {
	Field  string  `json:"field"`
	Before *string `json:"before"` // nil = not set
	After  *string `json:"after"`  // nil = not set
}

// Changed is the change of a field from one text to another; an empty text is a field that is not set.
func Changed[B, A ~string](field string, before B, after A) FieldChange {
	change := FieldChange{Field: field}
	if text := string(before); text != "" {
		change.Before = &text
	}
	if text := string(after); text != "" {
		change.After = &text
	}
	return change
}

// As returns the event as a principal may see it: who belongs to another organisation learns which one and what kind of credential acted,
// and neither the very person or key nor the address it came from. A customer learns of no company but its own: a reseller's customers
// know nothing of its distributor.
func (e Event) As(who Principal) Event {
	if who.CustomerID != "" {
		e.PartnerID = ""
		if e.ActorOrgID != who.CustomerID {
			e.ActorOrgID = ""
		}
	}
	if who.SeesAll() || e.ActorOrgID != "" && e.ActorOrgID == who.OrgID() {
		return e
	}
	e.ActorID, e.RemoteAddr = string(e.ActorKind), ""
	return e
}

// EventConnection is a page of events.
type EventConnection = Connection[Event]

// EventEdge is one of the events and its position.
type EventEdge = Edge[Event]

// OutboxRow says that one consumer still has to be told of one event.
type OutboxRow struct {
	bun.BaseModel `bun:"table:outbox,alias:ob"`

	EventID   ID        `bun:"event_id,pk"`
	Consumer  string    `bun:"consumer,pk"`
	Attempts  int       `bun:"attempts"`
	DueAt     time.Time `bun:"due_at"`
	LastError string    `bun:"last_error,nullzero"`
	CreatedAt time.Time `bun:"created_at"`
}

// IPAddress returns where the request came from, nil when that is unknown or not the reader's business.
func (e Event) IPAddress() *string {
	if e.RemoteAddr == "" {
		return nil
	}
	return &e.RemoteAddr
}

// TypeName returns the type as the API shows it.
func (e Event) TypeName() string { return string(e.Type) }
