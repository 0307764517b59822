package identity

import (
	"context"
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// Authenticate returns who calls with this API key. Whatever is wrong with it (malformed, unknown, expired, revoked) is
// UNAUTHENTICATED with one text. A key's rights are its scopes, as far as its owner's kind has them today.
func (s *Service) Authenticate(ctx context.Context, secret string) (models.Principal, error) {
	refused := models.Unauthenticated("The API key is unknown, expired or revoked.")
	if !plausible(secret) {
		return models.Principal{}, refused
	}
	key, partnerKind, found, err := selectKeyByHash(ctx, s.DB, digestOf(secret))
	if err != nil {
		return models.Principal{}, err
	}
	now := s.now()
	if !found || !key.UsableAt(now) {
		return models.Principal{}, refused
	}
	s.usage.note(key, now)
	return models.Principal{
		Kind: key.Kind, KeyID: key.ID, PartnerID: key.PartnerID, PartnerKind: partnerKind, CustomerID: key.CustomerID,
		Permissions: intersect(models.DefaultPermissions(key.Kind, partnerKind), key.Scopes),
	}, nil
}

// plausible keeps what cannot be a key of ours away from the database.
func plausible(secret string) bool {
	rest, ours := strings.CutPrefix(secret, secretPrefix)
	if !ours || len(rest) < minimalSecret || len(rest) > 128 {
		return false
	}
	return strings.Trim(rest, base62) == ""
}
