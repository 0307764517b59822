package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// UserState says whether a person may sign in.
type UserState string

// The states of a user.
const (
	UserActive   UserState = "ACTIVE"
	UserDisabled UserState = "DISABLED"
)

// User is a person who signs in: an operator, a partner's member or a customer's user. Exactly one of PartnerID and
// CustomerID is set for the latter two.
type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID           ID            `bun:"id,pk"`
	Kind         PrincipalKind `bun:"kind"` // Operator, PartnerMember or CustomerUser
	PartnerID    ID            `bun:"partner_id,nullzero"`
	CustomerID   ID            `bun:"customer_id,nullzero"`
	LoginName    string        `bun:"login_name"`           // unique, lower case
	ExternalID   string        `bun:"external_id,nullzero"` // the storefront's own key of the person, unique per customer
	PasswordHash string        `bun:"password_hash,nullzero"`
	State        UserState     `bun:"state"`
	Permissions  []Permission  `bun:"permissions,type:jsonb"`
	SessionEpoch int64         `bun:"session_epoch"` // sessions of an older epoch are over
	CreatedAt    time.Time     `bun:"created_at"`
	UpdatedAt    time.Time     `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (u User) NodeID() ID { return u.ID }

// APIKey lets a program call as an operator, a partner or a customer. Only a digest of the secret is kept.
type APIKey struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	ID         ID            `bun:"id,pk"`
	Name       string        `bun:"name"`
	Kind       PrincipalKind `bun:"kind"` // Operator, PartnerKey or CustomerUser
	PartnerID  ID            `bun:"partner_id,nullzero"`
	CustomerID ID            `bun:"customer_id,nullzero"`
	Hash       []byte        `bun:"hash"`   // SHA-256 of the secret
	Prefix     string        `bun:"prefix"` // the secret's first characters, to tell keys apart
	Scopes     []Permission  `bun:"scopes,type:jsonb"`
	CreatedAt  time.Time     `bun:"created_at"`
	ExpiresAt  *time.Time    `bun:"expires_at"` // nil = does not expire
	RevokedAt  *time.Time    `bun:"revoked_at"`
	LastUsedAt *time.Time    `bun:"last_used_at"` // to the minute
}

// NodeID returns the id to page by.
func (k APIKey) NodeID() ID { return k.ID }

// APIKeyConnection is a page of API keys.
type APIKeyConnection = Connection[APIKey]

// APIKeyEdge is one of the API keys and its position.
type APIKeyEdge = Edge[APIKey]

// UsableAt reports whether the key is neither revoked nor expired at now.
func (k APIKey) UsableAt(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || now.Before(*k.ExpiresAt))
}

// DefaultPermissions returns what a credential of this kind may do when nothing narrower is said (G02).
func DefaultPermissions(kind PrincipalKind, partner PartnerKind) []Permission {
	switch kind {
	case Operator, System:
		return AllPermissions()
	case PartnerMember, PartnerKey:
		all := AllPermissions()
		if partner.HasExposure() {
			return slices.DeleteFunc(all, operatorsOnly)
		}
		return slices.DeleteFunc(all, func(p Permission) bool {
			return operatorsOnly(p) || p == ReadExposure || p == WriteExposure || p == ReadIncentives || p == WriteIncentives || p == IssueSignIns ||
				p == ReadCompanies
		})
	case CustomerUser:
		return []Permission{ReadPartners, ReadCustomers, ChangeRelations, ReadOrders, PayOrders, ReadResources, WriteResources, ReadBalances, MoveMoney, WriteAlerts, ReadEvents, ReadCatalogue, ReadCoupons, ReadBills}
	}
	return nil
}

func operatorsOnly(p Permission) bool {
	return p == WritePartners || p == ReviewWithdrawals || p == ReviewVerifications || p == LoadCatalogue || p == ManageJobs ||
		p == WriteUsage || p == LoadIncentives || p == WritePayouts || p == ReviewBenefits || p == ReviewBrands || p == LoadCompanies
}
