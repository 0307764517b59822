// Package samltest forges SAML messages for tests: genuine ones, and ones with exactly one thing wrong.
//
// Owns: throw-away keys, a message builder with a hook between every step, the signature-wrapping moves. Does not own: any check;
// nothing outside tests may import it. Neighbours: the tests of verify and sp. Keys are made once per test binary.
package samltest
