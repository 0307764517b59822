package incentives

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Service keeps the incentive statements. Its fields are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB  *store.DB
	Now func() time.Time
	IDs models.IDSource
}
