package identity

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// RevokeKey names the key to end.
type RevokeKey struct{ APIKeyID models.ID }

// RevokedKey is the key after it was ended.
type RevokedKey struct{ APIKey models.APIKey }

// RevokeKey ends a key at once and for good; revoking it again changes nothing. Errors: UNAUTHENTICATED, FORBIDDEN
// without KEYS_MANAGE, NOT_FOUND for a key that is unknown or another organisation's.
func (s *Service) RevokeKey(ctx context.Context, who models.Principal, cmd RevokeKey) (RevokedKey, error) {
	if err := access.Require(who, models.ManageKeys); err != nil {
		return RevokedKey{}, err
	}
	if err := cmd.APIKeyID.Require(models.PrefixAPIKey, "apiKeyId"); err != nil {
		return RevokedKey{}, err
	}
	var key models.APIKey
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if key, found, err = lockKey(ctx, tx, who, cmd.APIKeyID); err != nil {
			return err
		}
		if !found {
			return models.NotFound("API key")
		}
		if key.RevokedAt != nil {
			return nil
		}
		now := s.now()
		key.RevokedAt = &now
		if err := updateKeyEnd(ctx, tx, key); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, keyEvent(models.EventAPIKeyRevoked, key))
	})
	if err == nil {
		s.forget(ctx, key)
	}
	return RevokedKey{APIKey: key}, err
}
