// Package saml is the SAML 2.0 door: it turns a partner platform's assertions into verified arrivals at the cloud, and a platform's
// signed-in people into assertions for the service providers that are registered there.
//
// This root package owns what its rooms share: the closed list of reasons for which something can be refused and their statuses
// (reasons.go), our keys (keys.go), and the reading of identity providers' and service providers' metadata when they are registered
// (metadata.go, sp_metadata.go).
//
// Rooms: xmlguard reads strangers' XML first; wire carries requests and logout messages through the browser, both ways; verify turns a
// posted response into a verified assertion; sp is the HTTP face towards partner platforms, idp the one towards service providers;
// bind signs the notice that an account was bound; samltest forges messages for tests.
//
// Does not own: who a person is, what a platform may do, sessions, rows, pages. Those come in through the small interfaces of sp and
// idp. Neighbours: cmd wires it; it never imports sales, resolvers, pages or graph.
package saml
