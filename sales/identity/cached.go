package identity

import (
	"context"
	"encoding/hex"
	"log/slog"
	"strconv"
	"strings"
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

// cachedForm begins the lines of a cached key; another form of another version of this program is none.
const cachedForm = "1"

// cached is what the cache knows of a key, neither its secret nor its name: a line for each value, which none of them has in it. Every
// request reads one, so that it is not JSON.
func (k keyRow) cached() []byte {
	lines := []string{
		cachedForm, string(k.ID), string(k.Kind), string(k.PartnerID), string(k.PartnerKind), string(k.CustomerID), micros(k.ExpiresAt), micros(k.LastUsedAt),
	}
	for _, scope := range k.Scopes {
		lines = append(lines, string(scope))
	}
	return []byte(strings.Join(lines, "\n"))
}

// keyCached reads what cached wrote.
func keyCached(value []byte) (k keyRow, ok bool) {
	lines := strings.Split(string(value), "\n")
	if len(lines) < 8 || lines[0] != cachedForm || lines[1] == "" {
		return keyRow{}, false
	}
	k.ID, k.Kind = models.ID(lines[1]), models.PrincipalKind(lines[2])
	k.PartnerID, k.PartnerKind, k.CustomerID = models.ID(lines[3]), models.PartnerKind(lines[4]), models.ID(lines[5])
	var expiresRead, usedRead bool
	k.ExpiresAt, expiresRead = fromMicros(lines[6])
	k.LastUsedAt, usedRead = fromMicros(lines[7])
	if !expiresRead || !usedRead {
		return keyRow{}, false
	}
	k.Scopes = make([]models.Permission, 0, len(lines)-8)
	for _, scope := range lines[8:] {
		k.Scopes = append(k.Scopes, models.Permission(scope))
	}
	return k, true
}

// fromMicros reads what micros wrote.
func fromMicros(text string) (at *time.Time, ok bool) {
	if text == "" {
		return nil, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, false
	}
	return new(time.UnixMicro(n).UTC()), true
}

func micros(at *time.Time) string {
	if at == nil {
		return ""
	}
	return strconv.FormatInt(at.UnixMicro(), 10)
}

func cacheKey(hash string) string { return "api-key:" + hex.EncodeToString([]byte(hash)) }

// known finds a key in the cache, else reads its row and tells the cache; of a key that has not come lately it reads the row. What does not
// work is not kept: strangers can make up any number.
func (s *Service) known(ctx context.Context, hash string) (keyRow, error) {
	if s.Cache == nil || !s.busy.again(hash, s.now()) {
		return s.lookUp(ctx, hash)
	}
	key := cacheKey(hash)
	entry := s.Cache.Lookup(ctx, key)
	if entry.Hit {
		if row, ok := keyCached(entry.Value); ok {
			return row, nil
		}
	}
	row, err := s.lookUp(ctx, hash)
	if err != nil || entry.Lease == "" || row.ID == "" || row.RevokedAt != nil {
		return row, err
	}
	s.Cache.Fill(ctx, key, entry.Lease, versionMade, row.cached(), maxCached)
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
