// Package idp is the SAML door towards clouds and consoles: as a partner platform's identity provider it signs the platform's people in
// to the service providers that are registered there.
//
// Owns: the addresses /saml/idp/{platformId}/metadata|sso|continue|launch|ticket|slo|bind; judging requests and their signatures, building, signing
// and encrypting answers, logout both ways. Does not own: who is signed in and how (People), which service providers exist (Platforms),
// rows, pages. Neighbours: cmd wires it; it never imports sales, session, pages or graph.
package idp
