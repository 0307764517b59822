// Package resolvers answers the GraphQL schema: each method calls one room and returns what it got.
//
// It owns the loaders that join the calls of one level into one statement, the look-up of nodes by id, and the form in which
// errors leave the house. It does not own rules, permissions or SQL: those are the rooms'. No other door is known here.
package resolvers

//go:generate go run ../graph/plan/generate
