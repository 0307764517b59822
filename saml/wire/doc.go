// Package wire carries SAML protocol messages through the browser: the HTTP-Redirect binding with its detached signature, the HTTP-POST
// binding with the signature inside, and the logout messages, which both roles send and receive alike.
//
// Owns: bounds and shape of what arrives, signatures of both bindings (RSA, and ECDSA as r||s), reading of AuthnRequest,
// building and reading of LogoutRequest and LogoutResponse. Does not own: what a message means for anybody's session, whom to trust, assertions (package verify).
// Neighbours: sp and idp. Keeps no state.
package wire
