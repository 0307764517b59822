package models

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// WebhookState says whether an endpoint is told of what happens.
type WebhookState string

// The states of a webhook endpoint.
const (
	WebhookEnabled  WebhookState = "ENABLED"
	WebhookDisabled WebhookState = "DISABLED" // nothing new is queued, and what waits goes on waiting
)

// WebhookDisabledReason says why an endpoint is disabled.
type WebhookDisabledReason string

// Why endpoints are disabled.
const (
	WebhookDisabledByRequest WebhookDisabledReason = "REQUESTED" // somebody switched it off
	WebhookDisabledFailing   WebhookDisabledReason = "FAILING"   // nothing was accepted for MaxWebhookFailing
	WebhookDisabledGone      WebhookDisabledReason = "GONE"      // it answered 410
)

// WebhookDeliveryState is the state of a delivery.
type WebhookDeliveryState string

// The states of a delivery.
const (
	WebhookPending   WebhookDeliveryState = "PENDING"   // to be sent, or sent again
	WebhookDelivered WebhookDeliveryState = "DELIVERED" // the receiver answered 2xx
	WebhookFailed    WebhookDeliveryState = "FAILED"    // every attempt failed; it can be replayed
	WebhookWithheld  WebhookDeliveryState = "WITHHELD"  // not sent: Failure says why
)

// WebhookFailure says why an attempt did not deliver.
type WebhookFailure string

// Why attempts fail.
const (
	WebhookBadStatus      WebhookFailure = "STATUS"            // an answer other than 2xx
	WebhookRedirected     WebhookFailure = "REDIRECT"          // redirects are not followed
	WebhookGone           WebhookFailure = "GONE"              // 410: the endpoint is disabled
	WebhookTimeout        WebhookFailure = "TIMEOUT"           // no answer in time
	WebhookUnreachable    WebhookFailure = "CONNECTION"        // no connection, or one that broke
	WebhookUntrusted      WebhookFailure = "TLS"               // the certificate is not good
	WebhookAddressRefused WebhookFailure = "ADDRESS_REFUSED"   // the name leads to an address that is not public
	WebhookTooLarge       WebhookFailure = "PAYLOAD_TOO_LARGE" // above MaxWebhookBody; it is withheld
	WebhookNotVisible     WebhookFailure = "NOT_VISIBLE"       // the endpoint's owner may not read the event any more; it is withheld
	WebhookUnsubscribed   WebhookFailure = "UNSUBSCRIBED"      // the endpoint does not ask for such events any more; it is withheld
)

// The limits of webhooks.
const (
	MaxWebhookEndpoints = 20       // of one partner
	MaxWebhookBody      = 20 << 10 // bytes that are sent
	MaxWebhookAnswer    = 1 << 10  // bytes of the answer that the log keeps
	// MaxWebhookFailing is how long an endpoint may accept nothing before it is disabled.
	MaxWebhookFailing = 5 * 24 * time.Hour
	// WebhookRetention is how long deliveries are kept after their last change, and how far back events are replayed.
	WebhookRetention = 30 * 24 * time.Hour
	// WebhookSecretOverlap is how long an old secret goes on signing beside the new one.
	WebhookSecretOverlap = 24 * time.Hour
)

// webhookWaits are the waits after each failed attempt. An attempt without a wait was the last.
var webhookWaits = [...]time.Duration{ //nolint:gochecknoglobals // an array cannot be a constant
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// WebhookWait returns how long to wait after the attempt of this number, the first being 1; false when it was the last. jitter,
// from 0 to 1, lengthens the wait by up to a fifth, so that what failed together does not come back together.
func WebhookWait(attempt int, jitter float64) (time.Duration, bool) {
	if attempt < 1 || attempt > len(webhookWaits) {
		return 0, false
	}
	wait := webhookWaits[attempt-1]
	return wait + time.Duration(float64(wait)*0.2*min(max(jitter, 0), 1)), true
}

// WebhookEventTypes returns the events that webhooks tell of, in a fixed order. All of them are about customers, orders,
// resources, balances, coupons and cooperations, which a partner reads through the API as well.
func WebhookEventTypes() []EventType {
	return []EventType{
		EventCustomerCreated, EventCustomerAssociated, EventCustomerSwitched, EventCustomerDisassociated,
		EventCustomerUpdated, EventCustomerFrozen, EventCustomerUnfrozen, EventResourcesFrozen, EventResourcesThawed, EventBudgetAlert,
		EventAuthorizationRequested, EventAuthorizationGranted, EventAuthorizationRefused, EventAuthorizationRevoked,
		EventAuthorizationEnded, EventAuthorizationExpired,
		EventOrderPlaced, EventOrderHeld, EventOrderHoldReleased, EventOrderPaid, EventOrderCompleted, EventOrderCancelled, EventOrderRefunded,
		EventOrderAccepted, EventOrderFailed, EventOrderReviewed, EventOrderPartnerAsked, EventOrderDiscountChosen,
		EventOrderPriceAdjusted, EventOrderPriceRestored,
		EventResourceCreated, EventResourceExpired, EventResourceFrozen, EventResourceUnfrozen, EventResourceClosed, EventResourceRenewed, EventResourceChanged,
		EventResourceRenewalFailed, EventResourceTurnedToUse, EventResourceToPeriod, EventResourcePolicySet, EventPackageUsedUp,
		EventBalanceChanged, EventBalanceAlert,
		EventQuotaGranted, EventQuotaChanged, EventQuotaReclaimed, EventQuotaExpired,
		EventCooperationRequested, EventCooperationConfirmed, EventCooperationRejected, EventCooperationCancelled, EventCooperationExpired,
		EventCooperationBegan, EventCooperationEnded,
		EventCouponIssued, EventCouponActivated, EventCouponUsed, EventCouponReturned, EventCouponReclaimed, EventCouponExpired,
	}
}

// IsWebhookEvent reports whether webhooks tell of such events.
func IsWebhookEvent(kind EventType) bool { return slices.Contains(WebhookEventTypes(), kind) }

// WebhookPermission returns the permission to read what such events are about; "" for types that webhooks do not tell of.
func WebhookPermission(kind EventType) Permission {
	if !IsWebhookEvent(kind) {
		return ""
	}
	family, _, _ := strings.Cut(string(kind), ".")
	return map[string]Permission{"customer": ReadCustomers, "authorization": ReadCustomers, "order": ReadOrders, "resource": ReadResources, "resource_package": ReadResources, "balance": ReadBalances,
		"coupon": ReadCoupons, "coupon_quota": ReadCoupons, "cooperation": ReadPartners, "cooperation_request": ReadPartners}[family]
}

// MatchWebhookEvents returns the types that a pattern stands for: a type itself, a family such as order.*, or * for all of
// them. Nil when it stands for none.
func MatchWebhookEvents(pattern string) []EventType {
	var matched []EventType
	family, isFamily := strings.CutSuffix(pattern, "*")
	for _, kind := range WebhookEventTypes() {
		if string(kind) == pattern || isFamily && (family == "" || strings.HasSuffix(family, ".") && strings.HasPrefix(string(kind), family)) {
			matched = append(matched, kind)
		}
	}
	return matched
}

// WebhookEndpoint is an address that is told of what happens to a partner and its customers, or, without a partner, to
// everybody, which is for operators. Cloud resellers have none: it is part of capability exposure (A01, P12).
type WebhookEndpoint struct {
	bun.BaseModel `bun:"table:webhook_endpoints,alias:whe"`

	ID             ID                    `bun:"id,pk"`
	PartnerID      ID                    `bun:"partner_id,nullzero"` // zero = the operators'
	URL            string                `bun:"url"`
	Description    string                `bun:"description,nullzero"`
	EventTypes     []string              `bun:"event_types,type:jsonb"` // types and patterns, see MatchWebhookEvents
	State          WebhookState          `bun:"state"`
	DisabledReason WebhookDisabledReason `bun:"disabled_reason,nullzero"`
	DisabledAt     *time.Time            `bun:"disabled_at"`
	FailingSince   *time.Time            `bun:"failing_since"`    // the first failure since something was accepted; nil = none
	SecretsSealed  []byte                `bun:"secrets_sealed"`   // JSON, the current secret first
	OldSecretUntil *time.Time            `bun:"old_secret_until"` // until when an older secret signs as well; nil = none does
	Version        int64                 `bun:"version"`          // counts the changes of its settings
	CreatedAt      time.Time             `bun:"created_at"`
	UpdatedAt      time.Time             `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (e WebhookEndpoint) NodeID() ID { return e.ID }

// IsNode marks the type as a GraphQL Node.
func (WebhookEndpoint) IsNode() {}

// WebhookEndpointConnection is a page of webhook endpoints.
type WebhookEndpointConnection = Connection[WebhookEndpoint]

// WebhookEndpointEdge is one of the webhook endpoints and its position.
type WebhookEndpointEdge = Edge[WebhookEndpoint]

// Wants reports whether the endpoint asks for such events.
func (e WebhookEndpoint) Wants(kind EventType) bool {
	return slices.ContainsFunc(e.EventTypes, func(pattern string) bool { return slices.Contains(MatchWebhookEvents(pattern), kind) })
}

// Wanted returns the types that the endpoint asks for, in the order of WebhookEventTypes.
func (e WebhookEndpoint) Wanted() []EventType {
	return slices.DeleteFunc(WebhookEventTypes(), func(kind EventType) bool { return !e.Wants(kind) })
}

// OldSecretUntilAt returns until when an older secret signs as well, nil when none does at now.
func (e WebhookEndpoint) OldSecretUntilAt(now time.Time) *time.Time {
	if e.OldSecretUntil == nil || !now.Before(*e.OldSecretUntil) {
		return nil
	}
	return e.OldSecretUntil
}

// DescriptionOrNil returns Description, or nil when it is empty.
func (e WebhookEndpoint) DescriptionOrNil() *string { return orNil(e.Description) }

// DisabledReasonOrNil returns DisabledReason, or nil when it is empty.
func (e WebhookEndpoint) DisabledReasonOrNil() *WebhookDisabledReason {
	if e.DisabledReason == "" {
		return nil
	}
	return &e.DisabledReason
}

// WebhookDelivery is one event on its way to one endpoint: the queue, and afterwards the log.
type WebhookDelivery struct {
	bun.BaseModel `bun:"table:webhook_deliveries,alias:whd"`

	ID             ID                   `bun:"id,pk"`
	EndpointID     ID                   `bun:"endpoint_id"`
	EventID        ID                   `bun:"event_id"` // with EndpointID unique; it is the message's id
	EventType      EventType            `bun:"event_type"`
	State          WebhookDeliveryState `bun:"state"`
	Attempts       int                  `bun:"attempts"` // since it was queued or replayed
	Claims         int64                `bun:"claims"`   // counts the attempts of all times: whoever has the newest may write
	DueAt          time.Time            `bun:"due_at"`
	LastAttemptAt  *time.Time           `bun:"last_attempt_at"`
	ResponseStatus *int                 `bun:"response_status"` // of the last attempt, nil without an answer
	ResponseText   string               `bun:"response_text,nullzero"`
	Failure        WebhookFailure       `bun:"failure,nullzero"` // of the last attempt
	DurationMillis *int                 `bun:"duration_ms"`
	CreatedAt      time.Time            `bun:"created_at"`
	UpdatedAt      time.Time            `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (d WebhookDelivery) NodeID() ID { return d.ID }

// IsNode marks the type as a GraphQL Node.
func (WebhookDelivery) IsNode() {}

// WebhookDeliveryConnection is a page of webhook deliveries.
type WebhookDeliveryConnection = Connection[WebhookDelivery]

// WebhookDeliveryEdge is one of the webhook deliveries and its position.
type WebhookDeliveryEdge = Edge[WebhookDelivery]

// EventTypeName returns the event's type as the API shows it.
func (d WebhookDelivery) EventTypeName() string { return string(d.EventType) }

// NextAttemptAt returns when a pending delivery is sent at the earliest, nil for the others.
func (d WebhookDelivery) NextAttemptAt() *time.Time {
	if d.State != WebhookPending {
		return nil
	}
	return &d.DueAt
}

// ResponseTextOrNil returns ResponseText, or nil when it is empty.
func (d WebhookDelivery) ResponseTextOrNil() *string { return orNil(d.ResponseText) }

// FailureOrNil returns Failure, or nil when it is empty.
func (d WebhookDelivery) FailureOrNil() *WebhookFailure {
	if d.Failure == "" {
		return nil
	}
	return &d.Failure
}

// webhookFields are the names that may leave this server in a payload: ids, states, amounts, and the key that the partner's own
// storefront gave. Whatever else an event carries, such as a reason that a person wrote, stays here.
func webhookFields() []string {
	return []string{
		"amount", "associationId", "available", "crossing", "currency", "cycle", "destination", "endedAssociationId", "endpointId", "externalId", "holdId", "kind", "mode", "number",
		"orderId", "percent", "refundId", "resources", "scope", "source", "spent", "state", "status", "threshold", "total", "transferId", "version", "withdrawalId",
	}
}

// WebhookBody returns what is sent of an event: its type, its time, and in data its ids, states and amounts. Equal events give
// equal bytes.
func WebhookBody(event Event) ([]byte, error) {
	data := map[string]any{}
	for name, value := range event.Data {
		if slices.Contains(webhookFields(), name) {
			data[name] = value
		}
	}
	for name, id := range map[string]string{
		"subjectId": event.SubjectID, "partnerId": string(event.PartnerID), "customerId": string(event.CustomerID),
	} {
		if id != "" {
			data[name] = id
		}
	}
	body, err := json.Marshal(struct {
		Type      EventType      `json:"type"`
		Timestamp string         `json:"timestamp"`
		Data      map[string]any `json:"data"`
	}{event.Type, event.CreatedAt.UTC().Format(time.RFC3339Nano), data})
	if err != nil {
		return nil, fmt.Errorf("webhook body of %s: %w", event.ID, err)
	}
	return body, nil
}
