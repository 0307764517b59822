// Command saml measures what SAML costs beside floors that nobody can go below: see docs/federation.md. `make bench-saml` runs it.
//
// It verifies the same responses with our pipeline and with the library's own parser, issues responses beside the bare signatures that
// they carry, and signs people in at a real server, a process of its own on a PostgreSQL of its own, beside the bare cryptography of such
// a login. What is compared is processor time, in turns within one run; each figure is the best round's, since whatever else runs on the
// machine only ever adds.
package main
