// Package idp is a small SAML identity provider for the example storefront and for tests: what a partner platform has to build so that
// its users can walk into the cloud.
//
// Owns: its metadata, the sign-on address (redirect and POST binding), the check of the request's signature against the service
// provider's metadata, signed responses with the attributes of the contract. Made of crewjam/saml's public pieces.
//
// Does not own: who is signed in at the storefront (Config.Person) and its sign-in page (Config.LoginPage). It does not encrypt, keeps
// pending requests in memory, and knows one service provider: an example, not a product.
package idp
