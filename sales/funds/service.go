package funds

import (
	"io"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

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
}

// moneyKinds are the accounts that make up a balance (M01). Allocatable money is a part of the balance that the vendor
// shows apart; revenue and the outside world are nobody's balance.
func moneyKinds() []models.AccountKind {
	return []models.AccountKind{models.AccountBalance, models.AccountCredit, models.AccountBonus, models.AccountDeposit}
}
