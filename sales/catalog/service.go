package catalog

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// DefaultQuoteValidity is how long a quote can be ordered when nobody says otherwise.
const DefaultQuoteValidity = 24 * time.Hour

// MaxDiscounts bounds the discounts that one customer has at a time.
const MaxDiscounts = 50

// Customers finds the customer whose price is asked for.
type Customers interface {
	// ByIDIn returns one customer that the caller may see.
	ByIDIn(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (customer models.Customer, found bool, err error)
}

// Resources finds what is to be renewed.
type Resources interface {
	// ForRenewal returns the resources with these ids that the caller may see, in any order, each with its sub-resources. Unknown ones are
	// absent.
	ForRenewal(ctx context.Context, who models.Principal, ids []models.ID) ([]Renewable, error)
}

// Changes finds what is to be changed.
type Changes interface {
	// ForChange returns a resource that the caller may see, and the periods that end after a moment and were paid for, the earliest first.
	ForChange(ctx context.Context, who models.Principal, id models.ID, at time.Time) (resource models.Resource, periods []models.PaidPeriod, found bool, err error)
}

// Renewable is a resource and what follows it (O11).
type Renewable struct {
	Resource models.Resource
	Sizes    map[models.ID]Size // of linear products, by resource; those without one are priced per piece
	Subs     []models.Resource
}

// Size is how large a resource of a linear product is.
type Size struct {
	Value     decimal.Decimal
	MeasureID int
}

// Service answers for the catalogue. All fields are required unless said otherwise and set once, before use; it is then safe for
// concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Cloud     string // whose catalogue is asked for when nobody names a cloud
	Customers Customers
	Resources Resources
	Changes   Changes       // nil = nothing can be changed
	Validity  time.Duration // how long a quote can be ordered; 0 = DefaultQuoteValidity
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) validity() time.Duration {
	if s.Validity == 0 {
		return DefaultQuoteValidity
	}
	return s.Validity
}
