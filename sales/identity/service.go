package identity

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Attempts counts what happens under a key within a window that starts with the first hit; the count includes this hit.
// It may forget: it slows guessing down and guards nothing else.
type Attempts interface {
	Hit(ctx context.Context, key string, window time.Duration) (int64, error)
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe
// for concurrent use. It must not be copied.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Random    io.Reader // of cryptographic quality, for secrets
	Passwords *Hasher
	Attempts  Attempts // nil = sign-ins are not throttled, which only tests want
	Cache     Cache    // nil = every call with an API key asks the database
	Logger    *slog.Logger

	usage   usage
	busy    busy
	lookups lookups
}

// now is the clock in UTC, to the microsecond that both databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
