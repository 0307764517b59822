package models

import (
	"time"

	"github.com/uptrace/bun"
)

// CloudBindingState says what a cloud said last about an account.
type CloudBindingState string

// The states of a cloud binding.
const (
	CloudBound   CloudBindingState = "BOUND"
	CloudUnbound CloudBindingState = "UNBOUND"
)

// CloudBinding is what a cloud told a platform about the account of one of its customers (2.6). There is one for each
// service provider, account, person and cloud account.
type CloudBinding struct {
	bun.BaseModel `bun:"table:cloud_bindings,alias:cb"`

	ID                ID                `bun:"id,pk"`
	ServiceProviderID ID                `bun:"service_provider_id"`
	PartnerID         ID                `bun:"partner_id"` // the owner of the platform
	XAccountID        string            `bun:"x_account_id"`
	XUserID           string            `bun:"x_user_id"`
	CustomerID        ID                `bun:"customer_id,nullzero"` // zero when the account is none of the platform's
	UserID            ID                `bun:"user_id,nullzero"`     // zero when the person is none of the customer's
	DomainID          string            `bun:"domain_id"`            // the cloud's id of the account
	DomainName        string            `bun:"domain_name"`
	State             CloudBindingState `bun:"state"`
	Nonce             string            `bun:"nonce,nullzero"`
	IssuedAt          time.Time         `bun:"issued_at"` // when the cloud said so, to the second; an older word never replaces a newer
	CreatedAt         time.Time         `bun:"created_at"`
	UpdatedAt         time.Time         `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (b CloudBinding) NodeID() ID { return b.ID }

// CloudBindingConnection is a page of cloud bindings.
type CloudBindingConnection = Connection[CloudBinding]

// CloudBindingEdge is one of the cloud bindings and its position.
type CloudBindingEdge = Edge[CloudBinding]
