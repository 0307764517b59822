package funds

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
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
	Origin string    // where this server is reached, "https://host", for the addresses of exports
	// MaxExportLines bounds the lines of an export; zero = DefaultMaxExportLines.
	MaxExportLines int

	// Seal encrypts the bank cards that withdrawals go to.
	Seal Sealer
	// Channels tells how money was recharged; nil = nobody knows, and every recharge counts as a bank transfer.
	Channels Channels

	// Cache stands in front of the ledger when balances are read; nil = the ledger is always asked.
	Cache Cache
	// Bus tells this and other replicas of changes, for those who watch; nil = they look from time to time.
	Bus Bus
	// LookEvery is how often a watch looks without having been told of a change; zero = 15 seconds.
	LookEvery time.Duration

	watches watches
	noted   notedOwners // whose alerts are looked at before the others'
	once    sync.Once
	lanes   *store.Lanes[asked, Moved]
}

// moneyKinds are the accounts that make up a balance (M01).
func moneyKinds() []models.AccountKind { return models.MoneyKinds() }

func isMoney(kind models.AccountKind) bool { return slices.Contains(moneyKinds(), kind) }
