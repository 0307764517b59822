// Package verify turns a posted SAML response into one verified assertion, or refuses it with a reason.
//
// Owns: the order of the checks (guard, signature, decryption, inner signature, meaning) and the rule that everything read after a
// signature was checked is read from the bytes that signature covers. Decryption of assertions.
//
// Does not own: whether the answer was asked for by this browser, replay rows, what the attributes mean to us (package sp).
//
// Neighbours: xmlguard before it, crewjam/saml for the assertion's type. A Verifier is a plain value
// and may be used concurrently.
package verify
