package sp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// Sentinels that implementations of the interfaces return, wrapped or not.
var (
	// ErrUnknownPlatform: Connections knows no such platform.
	ErrUnknownPlatform = errors.New("sp: unknown platform")
	// ErrUnknownRequest: Requests holds no such row, or it was taken before.
	ErrUnknownRequest = errors.New("sp: unknown login request")
	// ErrChanged: the platform is not what the version says any more.
	ErrChanged = errors.New("sp: platform changed")
	// ErrExpired: the row existed and its ExpiresAt has passed. It is deleted all the same.
	ErrExpired = errors.New("sp: login request expired")
)

// Connection is one partner platform as this room sees it.
type Connection struct {
	PlatformID  string // xAccountType: 1 to 64 of A-Z a-z 0-9 . _ -
	PartnerBPID string // the bpId its assertions must carry
	// IdP is the platform's parsed metadata; when nil, IdPMetadata (the file) is parsed at each use.
	IdP         *saml.IdPMetadata
	IdPMetadata []byte
	Disabled    bool
	Keys        []saml.SigningKey
	Attributes  Mapping
	AllowCBC    bool // accept AES-CBC encrypted assertions; off unless the partner's product knows no GCM
	// AuthnContexts are the authentication context classes of which the platform is asked for one, at most 8; none: it is left to it.
	AuthnContexts []string
	// SubjectScopes are the scopes, in lower case, under which the platform may identify people by subject-id or pairwise-id.
	SubjectScopes []string
	// Version is another one after every change of what else is here; empty when nobody can tell.
	Version string
}

// Mapping names the attributes in which a platform sends the fields of the contract (2.4). An empty name is the default, the field's
// own name.
type Mapping struct{ XUserID, XAccountID, BPID, Name, Email, Mobile string }

// Connections finds platforms.
type Connections interface {
	// Remembered returns a platform as it was found before, if it was and is still kept. It may have changed: what is decided on it only
	// holds if Requests.Park then finds its version unchanged, and nobody is refused on it.
	Remembered(platformID string) (Connection, bool)
	// ConnectionByPlatform answers with what is true now.
	// ConnectionByPlatform returns ErrUnknownPlatform for a platform that does not exist or was deleted.
	ConnectionByPlatform(ctx context.Context, platformID string) (Connection, error)
}

// ParkedRequest is a login sent out and not yet answered. It is written once and read once.
type ParkedRequest struct {
	PlatformID string
	RelayID    string // the RelayState: 43 characters of base64url
	RequestID  string // ID of the AuthnRequest
	Issuer     string // entityID of the identity provider it was sent to
	Service    string // where to land afterwards; may be empty
	FirstLogin bool
	TestID     string // set: a test login, which signs nobody in
	// BrowserHash is the hexadecimal SHA-256 of the token that only this browser's cookie holds.
	BrowserHash string
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Requests keeps parked logins.
type Requests interface {
	// Park keeps the row if the platform still has this version, and otherwise returns ErrChanged. An empty version is not compared.
	Park(ctx context.Context, p ParkedRequest, version string) error
	// Take deletes and returns the row, atomically: of two callers at most one gets it. A row of another platform is ErrUnknownRequest
	// and stays. An overdue one is ErrExpired. With it, and also with these two errors, comes the platform as it is now, not as it was when
	// the login began; ErrUnknownPlatform when there is none any more.
	Take(ctx context.Context, platformID, relayID string) (ParkedRequest, Connection, error)
}

// ParkedLogout is a logout request sent out and not yet answered. It is written once and read once.
type ParkedLogout struct {
	PlatformID string
	RelayID    string // the RelayState: 43 characters of base64url
	RequestID  string // ID of the LogoutRequest
	Issuer     string // entityID of the identity provider it was sent to
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Logouts keeps parked logouts, as Requests does logins.
type Logouts interface {
	ParkLogout(ctx context.Context, p ParkedLogout) error
	TakeLogout(ctx context.Context, platformID, relayID string) (ParkedLogout, error)
}

// Sessions ends what platforms have signed people in to.
type Sessions interface {
	// EndFederated ends the sessions that came from the platform under exactly this name, or of those only the ones with an index of
	// the list when it holds any, and returns how many.
	EndFederated(ctx context.Context, platformID string, name wire.NameID, indexes []string) (int, error)
}

// Replays remembers assertions that were used.
type Replays interface {
	// Once records the assertion and reports whether it was new. The row must last until at least that instant.
	Once(ctx context.Context, platformID, assertionID string, until time.Time) (first bool, err error)
}

// Services is a platform's list of landing addresses. ServiceInList is a safe way to compare with list entries.
type Services interface {
	ServiceAllowed(ctx context.Context, platformID, service string) bool
}

// Arrival is a verified person at the door. Strings from the partner's signed assertion are untrusted text, to be escaped like any
// other; the named ones are bounded in length and free of control characters.
type Arrival struct {
	PlatformID string
	XAccountID string // customer account at the platform, at most 128; with PlatformID the identity's key
	XUserID    string // user at the platform, at most 128
	BPID       string // equals the connection's PartnerBPID

	Name, Email, Mobile string              // optional; empty when absent
	Attributes          map[string][]string // every attribute as sent, by Name

	NameID, NameIDFormat, SessionIndex string    // for logout only, never an identity
	NameQualifier, SPNameQualifier     string    // of the NameID; a logout has to repeat them
	SessionNotOnOrAfter                time.Time // zero: the platform set no end
	FirstLogin                         bool      // the link said isFirstLogin=true; only then may an account be bound
	Service                            string    // allowed landing address; empty: the default
	AssertionID                        string
}

// People lets the person in.
type People interface {
	// Meet records the assertion as Replays.Once does, durably and before anything else comes of it, and finds out who the person is. When
	// the assertion was used before, first is false and there is nobody to enter.
	Meet(ctx context.Context, a Arrival, until time.Time) (first bool, enter Enter, err error)
}

// Enter issues the session, or parks the first login for the create-or-bind page, and returns where to send the browser (303).
// It may set cookies on w and must not write a body. To refuse it returns a *saml.Refusal with IdentityNotBound or PersonRefused.
type Enter func(w http.ResponseWriter, r *http.Request) (redirect string, err error)

// Pages shows the pages that a person sees when a login is refused and when a logout ends. The reason is one of package saml.
type Pages interface {
	// Error shows why a login or logout was refused. help is an https address at which the platform helps people who cannot sign in
	// (SDP-SP12); empty when it named none, or when it is not known yet who is asked.
	Error(w http.ResponseWriter, r *http.Request, status int, reason saml.Reason, help string)
	// Leave shows that the person is signed out here and moves on to the platform, which is to do the same.
	Leave(w http.ResponseWriter, r *http.Request, target string)
	// SignedOut says that the person is signed out: everywhere, or only here because the platform did not confirm.
	SignedOut(w http.ResponseWriter, r *http.Request, everywhere bool)
}

// Tests keeps test logins: their one-time links, and what became of them.
type Tests interface {
	// BeginTest uses the link's token up and returns the test's id; ErrUnknownRequest or ErrExpired.
	BeginTest(ctx context.Context, platformID, token string) (id string, err error)
	// FinishTest keeps the report and shows it to the person in the browser.
	FinishTest(w http.ResponseWriter, r *http.Request, id string, report TestReport) error
}

// TestReport is what a test login found. All of it is untrusted text.
type TestReport struct {
	verify.Report
	// Attributes as sent, in their order.
	Attributes []TestAttribute
}

// TestAttribute is one attribute as sent, and the field of the contract that it fills; empty when none.
type TestAttribute struct {
	Name   string
	Values []string
	Fills  string
}

// Audit receives one line for each login started, accepted or refused. The platform id is empty or a well-formed id that may not
// exist; the assertion id is empty until an assertion was verified.
type Audit func(ctx context.Context, platformID string, reason saml.Reason, assertionID string)
