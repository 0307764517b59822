// Package session decides who a request comes from: a signed-in browser with a cookie, a program with an API key, or
// nobody.
//
// It owns the table sessions, the cookie's attributes, and the models.Principal on a request's context. The rows are the
// truth; a cache in front answers for seconds, and losing it makes requests slower and logs nobody in or out. It does
// not own passwords, keys and people (sales/identity), nor how somebody proved who they are before a session is issued
// (the sign-in page, package saml).
//
// Neighbours: cmd wraps the doors with Middleware; the doors ask From; the pages issue and end sessions.
package session
