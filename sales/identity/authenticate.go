package identity

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Authenticate returns who calls with this API key. Whatever is wrong with it (malformed, unknown, expired, revoked) is
// UNAUTHENTICATED with one text. A key's rights are its scopes, as far as its owner's kind has them today.
func (s *Service) Authenticate(ctx context.Context, secret string) (models.Principal, error) {
	refused := models.Unauthenticated("The API key is unknown, expired or revoked.")
	if !plausible(secret) {
		return models.Principal{}, refused
	}
	row, err := s.known(ctx, string(digestOf(secret)))
	if err != nil {
		return models.Principal{}, err
	}
	key, partnerKind, now := row.APIKey, row.PartnerKind, s.now()
	if key.ID == "" || !key.UsableAt(now) {
		return models.Principal{}, refused
	}
	s.usage.note(key, now)
	return models.Principal{
		Kind: key.Kind, KeyID: key.ID, PartnerID: key.PartnerID, PartnerKind: partnerKind, CustomerID: key.CustomerID,
		Permissions: intersect(models.DefaultPermissions(key.Kind, partnerKind), key.Scopes),
	}, nil
}

// lookUp finds a key's row by the bytes of its digest; an empty row when there is none. Requests that come while a statement is
// under way share the next one. None is answered from before it asked.
func (s *Service) lookUp(ctx context.Context, hash string) (keyRow, error) {
	s.lookups.once.Do(func() {
		s.lookups.lanes = store.Lanes[string, keyRow]{Run: s.lookUpGroup, Width: 1, Patience: patience, Now: s.Now}
	})
	return s.lookups.lanes.Do(ctx, "", hash)
}

// patience is how long a look-up may wait: whoever is let in waits again for what it asks.
const patience = 250 * time.Millisecond

func (s *Service) lookUpGroup(ctx context.Context, hashes []string) (outcomes []store.Outcome[keyRow], follow func()) {
	outcomes = make([]store.Outcome[keyRow], len(hashes))
	distinct := slices.Compact(slices.Sorted(slices.Values(hashes))) // a program asks often with one key
	rows, err := selectKeysByHash(ctx, s.DB, distinct)
	for i, hash := range hashes {
		outcomes[i] = store.Outcome[keyRow]{Answer: rows[hash], Err: err}
	}
	return outcomes, nil
}

// lookups gather the look-ups of keys. The zero value is ready.
type lookups struct {
	once  sync.Once
	lanes store.Lanes[string, keyRow]
}

// plausible keeps what cannot be a key of ours away from the database.
func plausible(secret string) bool {
	rest, ours := strings.CutPrefix(secret, secretPrefix)
	if !ours || len(rest) < minimalSecret || len(rest) > 128 {
		return false
	}
	return strings.Trim(rest, base62) == ""
}
