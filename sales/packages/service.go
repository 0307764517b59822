package packages

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
)

// Contents says what products hold that are packages.
type Contents interface {
	// PackagesIn answers by the catalogue of a quote, without one by that in force at a moment. Products that are no packages are absent.
	PackagesIn(ctx context.Context, db bun.IDB, cloud string, quote models.ID, at time.Time, products []string) (map[string][]models.PackageContent, error)
}

var _ Contents = (*catalog.Service)(nil)

// Service keeps resource packages. All fields are required and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB       *store.DB
	Now      func() time.Time
	IDs      models.IDSource
	Contents Contents
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
