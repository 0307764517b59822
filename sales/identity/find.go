package identity

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// FindKeys returns a page of the API keys of the caller's own organisation, or of all for operators, newest first.
// Errors: UNAUTHENTICATED, FORBIDDEN without KEYS_MANAGE, INVALID for a bad page.
func (s *Service) FindKeys(ctx context.Context, who models.Principal, args models.PageArgs) (models.Connection[models.APIKey], error) {
	none := models.Connection[models.APIKey]{}
	if err := access.Require(who, models.ManageKeys); err != nil {
		return none, err
	}
	page, err := args.Page("apiKeys")
	if err != nil {
		return none, err
	}
	keys, err := selectKeys(ctx, s.DB, who, page)
	if err != nil {
		return none, err
	}
	var total *int
	if page.WantTotal {
		if total, err = countKeys(ctx, s.DB, who); err != nil {
			return none, err
		}
	}
	return models.NewConnection(page, keys, total), nil
}
