// Package netguard fetches documents from addresses that strangers chose, and reaches nothing that is not public.
//
// Owns: which addresses may be asked, how long and how much. Does not own: what a document means. Neighbours: cmd hands a Client to the
// rooms that take an address for a file.
package netguard
