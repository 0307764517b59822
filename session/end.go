package session

import (
	"context"
	"net/http"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// End signs the browser out: its session ends and its cookie goes. Without a session it only clears the cookie.
func (s *Service) End(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	s.clearCookie(w)
	hash, ok := s.tokenOf(r)
	if !ok {
		return nil
	}
	// By the token before the newest one, too, while that counts: the digests that come back are the newest.
	ended, err := revokeByToken(ctx, s.DB, hash, s.now())
	s.forget(ctx, append(ended, hash)...)
	return err
}

// List returns the caller's own sessions that live, newest first, at most 50; none for API keys.
func (s *Service) List(ctx context.Context, who models.Principal) ([]models.Session, error) {
	if who.UserID == "" {
		return []models.Session{}, nil
	}
	user, _, err := s.People.SignedIn(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	rows, err := selectOfUser(ctx, s.DB, who.UserID, user.SessionEpoch, s.now())
	live := []models.Session{}
	for _, session := range rows {
		if session.LiveAt(s.now(), user.SessionEpoch) && len(live) < 50 {
			live = append(live, session)
		}
	}
	return live, err
}

// Revoke ends one session: people their own, operators anybody's. UNAUTHENTICATED for anonymous callers, FORBIDDEN for API keys
// of partners and customers, which have none, NOT_FOUND for another person's session. Revoking again changes nothing.
func (s *Service) Revoke(ctx context.Context, who models.Principal, cmd models.RevokeSession) (models.RevokedSession, error) {
	if err := mayEndAny(who); err != nil {
		return models.RevokedSession{}, err
	}
	if err := cmd.SessionID.Require(models.PrefixSession, "sessionId"); err != nil {
		return models.RevokedSession{}, err
	}
	session, found, err := selectByID(ctx, s.DB, cmd.SessionID)
	if err == nil && (!found || (session.UserID != who.UserID && !mayEndOthers(who))) {
		err = models.NotFound("session")
	}
	if err != nil {
		return models.RevokedSession{}, err
	}
	owner, err := s.People.UserByID(ctx, session.UserID)
	if err != nil {
		return models.RevokedSession{}, err
	}
	now := s.now()
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ended, err := revokeByIDs(ctx, tx, []models.ID{session.ID}, now)
		if err != nil || len(ended) == 0 {
			return err
		}
		session.RevokedAt = &now
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventSessionsRevoked, SubjectID: string(session.UserID), PartnerID: owner.PartnerID, CustomerID: owner.CustomerID,
			Data: map[string]any{"sessionId": session.ID},
		})
	})
	if err != nil {
		return models.RevokedSession{}, err
	}
	s.forget(ctx, session.TokenHash)
	return models.RevokedSession{Session: session}, nil
}

// RevokeAll ends every session of a person, also those that some replica is just about to find, with one statement and one
// operation of the cache however many there are: people their own, operators anybody's. UNAUTHENTICATED for anonymous callers,
// FORBIDDEN for API keys of partners and customers, NOT_FOUND for another person.
func (s *Service) RevokeAll(ctx context.Context, who models.Principal, cmd models.RevokeAllSessions) (models.RevokedSessions, error) {
	if err := mayEndAny(who); err != nil {
		return models.RevokedSessions{}, err
	}
	userID := who.UserID
	if cmd.UserID != nil {
		userID = *cmd.UserID
	}
	if err := userID.Require(models.PrefixUser, "userId"); err != nil {
		return models.RevokedSessions{}, err
	}
	if userID != who.UserID && !mayEndOthers(who) {
		return models.RevokedSessions{}, models.NotFound("user")
	}
	var ended models.RevokedSessions
	var user models.User
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if user, err = s.People.NextEpochIn(ctx, tx, userID); err != nil {
			return err
		}
		if ended.RevokedCount, err = countOfUser(ctx, tx, userID, user.SessionEpoch-1, s.now()); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventSessionsRevoked, SubjectID: string(userID), PartnerID: user.PartnerID, CustomerID: user.CustomerID,
			Data: map[string]any{"sessions": ended.RevokedCount},
		})
	})
	if err != nil {
		return models.RevokedSessions{}, err
	}
	s.invalidate(ctx, cache.Invalidation{Key: epochKey(userID), Version: user.SessionEpoch})
	return ended, nil
}

// mayEndAny refuses those who have no sessions and may not end those of others.
func mayEndAny(who models.Principal) error {
	switch {
	case who.IsAnonymous():
		return models.Unauthenticated("Sign in first.")
	case who.UserID == "" && !mayEndOthers(who):
		return models.Forbidden("An API key has no sessions.")
	}
	return nil
}

// mayEndOthers reports whether the caller may end the sessions of other people.
func mayEndOthers(who models.Principal) bool {
	return who.SeesAll() && access.Require(who, models.ManageKeys) == nil
}

// EndFederated ends the sessions that a partner platform's identity provider signs out: those of the name, or only the
// ones with these indexes when there are any. Every part of the name must be the same. It returns how many ended; the caller
// has verified the request.
func (s *Service) EndFederated(ctx context.Context, platformID string, name Name, indexes []string) (int, error) {
	if platformID == "" || name.Value == "" {
		return 0, nil
	}
	hashes, err := revokeFederated(ctx, s.DB, platformID, name, indexes, s.now())
	if err != nil {
		return 0, err
	}
	s.forget(ctx, hashes...)
	return len(hashes), nil
}

// EndByIDs ends these sessions, without the browser, and returns how many lived; unknown and ended ones count for nothing. The
// caller has checked who asks.
func (s *Service) EndByIDs(ctx context.Context, ids []models.ID) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	hashes, err := revokeByIDs(ctx, s.DB, ids, s.now())
	if err != nil {
		return 0, err
	}
	s.forget(ctx, hashes...)
	return len(hashes), nil
}

// Sweep deletes the rows of sessions that reached their absolute end a day ago and returns how many. It is one of the
// program's background jobs.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	return deleteBefore(ctx, s.DB, s.now().AddDate(0, 0, -1))
}
