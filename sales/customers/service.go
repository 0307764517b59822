package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Purchases knows what customers have bought. Orders live above this room, so it asks through this.
type Purchases interface {
	// HasPaid reports whether the customer has ever paid an order.
	HasPaid(ctx context.Context, db bun.IDB, customerID models.ID) (bool, error)
}

// Sealer encrypts personal data at rest. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// Blind returns a keyed digest, to find a value again without opening every row.
	Blind(text, context string) string
}

// Service keeps customers. All fields are required and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Seal      Sealer
	Purchases Purchases
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
