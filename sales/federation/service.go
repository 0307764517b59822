package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of this room.
var (
	// ErrUnknownRequest: no parked request of this platform has the id, or it was taken before.
	ErrUnknownRequest = models.Precondition("LOGIN_UNKNOWN", "This sign-in was not started here, or was finished before. Start again from your platform.")
	// ErrExpired is the answer for a request that is too old, and for a first login that is, was never parked, or was taken.
	ErrExpired = models.Precondition("EXPIRED", "This sign-in took too long or was finished before. Start again from your platform.")
	// ErrPlatformDisabled refuses bindings and tickets of a platform that is switched off.
	ErrPlatformDisabled = models.Precondition("PLATFORM_DISABLED", "Sign-in through this platform is switched off.")
	// ErrAlreadyBound refuses a second binding of an account, a customer or a person of one platform (2.4).
	ErrAlreadyBound = models.Precondition("IDENTITY_ALREADY_BOUND", "This account is bound to another customer, or this customer to another account.")
)

// Sealer encrypts at rest. The context belongs to the sealed value: another one does not open it.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// Blind returns the same text for the same value and purpose, to find a sealed value by.
	Blind(value, purpose string) string
}

// ProviderMetadata reads a service provider's metadata and refuses what could not be answered safely. The findings are remarks on a
// file that can be used. Its errors are models.Error or plain; the plain ones are shown as INVALID with their text.
type ProviderMetadata interface {
	CheckSPMetadata(xml []byte) (models.ProviderFacts, []models.MetadataFinding, error)
}

// Fetcher gets a document from an address that somebody else chose, and nothing that is not public. Its errors are models.Error.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// Limiter counts what happens under a key; it may forget.
type Limiter interface {
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (ok bool, retryAfter time.Duration)
}

// People are the persons who are signed in to service providers.
type People interface {
	EnsureExternalUserIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, externalID string) (models.User, error)
}

// DefaultFirstLoginLife is how long somebody may stay on the create-or-bind page.
const DefaultFirstLoginLife = 30 * time.Minute

// Sessions ends what a platform signed a person in to; package session does.
type Sessions interface {
	EndOfPlatformIn(ctx context.Context, tx bun.IDB, platformID string, userID models.ID) error
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Seal   Sealer
	Random io.Reader // of cryptographic quality, for tokens, nonces and serial numbers
	// What a platform as identity provider needs besides; without them no service provider is registered and no ticket made.
	Metadata ProviderMetadata
	Fetcher  Fetcher
	Limits   Limiter
	People   People
	// OwnOrigin is this server's own origin, scheme://host[:port]; tickets lead there.
	OwnOrigin string
	// Dev also allows http to loopback addresses and *.localhost; never in production.
	Dev bool
	// Platforms and Signer make the forms of bind notifications; without them nothing can be handed over.
	Platforms Platforms
	Signer    Signer
	// Sessions is told of bindings that end; nil = nobody is.
	Sessions Sessions
	// FirstLoginLife is how long somebody may stay on the create-or-bind page; 0 = DefaultFirstLoginLife.
	FirstLoginLife time.Duration

	opened opened // keys that were opened
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// token returns 256 random bits as text.
func (s *Service) token() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("federation: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// unless returns the fault when there is one, else the refusal: an outage must not look like an answer.
func unless(fault error, refusal error) error {
	if fault != nil {
		return fault
	}
	return refusal
}
