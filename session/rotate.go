package session

import (
	"context"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// rotationGrace is how long the old token goes on finding the session after Middleware rotated it, for what the browser had sent
// with it already: of two requests at once only one answer carries the new token.
const rotationGrace = 10 * time.Second

// Rotate gives the request's session a fresh token and sets its cookie on w: whoever knew the old one has nothing any more. It
// belongs to every change of what the person may do; Middleware does it for changes made elsewhere. The session keeps its id
// and its end. found is false, and nothing changed, when no session of the request lives.
func (s *Service) Rotate(ctx context.Context, w http.ResponseWriter, r *http.Request) (session models.Session, found bool, err error) {
	session, cookie, err := s.rotate(ctx, r, 0)
	if err != nil || cookie == nil {
		return models.Session{}, false, err
	}
	http.SetCookie(w, cookie)
	return session, true, nil
}

// rotate returns no cookie when the token is no session's newest, as after another request of the same browser has rotated it.
func (s *Service) rotate(ctx context.Context, r *http.Request, grace time.Duration) (models.Session, *http.Cookie, error) {
	old, ok := s.tokenOf(r)
	if !ok {
		return models.Session{}, nil, nil
	}
	live, err := s.live(ctx, old)
	if err != nil || live == nil || !live.newest(old) {
		return models.Session{}, nil, err
	}
	token, err := s.newToken()
	if err != nil {
		return models.Session{}, nil, err
	}
	session := live.session
	session.TokenHash, session.Privileges = digestOf(token), privilegesOf(live.user)
	session.PreviousHash, session.PreviousUntil = nil, nil
	if grace > 0 {
		until := s.now().Add(grace)
		session.PreviousHash, session.PreviousUntil = old, &until
	}
	rotated := false
	who := live.who
	who.RequestID, who.RemoteAddr = s.requestID(r), s.remoteAddr(r)
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if rotated, err = updateToken(ctx, tx, session, old); err != nil || !rotated {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventSessionRotated, SubjectID: string(session.UserID), PartnerID: who.PartnerID, CustomerID: who.CustomerID,
			Data: map[string]any{"sessionId": session.ID},
		})
	})
	if err != nil || !rotated {
		return models.Session{}, nil, err
	}
	s.forget(ctx, old)
	s.owners.note(session.TokenHash, session.UserID)
	return session, s.cookie(token), nil
}

// withCookie returns the request as the browser would send it next time.
func withCookie(r *http.Request, fresh *http.Cookie) *http.Request {
	cookies := r.Cookies()
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	for _, cookie := range cookies {
		if cookie.Name == fresh.Name {
			continue
		}
		r.AddCookie(cookie)
	}
	r.AddCookie(&http.Cookie{Name: fresh.Name, Value: fresh.Value})
	return r
}
