package partners

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Service keeps partners. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder

	Ledger    *ledger.Service // remembers the keys of operations that move money; required to confirm and to end cooperations, as is Recall
	Recall    Recall
	Farewells []Farewell // may be nil
	Codes     Codes      // checks one-time codes; nil = none are asked for

	Performance Performance // what resellers sold; required for upgrades
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
