package customers

import (
	"context"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Purchases knows what customers have bought. Orders live above this room, so it asks through this.
type Purchases interface {
	// HasPaid reports whether the customer has ever paid an order.
	HasPaid(ctx context.Context, db bun.IDB, customerID models.ID) (bool, error)
	// AwaitsPayment reports whether the customer has an order that it may still pay at now.
	AwaitsPayment(ctx context.Context, db bun.IDB, customerID models.ID, now time.Time) (bool, error)
}

// Recall takes the money of a customer that leaves resale back to its partner. Money is moved above this room, so it asks
// through this.
type Recall interface {
	// RecallIn works in the caller's transaction, after the customer's row was changed; it is given the customer as it was.
	// A debt and money that is set aside are PRECONDITION_FAILED.
	RecallIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) (models.Recalled, error)
}

// Debts knows what customers have used and not paid. Bills live above this room, so it asks through this.
type Debts interface {
	// Owes reports whether the customer has such a debt. It is of one moment when the caller has locked the customer's accounts.
	Owes(ctx context.Context, db bun.IDB, customerID models.ID) (bool, error)
}

// Farewell is told that a customer leaves its partner, in the transaction that ends the association, by rooms that keep
// something of both.
type Farewell interface {
	// LeaveIn is given the customer as it was.
	LeaveIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error
}

// Turn is told that a customer has changed its mode with the partner that it had, in the transaction that does so, by rooms
// where the mode decides what the partner sees.
type Turn interface {
	// TurnIn is given the customer as it is now.
	TurnIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error
}

// Sealer encrypts personal data at rest. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// Blind returns a keyed digest, to find a value again without opening every row.
	Blind(text, context string) string
}

// Service keeps customers. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Seal      Sealer
	Purchases Purchases
	Ledger    *ledger.Service // remembers the keys of operations that move money
	Recall    Recall
	Debts     Debts      // nil = nobody owes anything but what an account below zero says
	Farewells []Farewell // may be nil
	Turns     []Turn     // may be nil
	Companies Companies  // may be nil: then companies are reported by their names alone

	People    People    // makes the first user of a customer that a partner creates
	Platforms Platforms // knows the platform of a partner; nil = nobody has one
	Bindings  Bindings  // binds that platform's accounts; needed with Platforms
	Running   Running   // freezes what a customer runs
	Spending  Spending  // measures budgets
	Limits    Limits    // slows identity checks down; nil = they are not, which only tests want
	Codes     Codes     // checks one-time codes; nil = none are asked for, and authorisations are not granted

	Random         io.Reader               // makes the tokens of invitations
	Origin         string                  // what their links begin with, such as https://sales.example.com
	Mailer         Mailer                  // nil = this server sends no e-mail
	ReportValidity time.Duration           // zero = DefaultReportValidity
	Throttle       models.RelationThrottle // zero = ThrottleChina
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
