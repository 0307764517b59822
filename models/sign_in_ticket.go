package models

import (
	"time"

	"github.com/uptrace/bun"
)

// SignInTicket lets one browser sign in as one person, once and soon. The ticket itself is never stored, only its digest.
type SignInTicket struct {
	bun.BaseModel `bun:"table:sign_in_tickets,alias:tkt"`

	TokenHash  []byte    `bun:"token_hash,pk"`
	PlatformID string    `bun:"platform_id"`
	CustomerID ID        `bun:"customer_id"`
	UserID     ID        `bun:"user_id"`
	TripSealed []byte    `bun:"trip_sealed"` // where the person goes afterwards
	CreatedAt  time.Time `bun:"created_at"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

// IDPRequest is a checked AuthnRequest whose person is still signing in. Its name, which stands in addresses, is kept as a digest,
// what it asks for is sealed.
type IDPRequest struct {
	bun.BaseModel `bun:"table:idp_requests,alias:ir"`

	IDHash      []byte    `bun:"id_hash,pk"`
	PlatformID  string    `bun:"platform_id"`
	BodySealed  []byte    `bun:"body_sealed"`
	BrowserHash []byte    `bun:"browser_hash"`
	ExpiresAt   time.Time `bun:"expires_at"`
}

// IDPParticipant is a service provider that was told of a session. The name it was told is sealed, and found by a keyed digest.
type IDPParticipant struct {
	bun.BaseModel `bun:"table:idp_participants,alias:ip"`

	SessionID         ID        `bun:"session_id,pk"`
	ServiceProviderID ID        `bun:"service_provider_id,pk"`
	SessionIndex      string    `bun:"session_index,pk"`
	PlatformID        string    `bun:"platform_id"`
	NameBlind         string    `bun:"name_blind"`
	NameSealed        []byte    `bun:"name_sealed"`
	ExpiresAt         time.Time `bun:"expires_at"`
}

// IDPLogout is a logout on its way from one service provider to the next.
type IDPLogout struct {
	bun.BaseModel `bun:"table:idp_logouts,alias:il"`

	IDHash     []byte    `bun:"id_hash,pk"`
	PlatformID string    `bun:"platform_id"`
	BodySealed []byte    `bun:"body_sealed"`
	ExpiresAt  time.Time `bun:"expires_at"`
}
