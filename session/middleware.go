package session

import (
	"context"
	"net/http"
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

type contextKey struct{}

// caller is what Middleware found out.
type caller struct {
	who   models.Principal
	err   error
	again func(ctx context.Context) (models.Principal, error)
}

// Middleware puts the principal on the request's context. An API key in the Authorization header wins over a cookie, which
// then is not looked at; a key that is not valid makes the caller anonymous, and From says so. A cookie that is not
// valid any more is like none, so that people can sign in again.
func (s *Service) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whoever is not known yet has no operation with a deadline of its own.
		ctx, cancel := context.WithTimeout(r.Context(), s.patience())
		found, cookie := s.identify(ctx, r)
		cancel()
		if cookie != nil {
			http.SetCookie(w, cookie)
			r = withCookie(r, cookie)
		}
		if found.err != nil {
			found.who = models.Principal{Kind: models.Anonymous}
		}
		found.who.RequestID, found.who.RemoteAddr = s.requestID(r), s.remoteAddr(r)
		found.again = func(ctx context.Context) (models.Principal, error) {
			now := s.identifyBy(ctx, r, s.Still)
			now.who.RequestID, now.who.RemoteAddr = found.who.RequestID, found.who.RemoteAddr
			return now.who, now.err
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, found)))
	})
}

// identify finds out who sends the request. The cookie is not nil when the session got another token: its person may do other
// things than when it was made. Answers to GET and HEAD may be kept by others, so that they carry no token.
func (s *Service) identify(ctx context.Context, r *http.Request) (caller, *http.Cookie) {
	var fresh *http.Cookie
	found := s.identifyBy(ctx, r, func(ctx context.Context, r *http.Request) (models.Principal, error) {
		known, err := s.lookup(ctx, r, s.use)
		if err != nil || !known.Outdated || r.Method == http.MethodGet || r.Method == http.MethodHead {
			return known.Principal, err
		}
		if _, fresh, err = s.rotate(ctx, r, rotationGrace); err == nil && fresh == nil {
			return s.afterAnother(ctx, r) // which was first, and its answer has the token
		}
		return known.Principal, err
	})
	return found, fresh
}

// afterAnother asks the database, not the cache, who a request with the token before the newest one comes from.
func (s *Service) afterAnother(ctx context.Context, r *http.Request) (models.Principal, error) {
	hash, ok := s.tokenOf(r)
	if !ok {
		return models.Principal{Kind: models.Anonymous}, nil
	}
	live, err := s.use(ctx, hash)
	if err != nil || live == nil {
		return models.Principal{Kind: models.Anonymous}, err
	}
	return live.who, nil
}

func (s *Service) identifyBy(ctx context.Context, r *http.Request, lookup func(context.Context, *http.Request) (models.Principal, error)) caller {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return caller{err: models.Unauthenticated("Send one Authorization header.")}
	}
	if len(headers) == 1 {
		scheme, secret, _ := strings.Cut(headers[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{err: models.Unauthenticated("Send an API key as a bearer token.")}
		}
		who, err := s.Keys.Authenticate(ctx, strings.TrimSpace(secret))
		return caller{who: who, err: err}
	}
	who, err := lookup(ctx, r)
	return caller{who: who, err: err}
}

// From returns who the request of this context comes from. The error is UNAUTHENTICATED for a credential that is not
// valid, and another one when nobody could tell; the principal is anonymous then. Without Middleware it is anonymous.
func From(ctx context.Context) (models.Principal, error) {
	found, ok := ctx.Value(contextKey{}).(caller)
	if !ok {
		return models.Principal{Kind: models.Anonymous}, nil
	}
	return found.who, found.err
}

// Again says who the credential of this context's request belongs to by now, for requests that last: revoked keys are
// UNAUTHENTICATED, sessions that ended are anonymous. It does not count as use of the session.
func Again(ctx context.Context) (models.Principal, error) {
	found, ok := ctx.Value(contextKey{}).(caller)
	if !ok {
		return models.Principal{Kind: models.Anonymous}, nil
	}
	return found.again(ctx)
}

// Who is From without the error, for what comes after a door has looked at it.
func Who(ctx context.Context) models.Principal {
	who, _ := From(ctx)
	return who
}
