// Package models says what the nouns of a partner sales platform are and what is always true of them: partners,
// customers, orders, resources, accounts, incentive statements, people, sessions and events, with their closed enums,
// state tables, money, ids, error codes and page types.
//
// It owns values and pure rules. It does not own storage, permissions or anything that needs another row: those live in
// the rooms under sales. Nothing here takes a context, does I/O or imports another package of this module, because the
// API binds exported fields and methods of these types as GraphQL fields.
package models
