// Package apitest tests the assembled server through its HTTP handler: isolation between organisations, the number of
// SQL statements, bad input, and the closed error codes.
//
// It owns: a server per test on each engine (Each), a small world of two of everything (Build), and an oracle that says,
// from the business's own words and not from the server's queries, who may see what (World.Sees). It does not own the
// tests of single rooms, which live beside them. Neighbours: store/storetest, cache/cachetest, app.
package apitest
