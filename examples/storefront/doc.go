// Package storefront is a small partner platform that sells through partnergraph, kept to what an integration needs:
//
//   - an identity provider (package idp) that signs its customers in through the login link,
//   - a receiver for the signed bind notification (bind.go),
//   - GraphQL calls with the partner's API key through a client generated from the schema (package client),
//   - a page that takes customers back after payment and checks the signature (paid.go),
//   - a receiver for signed webhooks (package webhook).
//
// `partnergraph demo` runs it on a second host name, so that browsers treat it as another site. It keeps everything in
// memory; a real platform keeps its accounts and bindings in a database.
package storefront
