package ledger

import (
	"context"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Service is the ledger. Its fields are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB  *store.DB // read by Audit only; everything else takes the caller's transaction
	Now func() time.Time
	IDs models.IDSource

	// Changed tells the cache and those who watch of changed balances. It is called after the commit and before whoever
	// made the change is answered, and again by RunAnnouncements when it failed or the process ended first, so it must bear
	// repetition and any order. Nil = another process tells them, from the table.
	Changed func(ctx context.Context, changes []models.OwnerChange) error
	// Logger is told of announcements that could not be made; nil = slog.Default().
	Logger *slog.Logger

	told told // announcements that are made and not deleted yet
}

// The bounds of one posting. Together they keep every sum far inside 64 bits: MaxLegs times models.MaxMinor is 10^18, as is
// the largest balance.
const (
	MaxLegs               = 1000
	maxBalanceMinor int64 = 1_000_000_000_000_000_000
)

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
