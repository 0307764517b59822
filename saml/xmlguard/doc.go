// Package xmlguard reads a stranger's XML once, before any other parser sees it, and refuses every shape on which two parsers
// could disagree or which could cost more than it should.
//
// Owns: size, depth and count limits; the ban on document types, processing instructions, comments and foreign encodings; unique
// identifiers; where an assertion and a signature may stand; which algorithms a signature may name.
//
// Does not own: whether a signature verifies (package verify), what an assertion means (package verify), whether metadata is
// acceptable to us (package saml).
//
// Neighbours: verify calls Response and Assertion, saml calls Metadata, an identity provider calls Request. The package imports
// nothing of this project and keeps no state; every function may be called concurrently.
package xmlguard
