package funds

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// Bus carries messages between replicas, and may lose some. cache.Cache is one.
type Bus interface {
	Publish(ctx context.Context, channel string, payload []byte) error
	Subscribe(ctx context.Context, channel string) (<-chan []byte, error)
}

// Service answers for balances and moves money. Its fields are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Ledger *ledger.Service
	Events *events.Recorder // of the moves; reading needs none
	Now    func() time.Time
	IDs    models.IDSource
	Random io.Reader // of the tokens of exports
	Origin string    // where this server is reached, "https://host", for the addresses of exports and notifications
	// MaxExportLines bounds the lines of an export; zero = DefaultMaxExportLines.
	MaxExportLines int

	// Codes asks for one-time codes where the owner of the money wants that (G04); nil = nobody does.
	Codes Codes

	// Account is told of reversed refunds, which may have been taken off what a customer owes; nil = nobody owes anything.
	Account OnAccount

	// Seal encrypts the bank cards that withdrawals go to, and payers' names.
	Seal Sealer

	// Cache stands in front of the ledger when balances are read; nil = the ledger is always asked.
	Cache Cache
	// Bus tells this and other replicas of changes, for those who watch; nil = they look from time to time.
	Bus Bus
	// LookEvery is how often a watch looks without having been told of a change; zero = 15 seconds.
	LookEvery time.Duration

	SigningEntities SigningEntities     // who takes money in which ways
	Providers       map[string]Provider // of recharges, by name

	watches watch.Hub[models.Balance]
	noted   watch.Noted // whose alerts are looked at before the others'
	once    sync.Once
	lanes   *store.Lanes[asked, Moved]
}

// Codes checks one-time codes; identity.Codes does, and says how.
type Codes interface {
	Try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error)
	Guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof identity.Proof) error
}

// OnAccount keeps what customers owe on account (O04). It lives above this room, which asks it through this.
type OnAccount interface {
	// ReversedIn makes owed again what the refund of a transfer had taken off, in the transaction that reverses the transfer.
	ReversedIn(ctx context.Context, tx bun.IDB, transfer models.ID) error
}

// Sealer encrypts bank cards and payers' names at rest. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// Blind returns a keyed digest, to find a value again without opening every row.
	Blind(text, context string) string
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// moneyKinds are the accounts that make up a balance (M01).
func moneyKinds() []models.AccountKind { return models.MoneyKinds() }

// statementKinds are the accounts whose lines a statement has: those of the balance, and what is owed on account (M12, O04).
func statementKinds() []models.AccountKind { return append(moneyKinds(), models.AccountSettlement) }

func isMoney(kind models.AccountKind) bool { return slices.Contains(moneyKinds(), kind) }
