// Package exposure keeps what a partner platform has set under capability exposure (能力开放): its platform id, its identity
// provider's metadata, where customers go back to, which origins and services it may use, and the secret that signs
// the way back (A01-A04); how its people are to be signed in, and what its published metadata says for people.
//
// The partner's own bucket for attachments is set here and tried before it is saved; its keys never leave this room, which reads single
// attachments for sales/verification (A02, R02).
//
// It owns the table access_configurations. It does not own the keys that this server signs SAML with nor who is bound to
// whom (sales/federation), nor what metadata means: it asks a MetadataChecker. Cloud resellers have no exposure of their
// own; for their customers their distributor's platform serves (P12).
//
// Neighbours: the SAML door reads platforms here through cmd, the GraphQL door asks which origins may call, orders asks
// for the signed way back.
package exposure
