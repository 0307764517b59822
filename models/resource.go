package models

import (
	"time"

	"github.com/uptrace/bun"
)

// ResourceStatus is the state of a period resource (3.5).
type ResourceStatus string

// The states. Vendor codes: 2 in use, 3 closed, 4 frozen, 5 expired; creating has none.
const (
	ResourceCreating ResourceStatus = "CREATING"
	ResourceInUse    ResourceStatus = "IN_USE"
	ResourceClosed   ResourceStatus = "CLOSED"
	ResourceFrozen   ResourceStatus = "FROZEN"
	ResourceExpired  ResourceStatus = "EXPIRED"
)

// ChargingMode says how a resource is paid for (3.5). Vendor codes: 1 period, 3 pay-per-use.
type ChargingMode string

// The charging modes.
const (
	ChargedByPeriod ChargingMode = "PERIOD"
	ChargedByUse    ChargingMode = "PAY_PER_USE"
)

// ExpirePolicy says what happens at expiry (3.5). Vendor codes: 0 to 5 in this order.
type ExpirePolicy string

// The expire policies. Only AUTO_RENEW renews.
const (
	ExpireGracePeriod    ExpirePolicy = "GRACE_PERIOD"
	ExpireToPayPerUse    ExpirePolicy = "TO_PAY_PER_USE"
	ExpireDelete         ExpirePolicy = "DELETE"
	ExpireAutoRenew      ExpirePolicy = "AUTO_RENEW"
	ExpireFreeze         ExpirePolicy = "FREEZE"
	ExpireAfterRetention ExpirePolicy = "DELETE_AFTER_RETENTION"
)

// Resource is what a customer runs. One without ParentID is a main resource; the others are its sub-resources and never
// change alone (O11).
type Resource struct {
	bun.BaseModel `bun:"table:resources,alias:r"`

	ID           ID             `bun:"id,pk"`
	Cloud        string         `bun:"cloud" show:"-"`
	CloudID      string         `bun:"cloud_id" show:"cloudId"` // the cloud's own id of it
	CustomerID   ID             `bun:"customer_id"`
	PartnerID    ID             `bun:"partner_id,nullzero"` // the partner whose resale customer runs it
	OrderID      ID             `bun:"order_id"`
	OrderItemID  ID             `bun:"order_item_id" show:"-"`
	ParentID     ID             `bun:"parent_id,nullzero"`
	Name         string         `bun:"name"`
	Status       ResourceStatus `bun:"status"`
	Region       string         `bun:"region" show:"region"`
	ServiceType  string         `bun:"service_type" show:"serviceType"`
	ResourceType string         `bun:"resource_type" show:"resourceType"`
	SpecCode     string         `bun:"spec_code" show:"specCode"`
	ChargingMode ChargingMode   `bun:"charging_mode" show:"chargingMode,autoRenewalsLeft,nextAutoRenewalAt"`
	ExpirePolicy ExpirePolicy   `bun:"expire_policy" show:"expirePolicy,nextAutoRenewalAt"`
	ExternalID   string         `bun:"external_id,nullzero" show:"externalId"`

	UsageStatus       UsageStatus    `bun:"usage_status,nullzero" show:"usageStatus"`                     // of what is charged by use; "" for the others
	FrozenReason      FrozenReason   `bun:"frozen_reason,nullzero" show:"frozenReason,nextAutoRenewalAt"` // why it is frozen; "" = it is not
	ThawedStatus      ResourceStatus `bun:"thawed_status,nullzero" show:"-"`                              // what it was before somebody froze it
	EnterpriseProject string         `bun:"enterprise_project,nullzero" show:"enterpriseProject"`
	ProjectID         string         `bun:"project_id,nullzero" show:"projectId"` // the cloud's project
	ProductID         string         `bun:"product_id,nullzero" show:"productId"`
	SpecSize          string         `bun:"spec_size,nullzero" show:"specSize"` // a decimal, of SpecMeasure
	SpecMeasure       string         `bun:"spec_measure,nullzero" show:"specMeasure"`
	AutoRenewTimes    *int           `bun:"auto_renew_times" show:"autoRenewTimes,autoRenewalsLeft,nextAutoRenewalAt"` // 0 = without end; nil = it does not renew itself
	AutoRenewed       int            `bun:"auto_renewed" show:"autoRenewalsLeft,nextAutoRenewalAt"`                    // how often it has since that was set
	DeductionDays     int            `bun:"deduction_days" show:"nextAutoRenewalAt"`                                   // before expiry, 2 to 7; 0 = 7
	UnifiedExpiryDay  *int           `bun:"unified_expiry_day" show:"unifiedExpiryDay"`                                // 1 to 28, or -1 for the last day of the month; nil = as it comes

	EffectiveAt time.Time  `bun:"effective_at" show:"effectiveAt"`
	ExpiresAt   *time.Time `bun:"expires_at" show:"expiresAt,nextAutoRenewalAt"`
	CreatedAt   time.Time  `bun:"created_at"`
	UpdatedAt   time.Time  `bun:"updated_at" show:"-"`
}

// NodeID returns the id to page by.
func (r Resource) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (Resource) IsNode() {}

// IsMain reports whether it is a main resource.
func (r Resource) IsMain() bool { return r.ParentID == "" }

// ResourceConnection is a page of resources.
type ResourceConnection = Connection[Resource]

// ResourceEdge is one of the resources and its position.
type ResourceEdge = Edge[Resource]
