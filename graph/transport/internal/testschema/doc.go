// Package testschema is a small schema that the tests of graph/transport serve: every kind of operation, a page, a
// scalar that refuses, a resolver that is slow, fails or panics. Only tests import it.
package testschema

//go:generate go run github.com/99designs/gqlgen generate
