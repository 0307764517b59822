package orders

import (
	"context"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// ConsumerProvision is the outbox consumer that events.Recorder names for models.EventOrderPaid and whose handler is
// Service.Provision.
const ConsumerProvision = "provision"

// DefaultPayWithin is how long an order may be paid when nobody says otherwise. The vendor does not publish its figure.
const DefaultPayWithin = 7 * 24 * time.Hour

// MaxPayChangeWithin is how long a change may be paid at most: it is priced for the time that was left when it was asked for.
const MaxPayChangeWithin = 24 * time.Hour

// Returns signs the way back to a partner's platform after a payment.
type Returns interface {
	// SignReturn returns the platform's return URL with the order's outcome signed, or nil when the partner, or the
	// distributor that it belongs to, has set none.
	SignReturn(ctx context.Context, partnerID, orderID models.ID, status string) (*string, error)
}

// Service leads orders through their life. All fields are required unless said otherwise and set once, before use; it is
// then safe for concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Ledger    *ledger.Service
	Customers *customers.Service
	Resources *resources.Service
	Driver    Driver
	Returns   Returns // nil = nobody is sent back
	// Codes asks for one-time codes where a partner that pays wants that (G04); nil = nobody does.
	Codes Codes
	// Authorised says whether a partner may order for its customer (O16); nil = it may not.
	Authorised Authorised
	// Pricer says what renewals cost; nil = LastPeriodPrices.
	Pricer Pricer
	// Quotes gives the prices that customers order at; nil = there are none.
	Quotes Quotes
	// Offers finds the quotes again, for who chooses another of their prices; nil = nobody does.
	Offers Offers
	// ReviewAbove is the total in minor units above which an order placed from a quote waits for an operator; 0 = none does.
	ReviewAbove int64
	// Jobs has unpaid orders expire; nil = nobody does.
	Jobs Jobs
	// Vouchers are the coupons that orders are paid with; nil = there are none.
	Vouchers Vouchers
	// Packages are the resources that pay for use; nil = there are none.
	Packages Packages
	// Account is what customers buy on account; nil = nobody does.
	Account OnAccount
	// UnsubscribeFee is the share, 0 to 1, that is kept of what is left of a payment when a resource is unsubscribed after its free days (O08).
	UnsubscribeFee decimal.Decimal
	Logger         *slog.Logger  // nil = slog.Default()
	PayWithin      time.Duration // 0 = DefaultPayWithin
	// Bus tells other replicas of changed orders; nil = only by looking from time to time.
	Bus       watch.Bus
	LookEvery time.Duration // how often a watch looks by itself; 0 = 15 seconds
	// Nudge wakes whoever delivers the outbox, so that provisioning starts at once and not at the next poll. May be nil.
	Nudge func()

	watches watch.Hub[models.Order]
}

// Packages keeps those resources that are packages, which pay for use before money does (O18). All of it is in the caller's transaction, and what
// is no package among the resources is passed over.
type Packages interface {
	CreateIn(ctx context.Context, tx bun.IDB, order models.Order, made []models.Resource) error
	EndAtIn(ctx context.Context, tx bun.IDB, resources []models.ID, end time.Time) error
	UnsubscribeIn(ctx context.Context, tx bun.IDB, resources []models.ID) error
	AnyIn(ctx context.Context, tx bun.IDB, resources []models.ID) (bool, error)
}

var _ Packages = (*packages.Service)(nil)

// Codes checks one-time codes; identity.Codes does, and says how.
type Codes interface {
	Try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error)
	Guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof identity.Proof) error
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}

func (s *Service) nudge() {
	if s.Nudge != nil {
		s.Nudge()
	}
}

// payWithinOf is how long an order of a type may be paid.
func (s *Service) payWithinOf(kind models.OrderType) time.Duration {
	if kind == models.OrderChange {
		return min(s.payWithin(), MaxPayChangeWithin)
	}
	return s.payWithin()
}

func (s *Service) payWithin() time.Duration {
	if s.PayWithin == 0 {
		return DefaultPayWithin
	}
	return s.PayWithin
}
