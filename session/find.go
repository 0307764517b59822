package session

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
)

// maxCached bounds how long a replica believes the cache: a person who was disabled or lost a permission is noticed after
// that. Ending a session is noticed at once, unless the server that ended it could not reach Redis: then after that as well.
const maxCached = 10 * time.Second

// Versions of a cached session: it lives, and then it has ended. A session never lives again, so two are enough to keep
// a request that read the row just before its end from filling the cache with it.
const (
	versionLive  = 1
	versionEnded = 2
)

// maxTouch is how exactly last_seen_at is kept.
const maxTouch = time.Minute

// cached is what the cache knows of a session: no personal value, and no token. It counts only together with the person's
// epoch, which has an entry of its own, so that one operation ends all sessions of a person.
type cached struct {
	Principal models.Principal `json:"principal"`
	ExpiresAt time.Time        `json:"expiresAt"`
	Epoch     int64            `json:"epoch"`
	Outdated  bool             `json:"outdated,omitempty"` // the token is older than the person's privileges
}

// recalled is what the cache says about a token: what is known, or leases to fill in what is not.
type recalled struct {
	known                    *cached
	sessionLease, epochLease string
	epochOwner               models.ID // whose epoch the lease is for
}

// found is a session that lives, with its person.
type found struct {
	session models.Session
	user    models.User
	who     models.Principal
}

// outdated reports whether the token was made before the person's privileges became what they are.
func (f found) outdated() bool { return !bytes.Equal(f.session.Privileges, privilegesOf(f.user)) }

// newest reports whether a token of this digest is the session's own, not the one before it.
func (f found) newest(hash []byte) bool { return bytes.Equal(f.session.TokenHash, hash) }

// Lookup returns who is behind the request's cookie; the anonymous principal when there is none, or none that lives. An
// error means that nobody can tell now.
func (s *Service) Lookup(ctx context.Context, r *http.Request) (models.Principal, error) {
	known, err := s.lookup(ctx, r, s.use)
	return known.Principal, err
}

// Still is Lookup for a request that goes on: looking does not keep the session from ending for want of use.
func (s *Service) Still(ctx context.Context, r *http.Request) (models.Principal, error) {
	known, err := s.lookup(ctx, r, s.live)
	return known.Principal, err
}

func (s *Service) lookup(ctx context.Context, r *http.Request, row func(context.Context, []byte) (*found, error)) (cached, error) {
	anonymous := cached{Principal: models.Principal{Kind: models.Anonymous}}
	hash, ok := s.tokenOf(r)
	if !ok {
		return anonymous, nil
	}
	memory := s.recall(ctx, hash)
	if memory.known != nil {
		return *memory.known, nil
	}
	live, err := row(ctx, hash)
	if err != nil || live == nil {
		return anonymous, err
	}
	known := cached{Principal: live.who, ExpiresAt: live.session.ExpiresAt, Epoch: live.session.Epoch, Outdated: live.outdated() && live.newest(hash)}
	if !live.newest(hash) {
		return known, nil // the cache would believe in the old token for longer than the row does
	}
	s.remember(ctx, hash, memory, known, live.user)
	return known, nil
}

// recall asks the cache for a session and its person's epoch, in one round trip when this process has seen the token before.
func (s *Service) recall(ctx context.Context, hash []byte) recalled {
	if s.Cache == nil {
		return recalled{}
	}
	owner := s.owners.of(hash)
	keys := []string{cacheKey(hash)}
	if owner != "" {
		keys = append(keys, epochKey(owner))
	}
	entries := s.Cache.LookupAll(ctx, keys)
	memory := recalled{sessionLease: entries[0].Lease, epochOwner: owner}
	var known cached
	sessionFound := entries[0].Hit && json.Unmarshal(entries[0].Value, &known) == nil && s.now().Before(known.ExpiresAt)
	if sessionFound && owner == "" {
		memory.epochOwner = known.Principal.UserID
		s.owners.note(hash, memory.epochOwner)
		entries = append(entries, s.Cache.Lookup(ctx, epochKey(memory.epochOwner)))
	}
	if len(entries) == 1 {
		return memory
	}
	memory.epochLease = entries[1].Lease
	if sessionFound && entries[1].Hit && known.Epoch >= entries[1].Version {
		memory.known = &known
	}
	return memory
}

// Current returns the whole session behind the request's cookie from the database, as signing out at a partner platform
// needs it; found is false when none lives.
func (s *Service) Current(ctx context.Context, r *http.Request) (session models.Session, found bool, err error) {
	hash, ok := s.tokenOf(r)
	if !ok {
		return models.Session{}, false, nil
	}
	live, err := s.live(ctx, hash)
	if err != nil || live == nil {
		return models.Session{}, false, err
	}
	return live.session, true, nil
}

// use is live that notes the use.
func (s *Service) use(ctx context.Context, hash []byte) (*found, error) {
	live, err := s.live(ctx, hash)
	if err != nil || live == nil {
		return nil, err
	}
	if now := s.now(); now.Sub(live.session.LastSeenAt) >= min(maxTouch, s.idle()/4) {
		if err := updateSeen(ctx, s.DB, live.session.ID, now); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// live finds the session and its person, and checks that both may still act; nil when not.
func (s *Service) live(ctx context.Context, hash []byte) (*found, error) {
	session, ok, err := selectByToken(ctx, s.DB, hash)
	if err == nil && !ok {
		session, ok, err = selectByPrevious(ctx, s.DB, hash, s.now())
	}
	if err != nil || !ok {
		return nil, err
	}
	user, who, err := s.People.SignedIn(ctx, session.UserID)
	if errors.Is(err, models.Unauthenticated("")) {
		return nil, nil
	}
	if err != nil || !session.LiveAt(s.now(), user.SessionEpoch) {
		return nil, err
	}
	who.SessionID = session.ID
	return &found{session, user, who}, nil
}

func cacheKey(hash []byte) string { return "session:" + hex.EncodeToString(hash) }

func epochKey(userID models.ID) string { return "session-epoch:" + string(userID) }

// remember fills in what the cache was asked for and did not have. An epoch whose lease was taken after its row was read is
// never filled: it might be old by then.
func (s *Service) remember(ctx context.Context, hash []byte, memory recalled, known cached, user models.User) {
	if s.Cache == nil {
		return
	}
	s.owners.note(hash, user.ID)
	var fillings []cache.Filling
	if memory.sessionLease != "" {
		raw, err := json.Marshal(known)
		if err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelError, "a session cannot be cached", slog.Any("error", err))
			return
		}
		fillings = append(fillings, cache.Filling{Key: cacheKey(hash), Lease: memory.sessionLease, Version: versionLive, Value: raw})
	}
	if memory.epochLease != "" && memory.epochOwner == user.ID {
		fillings = append(fillings, cache.Filling{Key: epochKey(user.ID), Lease: memory.epochLease, Version: user.SessionEpoch, Value: []byte{}})
	}
	if len(fillings) > 0 {
		s.Cache.FillAll(ctx, fillings, min(maxCached, s.idle()/4))
	}
}

// forget tells the cache that these sessions ended, after the rows say so.
func (s *Service) forget(ctx context.Context, hashes ...[]byte) {
	ended := make([]cache.Invalidation, len(hashes))
	for i, hash := range hashes {
		ended[i] = cache.Invalidation{Key: cacheKey(hash), Version: versionEnded}
		s.owners.forget(hash)
	}
	s.invalidate(ctx, ended...)
}

// invalidate tells the cache of ends. When it cannot be told, a replica that still remembers believes it for maxCached at most.
func (s *Service) invalidate(ctx context.Context, ended ...cache.Invalidation) {
	if s.Cache == nil || len(ended) == 0 {
		return
	}
	if err := s.Cache.InvalidateAll(ctx, ended); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the session cache was not told of an end", slog.Any("error", err))
	}
}
