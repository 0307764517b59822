// Package seal encrypts personal data and secrets before they become columns, and makes them findable again.
//
// It owns: the sealed form, the keys in use and their rotation, blind indexes. It does not own: which columns are sealed
// (each room), or where the keys come from (cmd). Neighbours: the rooms that keep people and secrets take it through
// small interfaces of their own.
package seal
