// Package transport is the HTTP door of the GraphQL executor.
//
// It owns GraphQL over HTTP (GET and POST, media types, status codes, limits of the body), the streams (graphql-sse and
// graphql-transport-ws, by gqlgen's transports behind the same checks), persisted and trusted documents, the deadline
// of an operation, the last look at errors (a code always, no more than ten, no long texts), and the checks that
// browsers make necessary: CSRF and CORS.
//
// It does not own what an operation may cost (graph/guard), who the caller is (session puts a principal on the request
// before this package sees it), or which domain error has which code (the presenter given in Config).
//
// Neighbours: cmd mounts what Server returns, wrapped in CORS, at /graphql.
package transport
