package session

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// How a person signed in, as sessions and events say it.
const (
	MethodPassword = "password"
	MethodSAML     = "saml"
	MethodTicket   = "ticket"
)

// Name is what an identity provider calls a person, with all that a logout request has to repeat (SDP-SP28). Parts that the
// assertion left out are empty.
type Name struct {
	Value, Format, NameQualifier, SPNameQualifier string
}

// Origin says how the person came. The zero value is a password.
type Origin struct {
	PlatformID string
	// NameID and the next three are the name in the platform's assertion, part by part.
	NameID, NameIDFormat, NameQualifier, SPNameQualifier string
	SessionIndex                                         string
	NotOnOrAfter                                         time.Time // the assertion's SessionNotOnOrAfter; zero = no limit of its own
	// Method is one of the constants; empty = saml with a PlatformID, else password.
	Method string
	// AuthnContext is the authentication context class that was stated; empty = none was.
	AuthnContext string
}

func (o Origin) method() string {
	switch {
	case o.Method != "":
		return o.Method
	case o.PlatformID != "":
		return MethodSAML
	}
	return MethodPassword
}

// Issue signs the person in: a fresh token, so that one planted before the sign-in is worth nothing, its cookie on w, and
// an end to the session that the browser had. The principal is what the session stands for.
func (s *Service) Issue(ctx context.Context, w http.ResponseWriter, r *http.Request, user models.User, from Origin) (models.Session, error) {
	token, err := s.newToken()
	if err != nil {
		return models.Session{}, err
	}
	now := s.now()
	session := models.Session{
		ID: s.IDs(models.PrefixSession), TokenHash: digestOf(token), UserID: user.ID, Epoch: user.SessionEpoch,
		PlatformID: from.PlatformID, NameID: from.NameID, NameIDFormat: from.NameIDFormat, NameQualifier: from.NameQualifier,
		SPNameQualifier: from.SPNameQualifier, SessionIndex: from.SessionIndex, Method: from.method(), AuthnContext: from.AuthnContext,
		UserAgent: shortened(r.UserAgent()), RemoteAddr: s.remoteAddr(r),
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.life()), IdleTimeoutSecs: int64(s.idle() / time.Second),
		Privileges: privilegesOf(user),
	}
	if end := from.NotOnOrAfter.UTC().Truncate(time.Microsecond); !from.NotOnOrAfter.IsZero() && end.Before(session.ExpiresAt) {
		session.ExpiresAt = end
	}
	if !session.ExpiresAt.After(now) {
		return models.Session{}, models.Unauthenticated("The identity provider's session is over already.")
	}
	previous, hadOne := s.tokenOf(r)
	who := models.Principal{
		Kind: user.Kind, UserID: user.ID, SessionID: session.ID, PartnerID: user.PartnerID, CustomerID: user.CustomerID,
		RequestID: s.requestID(r), RemoteAddr: session.RemoteAddr,
	}
	told, due := s.Events.Fill(who, signedIn(user, session))
	err = s.DB.InScript(ctx, func(script *store.Script) {
		if hadOne {
			script.Add(revokingToken(s.DB, previous, now))
		}
		script.Insert(&[]models.Session{session})
		s.Events.AddTo(script, told, due)
	})
	if err != nil {
		return models.Session{}, err
	}
	if hadOne {
		s.forget(ctx, previous)
	}
	s.owners.note(session.TokenHash, user.ID)
	http.SetCookie(w, s.cookie(token))
	return session, nil
}

func signedIn(user models.User, session models.Session) models.Event {
	return models.Event{
		Type: models.EventIdentitySignedIn, SubjectID: string(user.ID), PartnerID: user.PartnerID, CustomerID: user.CustomerID,
		Data: map[string]any{"method": session.Method, "platformId": session.PlatformID, "sessionId": session.ID},
	}
}

// shortened bounds what a browser may make us store.
func shortened(userAgent string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(userAgent[:min(len(userAgent), 256)], "\x00", ""), "")
}
