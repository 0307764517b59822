package session

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// EndOfPlatformIn ends the sessions of a person that came from a platform, in the transaction that unbinds it there. The cache learns
// of it once that is committed.
func (s *Service) EndOfPlatformIn(ctx context.Context, tx bun.IDB, platformID string, userID models.ID) error {
	if platformID == "" || userID == "" {
		return nil
	}
	hashes, err := revoke(ctx, revoking(tx, s.now()).Where("platform_id = ? AND user_id = ?", platformID, userID))
	if err != nil {
		return err
	}
	store.OnCommit(ctx, func(ctx context.Context) { s.forget(ctx, hashes...) })
	return nil
}
