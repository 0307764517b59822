package idp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// Sentinels that implementations of the interfaces return, wrapped or not.
var (
	// ErrUnknownPlatform: Platforms knows no such platform.
	ErrUnknownPlatform = errors.New("idp: unknown platform")
	// ErrUnknownProvider: the platform has no such service provider.
	ErrUnknownProvider = errors.New("idp: unknown service provider")
	// ErrUnknownRequest: there is no such row, it expired, or it was taken before.
	ErrUnknownRequest = errors.New("idp: unknown request")
	// ErrTicketRefused: the ticket does not exist, was used, expired, or belongs to another platform or request.
	ErrTicketRefused = errors.New("idp: ticket refused")
)

// Platform is one partner platform as identity provider.
type Platform struct {
	PlatformID string
	Disabled   bool
	// Keys hold an active RSA key, and an active ECDSA key when some service provider wants one. Every key that is not retired is
	// published.
	Keys []saml.SigningKey
}

// Encryption says when assertions for a service provider are encrypted.
type Encryption string

// The choices. Auto encrypts when the service provider's metadata has a usable key.
const (
	EncryptAuto   Encryption = "AUTO"
	EncryptAlways Encryption = "ALWAYS"
	EncryptNever  Encryption = "NEVER"
)

// Source is what an attribute is filled with.
type Source string

// The sources. The vendor's profile (domain 2.4) maps xUserId to UserID, xAccountId to AccountID, bpId to BPID and so on.
const (
	SourceUserID    Source = "USER_ID"
	SourceAccountID Source = "ACCOUNT_ID"
	SourceBPID      Source = "BP_ID"
	SourceName      Source = "NAME"
	SourceEmail     Source = "EMAIL"
	SourceMobile    Source = "MOBILE"
	SourceLoginName Source = "LOGIN_NAME"
	// SourcePairwiseID is the persistent name of the person for this service provider alone.
	SourcePairwiseID Source = "PAIRWISE_ID"
	// SourceSubjectID and SourceScopedPairwiseID are the values of subject-id and pairwise-id: an identifier @ the scope.
	SourceSubjectID        Source = "SUBJECT_ID"
	SourceScopedPairwiseID Source = "SCOPED_PAIRWISE_ID"
)

// Attribute is one attribute of a service provider's mapping. Name is an opaque identifier, sent with NameFormat uri.
type Attribute struct {
	Name   string
	Source Source
}

// ServiceProvider is a registered service provider.
type ServiceProvider struct {
	ID         string
	PlatformID string
	Disabled   bool
	Metadata   saml.SPMetadata
	// Persistent prefers the pairwise persistent NameID where a request leaves the choice; otherwise transient.
	Persistent bool
	Attributes []Attribute
	// BPID is what the service provider calls the partner; sent as SourceBPID.
	BPID string
	// Unsolicited allows launches without a request (IdP-initiated).
	Unsolicited bool
	// LoginURL is where a launch sends the browser instead, so that the service provider asks first (domain 2.2); may be empty.
	LoginURL string
	Encrypt  Encryption
	// ECDSA signs with the platform's EC key instead of its RSA key.
	ECDSA bool
}

// Platforms finds platforms and what is registered there, as they are now.
type Platforms interface {
	Platform(ctx context.Context, platformID string) (Platform, error)
	// ProviderByEntity and ProviderByID return disabled service providers too.
	ProviderByEntity(ctx context.Context, platformID, entityID string) (ServiceProvider, error)
	ProviderByID(ctx context.Context, platformID, id string) (ServiceProvider, error)
	// About returns what a platform's metadata says for people.
	About(ctx context.Context, platformID string) (saml.About, error)
	// Providers returns all that are enabled.
	Providers(ctx context.Context, platformID string) ([]ServiceProvider, error)
}

// ParkedRequest is a checked AuthnRequest whose person is still signing in, or a launch that nobody asked for (RequestID is empty).
type ParkedRequest struct {
	ID         string // 43 characters of base64url; names it in addresses
	PlatformID string
	ProviderID string
	RequestID  string // ID of the AuthnRequest, at most 256 characters; empty for a launch
	ACSURL     string
	RelayState string
	ForceAuthn bool
	IsPassive  bool
	// NameIDFormat is the format that the request demands; empty: our choice.
	NameIDFormat string
	// Contexts are the authentication context classes of which the request accepts one, at most 16 of at most 256 characters, without
	// blanks; none: any.
	Contexts []string
	// SubjectName is the persistent name that the request wants answered for; empty: whoever is signed in.
	SubjectName string
	// BrowserHash is the hexadecimal SHA-256 of the token that only this browser's cookie holds.
	BrowserHash string
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Requests keeps parked requests.
type Requests interface {
	Park(ctx context.Context, p ParkedRequest) error
	// Find returns a row and leaves it, ErrUnknownRequest when there is none of this platform that has not expired.
	Find(ctx context.Context, platformID, id string) (ParkedRequest, error)
	// Take deletes and returns it, atomically: of two callers at most one gets it.
	Take(ctx context.Context, platformID, id string) (ParkedRequest, error)
}

// Replays remembers messages that were used: ids of requests per service provider.
type Replays interface {
	// Once records the id and reports whether it was new. scope is "idp:" + platform id + "/" + service provider id.
	Once(ctx context.Context, scope, id string, until time.Time) (first bool, err error)
}

// Person is who is signed in, as service providers may know it.
type Person struct {
	SessionID  string
	SignedInAt time.Time
	// Context is the authentication context class: empty means PasswordProtectedTransport, and Password and unspecified are the others
	// that a request may ask for by name.
	Context string
	// SubjectID names the person for good; it is never sent, only hashed into pairwise names.
	SubjectID string
	// OpaqueID names the person for good on this platform alone, to whichever service provider: 1 to 127 lower-case letters and digits. It
	// is what subject-id is made of.
	OpaqueID string

	UserID, AccountID              string // sent as SourceUserID and SourceAccountID
	Name, Email, Mobile, LoginName string
	ExpiresAt                      time.Time // end of the session
}

// Redeemed is what a sign-in ticket was made for: resuming a parked request, launching a service provider, or nothing but signing in.
type Redeemed struct {
	RequestID  string // id of a ParkedRequest; may be empty
	ProviderID string // may be empty
	RelayState string // for an unsolicited launch
	Next       string // where to go when neither is set: a path of this server
}

// SignIn is a visit to the sign-in page.
type SignIn struct {
	PlatformID string
	// RequestID is the id of the parked request, which a storefront's page passes on when it asks for a ticket.
	RequestID string
	// Resume is where our own page sends the browser afterwards: a path of this server, with its query.
	Resume string
	// Fresh says that somebody who is signed in already must do it again (ForceAuthn): a page that sends such a person straight
	// back makes a loop.
	Fresh bool
}

// People knows who is signed in and lets people sign in.
type People interface {
	// Current returns who is signed in in this browser and may use this platform's identity provider; found is false when nobody is.
	Current(r *http.Request, platformID string) (p Person, found bool, err error)
	// SignInURL returns where this person signs in: our own page, which then sends the browser to Resume, or the storefront's page
	// with the id of the parked request.
	SignInURL(ctx context.Context, s SignIn) (string, error)
	// Redeem uses a ticket up and signs its person in: it sets the session's cookie on w, which reaches the browser only if the
	// caller finds that a parked request the ticket was made for belongs to this browser. ErrTicketRefused when it cannot be used.
	Redeem(w http.ResponseWriter, r *http.Request, platformID, ticket string) (Redeemed, error)
	// PairwiseID returns the person's persistent name for one service provider: opaque, the same every time, different for every
	// other service provider.
	PairwiseID(platformID, entityID, subjectID string) string
	// End ends the session of this browser and clears its cookie. It is idempotent.
	End(w http.ResponseWriter, r *http.Request) error
	// EndSessions ends sessions by their ids, without the browser; unknown and ended ones count for nothing.
	EndSessions(ctx context.Context, sessionIDs []string) error
}

// Participant is a service provider that a session signed in to, as it was told: what a logout has to say to it.
type Participant struct {
	SessionID    string
	PlatformID   string
	ProviderID   string
	NameID       wire.NameID
	SessionIndex string
	ExpiresAt    time.Time
}

// Participants remembers who was told of which session.
type Participants interface {
	// Join records a participant; the same name and index again only move ExpiresAt.
	Join(ctx context.Context, p Participant) error
	// BySession returns the participants of a session, also after the session ended.
	BySession(ctx context.Context, sessionID string) ([]Participant, error)
	// Named returns the participants of one service provider with this name, and one of these indexes when there are any.
	Named(ctx context.Context, platformID, providerID string, name wire.NameID, indexes []string) ([]Participant, error)
	// Leave removes a participant; one that is gone already is no error.
	Leave(ctx context.Context, p Participant) error
}

// Logout is a logout on its way from one service provider to the next.
type Logout struct {
	ID         string // 43 characters of base64url; the RelayState of our requests
	PlatformID string
	// Asker is the id of the service provider whose request began it, with the request's ID, RelayState and binding; empty: the person began it.
	Asker, AskerRequestID, AskerRelayState string
	AskerBinding                           wire.Binding
	// Waiting are those still to be told; Current is the one that is being told, by the request CurrentRequestID.
	Waiting          []Participant
	Current          *Participant
	CurrentRequestID string
	// Partial says that somebody could not be told.
	Partial     bool
	BrowserHash string
	ExpiresAt   time.Time
}

// Logouts keeps logouts under way.
type Logouts interface {
	// Save writes the row, new or changed.
	Save(ctx context.Context, l Logout) error
	// Take deletes and returns it, atomically; ErrUnknownRequest when there is none.
	Take(ctx context.Context, platformID, id string) (Logout, error)
}

// Bindings takes note of what a cloud says about its accounts (domain 2.6).
type Bindings interface {
	// Record keeps a verified notification. The same notification again changes nothing, even when others came in between: it is
	// known by its Nonce, or by all its fields when it has none. This is Record's to see, in the transaction that changes the row,
	// because a nonce noted apart would be lost or the notification would.
	Record(ctx context.Context, provider ServiceProvider, n bind.Notification) error
}

// Pages shows people what happened.
type Pages interface {
	// Error shows why something was refused. The reason is one of package saml.
	Error(w http.ResponseWriter, r *http.Request, status int, reason saml.Reason)
	// SignedOut is the end of a logout that the person began; partial says that some service provider may still be signed in.
	SignedOut(w http.ResponseWriter, r *http.Request, partial bool)
}

// Audit receives one line for each request accepted, answered or refused. The ids are empty or well-formed, and may not exist.
type Audit func(ctx context.Context, platformID, providerID string, reason saml.Reason, detail string)
