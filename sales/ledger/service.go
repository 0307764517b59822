package ledger

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Service is the ledger. Its fields are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB  *store.DB // read by Audit only; everything else takes the caller's transaction
	Now func() time.Time
	IDs models.IDSource
}

// The bounds of one posting. Together they keep every sum far inside 64 bits: MaxLegs times models.MaxMinor is 10^18, as is
// the largest balance.
const (
	MaxLegs               = 1000
	maxBalanceMinor int64 = 1_000_000_000_000_000_000
)

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
