package identity

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
)

// Cache keeps which API keys work, for a moment; the rows are the truth. cache.Cache is one.
type Cache interface {
	Lookup(ctx context.Context, key string) cache.Entry
	Fill(ctx context.Context, key, lease string, version int64, value []byte, ttl time.Duration) bool
	Invalidate(ctx context.Context, key string, version int64) error
}

// maxCached bounds how long a replica believes the cache of a key, as of a session: that its partner became of another kind is
// noticed after that. Its end is noticed at once, unless the server that ended it could not reach Redis: then after that as well.
const maxCached = 10 * time.Second

// Versions of a cached key: as it was made, and after its end was set, whether it has come or not. From then on its row is asked.
const (
	versionMade  = 1
	versionEnded = 2
)

// cachedKey is what the cache knows of a key: neither its secret nor its name.
type cachedKey struct {
	ID          models.ID            `json:"i"`
	Kind        models.PrincipalKind `json:"k"`
	PartnerID   models.ID            `json:"p,omitempty"`
	PartnerKind models.PartnerKind   `json:"pk,omitempty"`
	CustomerID  models.ID            `json:"c,omitempty"`
	Scopes      []models.Permission  `json:"s"`
	ExpiresAt   *time.Time           `json:"e,omitempty"`
	LastUsedAt  *time.Time           `json:"u,omitempty"`
}

func (k cachedKey) row() keyRow {
	return keyRow{PartnerKind: k.PartnerKind, APIKey: models.APIKey{
		ID: k.ID, Kind: k.Kind, PartnerID: k.PartnerID, CustomerID: k.CustomerID, Scopes: k.Scopes, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
	}}
}

func cacheKey(hash string) string { return "api-key:" + hex.EncodeToString([]byte(hash)) }

// known finds a key in the cache, else reads its row and tells the cache. What does not work is not kept: strangers can make up any number.
func (s *Service) known(ctx context.Context, hash string) (keyRow, error) {
	if s.Cache == nil {
		return s.lookUp(ctx, hash)
	}
	key := cacheKey(hash)
	entry := s.Cache.Lookup(ctx, key)
	if entry.Hit {
		var kept cachedKey
		if json.Unmarshal(entry.Value, &kept) == nil && kept.ID != "" {
			return kept.row(), nil
		}
	}
	row, err := s.lookUp(ctx, hash)
	if err != nil || entry.Lease == "" || row.ID == "" || row.RevokedAt != nil {
		return row, err
	}
	value, err := json.Marshal(cachedKey{
		ID: row.ID, Kind: row.Kind, PartnerID: row.PartnerID, PartnerKind: row.PartnerKind, CustomerID: row.CustomerID,
		Scopes: row.Scopes, ExpiresAt: row.ExpiresAt, LastUsedAt: row.LastUsedAt,
	})
	if err != nil {
		return row, nil //nolint:nilerr // strings and times do not fail, and the row was found
	}
	s.Cache.Fill(ctx, key, entry.Lease, versionMade, value, maxCached)
	return row, nil
}

// forget tells the cache, after the commit, that a key's end was set. When it cannot be told, a replica that still remembers believes
// it for maxCached at most.
func (s *Service) forget(ctx context.Context, key models.APIKey) {
	if s.Cache == nil || len(key.Hash) == 0 {
		return
	}
	if err := s.Cache.Invalidate(ctx, cacheKey(string(key.Hash)), versionEnded); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the cache was not told of a key's end", slog.String("api_key_id", string(key.ID)), slog.Any("error", err))
	}
}
