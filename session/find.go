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

// endedFor is how long the cache remembers that a session ended, so that a request which read the row just before cannot
// bring it back.
const endedFor = 2 * maxCached

// maxTouch is how exactly last_seen_at is kept.
const maxTouch = time.Minute

// cached is what the cache knows of a session: no personal value, and no token.
type cached struct {
	Ended     bool             `json:"ended,omitempty"`
	Principal models.Principal `json:"principal"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

// Lookup returns who is behind the request's cookie; the anonymous principal when there is none, or none that lives. An
// error means that nobody can tell now.
func (s *Service) Lookup(ctx context.Context, r *http.Request) (models.Principal, error) {
	hash, ok := s.tokenOf(r)
	if !ok {
		return models.Principal{Kind: models.Anonymous}, nil
	}
	if known, found := s.recall(ctx, hash); found && s.now().Before(known.ExpiresAt) {
		return known.Principal, nil
	}
	return s.lookupRow(ctx, hash)
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

func (s *Service) lookupRow(ctx context.Context, hash []byte) (models.Principal, error) {
	session, who, found, err := s.live(ctx, hash)
	if err != nil || !found {
		return models.Principal{Kind: models.Anonymous}, err
	}
	if s.now().Sub(session.LastSeenAt) >= min(maxTouch, s.idle()/4) {
		if err := updateSeen(ctx, s.DB, session.ID, s.now()); err != nil {
			return models.Principal{Kind: models.Anonymous}, err
		}
	}
	s.remember(ctx, hash, cached{Principal: who, ExpiresAt: session.ExpiresAt})
	return who, nil
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

func (s *Service) recall(ctx context.Context, hash []byte) (cached, bool) {
	if s.Cache == nil {
		return cached{}, false
	}
	raw, found, err := s.Cache.Get(ctx, cacheKey(hash))
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the session cache does not answer", slog.Any("error", err))
		return cached{}, false
	}
	var known cached
	if !found || json.Unmarshal(raw, &known) != nil || known.Ended {
		return cached{}, false
	}
	return known, true
}

// remember never overwrites: what is there is either the same or the note that the session ended.
func (s *Service) remember(ctx context.Context, hash []byte, known cached) {
	if s.Cache == nil {
		return
	}
	raw, err := json.Marshal(known)
	if err == nil {
		err = s.Cache.Add(ctx, cacheKey(hash), raw, min(maxCached, s.idle()/4))
	}
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the session cache does not take", slog.Any("error", err))
	}
}

// forget notes in the cache that these sessions ended, after the rows say so. Without the cache a replica that still
// remembers one believes it for maxCached at most.
func (s *Service) forget(ctx context.Context, hashes ...[]byte) {
	if s.Cache == nil {
		return
	}
	raw, err := json.Marshal(cached{Ended: true})
	for _, hash := range hashes {
		if err == nil {
			err = s.Cache.Set(ctx, cacheKey(hash), raw, endedFor)
		}
	}
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the session cache was not told of an end", slog.Any("error", err))
	}
}
