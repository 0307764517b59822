package models

import (
	"time"

	"github.com/uptrace/bun"
)

// Session is a signed-in browser. The row is the truth; the token itself is never stored, only its digest.
type Session struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`

	ID              ID         `bun:"id,pk"`
	TokenHash       []byte     `bun:"token_hash"` // SHA-256 of the 256-bit token
	UserID          ID         `bun:"user_id"`
	Epoch           int64      `bun:"epoch"` // the user's SessionEpoch when it was issued
	PlatformID      string     `bun:"platform_id,nullzero"`
	NameID          string     `bun:"name_id,nullzero"`
	NameIDFormat    string     `bun:"name_id_format,nullzero"`
	NameQualifier   string     `bun:"name_qualifier,nullzero"`
	SPNameQualifier string     `bun:"sp_name_qualifier,nullzero"`
	SessionIndex    string     `bun:"session_index,nullzero"`
	Method          string     `bun:"method"`                 // how the person signed in: password, saml or ticket
	AuthnContext    string     `bun:"authn_context,nullzero"` // the authentication context class that was stated; empty: none was
	Privileges      []byte     `bun:"privileges"`             // digest of what the person could do when the token was made
	PreviousHash    []byte     `bun:"previous_hash,nullzero"` // of the token before this one; nil = there was none
	PreviousUntil   *time.Time `bun:"previous_until"`         // until when that one still finds the session
	UserAgent       string     `bun:"user_agent,nullzero"`
	RemoteAddr      string     `bun:"remote_addr,nullzero"`
	CreatedAt       time.Time  `bun:"created_at"`
	LastSeenAt      time.Time  `bun:"last_seen_at"` // to the minute
	ExpiresAt       time.Time  `bun:"expires_at"`   // absolute end
	RevokedAt       *time.Time `bun:"revoked_at"`
	IdleTimeoutSecs int64      `bun:"idle_timeout_secs"`
}

// NodeID returns the id to page by.
func (s Session) NodeID() ID { return s.ID }

// LiveAt reports whether the session is neither revoked, expired nor idle for too long at now, for a user whose sessions count from epoch.
func (s Session) LiveAt(now time.Time, epoch int64) bool {
	idleUntil := s.LastSeenAt.Add(time.Duration(s.IdleTimeoutSecs) * time.Second)
	return s.RevokedAt == nil && s.Epoch >= epoch && now.Before(s.ExpiresAt) && now.Before(idleUntil)
}

// RevokeSession is the command to end one session.
type RevokeSession struct {
	SessionID ID
}

// RevokedSession is the session that ended.
type RevokedSession struct {
	Session Session
}

// RevokeAllSessions is the command to end all sessions of a person.
type RevokeAllSessions struct {
	UserID *ID // nil = the caller
}

// RevokedSessions says how many ended, counted up to 1000.
type RevokedSessions struct {
	RevokedCount int
}
