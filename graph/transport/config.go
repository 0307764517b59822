package transport

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/partnergraph/partnergraph/graph/guard"
)

// Config says how Server serves a schema. Its zero value serves ad-hoc documents without introspection, cookies or
// other origins, under the default limits.
type Config struct {
	// Guard holds the limits of one operation, and whether introspection is on.
	Guard guard.Config

	// BodyLimit is the most bytes a request body, or one websocket message, may have. Default 1 MiB.
	BodyLimit int64
	// TokenLimit is the most tokens a document may have. Default 5000.
	TokenLimit int
	// QueryCache is how many parsed and validated documents, of at most 16 KiB each, are kept in memory. Default 1000.
	QueryCache int
	// Crowd is how many queries and mutations are executed at once; more wait for a moment and are refused with
	// RATE_LIMITED. Nil = unlimited.
	Crowd *Crowd
	// Deadline is how long a query or mutation may run before it is answered with UNAVAILABLE; subscriptions have
	// none. Default 30 s.
	Deadline time.Duration
	// Suggestions lets error messages propose names of the schema ("did you mean"). Off in production.
	Suggestions bool

	// PersistedQueries keeps the documents of automatic persisted queries, of at most 16 KiB each, by their SHA-256 in
	// lower-case hex. It should forget what is not asked for. Nil:
	// every hash is answered with PERSISTED_QUERY_NOT_FOUND, and clients send the document.
	PersistedQueries graphql.Cache[string]
	// TrustedDocuments are the documents a deployment knows, by the id that clients send as documentId or as the hash
	// of a persisted query. Nil: there are none.
	TrustedDocuments map[string]string
	// TrustedOnly says whether the caller may use nothing but TrustedDocuments, so that first-party clients can be
	// held to them while partners stay free. Nil: everybody is held to them as soon as TrustedDocuments is not nil.
	TrustedOnly func(ctx context.Context) bool

	// ErrorPresenter turns an error of a resolver into one with a code. Errors that carry a code already do not pass
	// through it. Nil: everything else is INTERNAL without its text.
	ErrorPresenter graphql.ErrorPresenterFunc
	// Recover turns a panic into an error, and logs it. Nil: INTERNAL, unlogged.
	Recover graphql.RecoverFunc
	// Extensions are added after the server's own, such as rate limits and telemetry; guard.CostOf works in them.
	Extensions []graphql.HandlerExtension

	// CookieAuthenticated says whether the request is authorised by a cookie, which a browser sends whoever asks it
	// to. Such requests must pass CSRF. Nil: no request is.
	CookieAuthenticated func(*http.Request) bool
	// CSRF says which origins may send requests with cookies, and open websockets at all.
	CSRF CSRF

	// WebsocketInit authorises a websocket by the payload of connection_init. Nil: the upgrade request's principal
	// stands.
	WebsocketInit gqltransport.WebsocketInitFunc
	// WebsocketInitTimeout is how long a websocket may stay open without connection_init. Default 10 s.
	WebsocketInitTimeout time.Duration
	// PingInterval is the time between two pings of a stream. Default 25 s.
	PingInterval time.Duration
	// OperationsPerConnection is how many operations may run at once on one websocket. Default 100.
	OperationsPerConnection int
}

func (c Config) withDefaults() Config {
	setDefault(&c.BodyLimit, 1<<20)
	setDefault(&c.TokenLimit, 5000)
	setDefault(&c.QueryCache, 1000)
	setDefault(&c.Deadline, 30*time.Second)
	setDefault(&c.WebsocketInitTimeout, 10*time.Second)
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.OperationsPerConnection, 100)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
