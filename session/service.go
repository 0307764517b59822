package session

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Defaults of a session's life.
const (
	DefaultIdle = 30 * time.Minute
	DefaultLife = 12 * time.Hour
)

// DefaultPatience is how long Middleware tries to find out who is asking.
const DefaultPatience = 5 * time.Second

// People says what a person is as a caller; sales/identity does.
type People interface {
	// SignedIn returns the person and its principal, or UNAUTHENTICATED when it may not act any more.
	SignedIn(ctx context.Context, id models.ID) (models.User, models.Principal, error)
	// UserByID returns the person, or is NOT_FOUND.
	UserByID(ctx context.Context, id models.ID) (models.User, error)
	// NextEpochIn ends all sessions that the person has so far, or is NOT_FOUND.
	NextEpochIn(ctx context.Context, tx bun.IDB, id models.ID) (models.User, error)
}

// KeyAuthenticator says who calls with an API key, or UNAUTHENTICATED; sales/identity does.
type KeyAuthenticator interface {
	Authenticate(ctx context.Context, secret string) (models.Principal, error)
}

// Service issues, finds and ends sessions. All fields are required unless they say otherwise and are set once, before use;
// it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	People People
	Keys   KeyAuthenticator
	Cache  cache.Leased // nil = every request asks the database
	Random io.Reader    // of cryptographic quality, for tokens
	Logger *slog.Logger
	// Idle ends a session that was not used for so long, Life any session; 0 = the defaults.
	Idle, Life time.Duration
	// Patience is how long Middleware tries to find out who is asking before it gives up; 0 = DefaultPatience.
	Patience time.Duration
	// Plain is for development without TLS: the cookie then is neither Secure nor named __Host-.
	Plain bool
	// RemoteAddr tells a request's address; nil = the address of the connection. Behind a proxy, cmd sets it.
	RemoteAddr func(*http.Request) string
	// RequestID tells a request's id for logs and records; nil = none.
	RequestID func(*http.Request) string

	owners owners
}

// now is the clock in UTC, to the microsecond that both databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) idle() time.Duration { return orDefault(s.Idle, DefaultIdle) }
func (s *Service) life() time.Duration { return orDefault(s.Life, DefaultLife) }

func (s *Service) patience() time.Duration { return orDefault(s.Patience, DefaultPatience) }

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

func (s *Service) remoteAddr(r *http.Request) string {
	if s.RemoteAddr != nil {
		return s.RemoteAddr(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Service) requestID(r *http.Request) string {
	if s.RequestID == nil {
		return ""
	}
	return s.RequestID(r)
}
