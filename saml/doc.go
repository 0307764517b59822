// Package saml is the SAML 2.0 door: it turns a partner platform's assertions into verified arrivals at the cloud.
//
// This root package owns what its rooms share: the closed list of reasons for which a login can be refused (reasons.go) and the
// reading of a partner's identity-provider metadata when an access configuration is saved (metadata.go).
//
// Rooms: xmlguard reads strangers' XML first, verify turns a posted response into a verified assertion, sp is the HTTP face towards
// partner platforms, bind signs the notice that an account was bound, samltest forges messages for tests.
//
// Does not own: who a person is, what a platform may do, sessions, rows, pages. Those come in through the small interfaces of sp.
// Neighbours: cmd wires it; it never imports sales, resolvers, pages or graph.
package saml
