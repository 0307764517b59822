package companies

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Register knows the companies that operators loaded. All fields are required and set once, before use; it is then safe for concurrent use.
type Register struct {
	DB  *store.DB
	Now func() time.Time
	IDs models.IDSource
	// Events keeps the record of loads.
	Events *events.Recorder
}

// now is the time to write: in UTC and no finer than the databases keep.
func (r *Register) now() time.Time { return r.Now().UTC().Truncate(time.Microsecond) }

// Search reads a page with one statement, and counts with one more when the page wants it.
func (r *Register) Search(ctx context.Context, filter CompanyFilter, page models.Page) (models.CompanyConnection, error) {
	return store.List[models.Company](ctx, page, false, func() *bun.SelectQuery {
		return filter.apply(r.DB.NewSelect().Model((*models.Company)(nil)))
	})
}

// ByIDs reads companies with one statement.
func (r *Register) ByIDs(ctx context.Context, ids []models.ID) (map[models.ID]models.Company, error) {
	found, err := selectByIDs(ctx, r.DB, ids)
	byID := make(map[models.ID]models.Company, len(found))
	for _, company := range found {
		byID[company.ID] = company
	}
	return byID, err
}
