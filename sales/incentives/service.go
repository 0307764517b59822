package incentives

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Service keeps policies, performance and statements. All fields are required unless said otherwise and set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Cloud  string           // whose policies are asked for
	Events *events.Recorder // nil = only for reading and for Put
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
