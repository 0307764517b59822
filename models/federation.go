package models

import (
	"time"

	"github.com/uptrace/bun"
)

// FederatedAccount joins an account of a partner platform to one customer: the key of every later login (2.4).
type FederatedAccount struct {
	bun.BaseModel `bun:"table:federated_accounts,alias:fa"`

	PlatformID string    `bun:"platform_id,pk"`  // xAccountType
	XAccountID string    `bun:"x_account_id,pk"` // at most 128 characters
	CustomerID ID        `bun:"customer_id"`
	BoundAt    time.Time `bun:"bound_at"`
}

// FederatedIdentity joins one person of a partner platform's account to one of the customer's users.
type FederatedIdentity struct {
	bun.BaseModel `bun:"table:federated_identities,alias:fi"`

	ID         ID        `bun:"id,pk"`
	PlatformID string    `bun:"platform_id"`
	XAccountID string    `bun:"x_account_id"`
	XUserID    string    `bun:"x_user_id"`
	UserID     ID        `bun:"user_id"`
	BoundAt    time.Time `bun:"bound_at"`

	CustomerID ID `bun:"customer_id,scanonly"` // of the person; filled only where it is asked for
}

// ParkedRequest is an AuthnRequest that waits for its answer. It is deleted when it is used.
type ParkedRequest struct {
	bun.BaseModel `bun:"table:saml_requests,alias:sr"`

	RelayID     string    `bun:"relay_id,pk"` // the opaque RelayState
	PlatformID  string    `bun:"platform_id"`
	RequestID   string    `bun:"request_id"` // the AuthnRequest's ID
	Issuer      string    `bun:"issuer"`     // the identity provider that must answer
	BrowserHash []byte    `bun:"browser_hash"`
	FirstLogin  bool      `bun:"first_login"`
	Service     string    `bun:"service,nullzero"`
	TestLoginID ID        `bun:"test_login_id,nullzero"` // set: a test, which signs nobody in
	CreatedAt   time.Time `bun:"created_at"`
	ExpiresAt   time.Time `bun:"expires_at"`
}

// ReplayRow remembers an assertion until it could not be used again anyway.
type ReplayRow struct {
	bun.BaseModel `bun:"table:saml_replays,alias:rp"`

	PlatformID  string    `bun:"platform_id,pk"`
	AssertionID string    `bun:"assertion_id,pk"`
	Until       time.Time `bun:"until"`
}

// FirstLogin is a verified arrival of somebody unbound who is on the create-or-bind page (2.5). What the assertion said
// is sealed.
type FirstLogin struct {
	bun.BaseModel `bun:"table:first_logins,alias:fl"`

	ID            ID        `bun:"id,pk"`
	TokenHash     []byte    `bun:"token_hash"`
	PlatformID    string    `bun:"platform_id"`
	PartnerID     ID        `bun:"partner_id"`
	ArrivalSealed []byte    `bun:"arrival_sealed"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
}

// SigningKeyState says what a SAML key is for now.
type SigningKeyState string

// The states of a signing key.
const (
	KeyActive  SigningKeyState = "ACTIVE"
	KeyNext    SigningKeyState = "NEXT"
	KeyRetired SigningKeyState = "RETIRED"
)

// SigningKey is a key pair of one platform's SAML endpoints; the private half is sealed.
type SigningKey struct {
	bun.BaseModel `bun:"table:signing_keys,alias:sk"`

	ID          ID              `bun:"id,pk"`
	PlatformID  string          `bun:"platform_id"`
	State       SigningKeyState `bun:"state"`
	Certificate []byte          `bun:"certificate"` // DER
	KeySealed   []byte          `bun:"key_sealed"`  // PKCS #8, sealed
	CreatedAt   time.Time       `bun:"created_at"`
	ExpiresAt   time.Time       `bun:"expires_at"`
}

// ParkedLogout is a LogoutRequest that waits for its answer. It is deleted when it is used.
type ParkedLogout struct {
	bun.BaseModel `bun:"table:saml_logouts,alias:slo"`

	RelayID    string    `bun:"relay_id,pk"` // the opaque RelayState
	PlatformID string    `bun:"platform_id"`
	RequestID  string    `bun:"request_id"` // the LogoutRequest's ID
	Issuer     string    `bun:"issuer"`     // the identity provider that must answer
	CreatedAt  time.Time `bun:"created_at"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

// NodeID returns the id to page by.
func (f FederatedIdentity) NodeID() ID { return f.ID }
