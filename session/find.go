package session

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// maxCached bounds how long a replica believes the cache: a person who was disabled or lost a permission is noticed after
// that. Ending a session is noticed at once.
const maxCached = 30 * time.Second

// Versions of a cached session: it lives, and then it has ended. A session never lives again, so two are enough to keep
// a request that read the row just before its end from filling the cache with it.
const (
	versionLive  = 1
	versionEnded = 2
)

// maxTouch is how exactly last_seen_at is kept.
const maxTouch = time.Minute

// cached is what the cache knows of a session: no personal value, and no token.
type cached struct {
	Principal models.Principal `json:"principal"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

// Lookup returns who is behind the request's cookie; the anonymous principal when there is none, or none that lives. An
// error means that nobody can tell now.
func (s *Service) Lookup(ctx context.Context, r *http.Request) (models.Principal, error) {
	return s.lookup(ctx, r, s.lookupRow)
}

// Still is Lookup for a request that goes on: looking does not keep the session from ending for want of use.
func (s *Service) Still(ctx context.Context, r *http.Request) (models.Principal, error) {
	return s.lookup(ctx, r, s.stillRow)
}

func (s *Service) lookup(ctx context.Context, r *http.Request, row func(context.Context, []byte) (models.Principal, *models.Session, error)) (models.Principal, error) {
	hash, ok := s.tokenOf(r)
	if !ok {
		return models.Principal{Kind: models.Anonymous}, nil
	}
	if s.Cache == nil {
		who, _, err := row(ctx, hash)
		return who, err
	}
	entry := s.Cache.Lookup(ctx, cacheKey(hash))
	var known cached
	if entry.Hit && json.Unmarshal(entry.Value, &known) == nil && s.now().Before(known.ExpiresAt) {
		return known.Principal, nil
	}
	who, session, err := row(ctx, hash)
	if err == nil && session != nil && entry.Lease != "" {
		s.remember(ctx, hash, entry.Lease, cached{Principal: who, ExpiresAt: session.ExpiresAt})
	}
	return who, err
}

// Current returns the whole session behind the request's cookie from the database, as signing out at a partner platform
// needs it; found is false when none lives.
func (s *Service) Current(ctx context.Context, r *http.Request) (session models.Session, found bool, err error) {
	hash, ok := s.tokenOf(r)
	if !ok {
		return models.Session{}, false, nil
	}
	session, _, found, err = s.live(ctx, hash)
	return session, found, err
}

// lookupRow returns the principal and the session behind it, which is nil when none lives.
func (s *Service) lookupRow(ctx context.Context, hash []byte) (models.Principal, *models.Session, error) {
	anonymous := models.Principal{Kind: models.Anonymous}
	session, who, found, err := s.live(ctx, hash)
	if err != nil || !found {
		return anonymous, nil, err
	}
	if now := s.now(); now.Sub(session.LastSeenAt) >= min(maxTouch, s.idle()/4) {
		if err := updateSeen(ctx, s.DB, session.ID, now); err != nil {
			return anonymous, nil, err
		}
	}
	return who, &session, nil
}

// stillRow is lookupRow without noting the use.
func (s *Service) stillRow(ctx context.Context, hash []byte) (models.Principal, *models.Session, error) {
	session, who, found, err := s.live(ctx, hash)
	if err != nil || !found {
		return models.Principal{Kind: models.Anonymous}, nil, err
	}
	return who, &session, nil
}

// live finds the session and its person, and checks that both may still act.
func (s *Service) live(ctx context.Context, hash []byte) (models.Session, models.Principal, bool, error) {
	session, found, err := selectByToken(ctx, s.DB, hash)
	if err != nil || !found {
		return models.Session{}, models.Principal{}, false, err
	}
	user, who, err := s.People.SignedIn(ctx, session.UserID)
	if errors.Is(err, models.Unauthenticated("")) {
		return models.Session{}, models.Principal{}, false, nil
	}
	if err != nil || !session.LiveAt(s.now(), user.SessionEpoch) {
		return models.Session{}, models.Principal{}, false, err
	}
	who.SessionID = session.ID
	return session, who, true, nil
}

func cacheKey(hash []byte) string { return "session:" + hex.EncodeToString(hash) }

func (s *Service) remember(ctx context.Context, hash []byte, lease string, known cached) {
	raw, err := json.Marshal(known)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a session cannot be cached", slog.Any("error", err))
		return
	}
	s.Cache.Fill(ctx, cacheKey(hash), lease, versionLive, raw, min(maxCached, s.idle()/4))
}

// forget tells the cache that these sessions ended, after the rows say so. When it cannot be told, a replica that still
// remembers one believes it for maxCached at most.
func (s *Service) forget(ctx context.Context, hashes ...[]byte) {
	if s.Cache == nil {
		return
	}
	for _, hash := range hashes {
		if err := s.Cache.Invalidate(ctx, cacheKey(hash), versionEnded); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "the session cache was not told of an end", slog.Any("error", err))
		}
	}
}
