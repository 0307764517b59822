// Package plan answers what lies below a field of Query or Mutation without walking it field by field.
//
// gqlgen's executor starts a goroutine, a context and a marshaler for each object and field, which is most of what a list
// costs. This package reads the selection once, asks the resolvers level by level, so that a relation is one statement for
// all rows of its level, and writes the answer into one buffer with functions that are generated from the schema
// (tables.generated.go, by the gqlgen plugin in graph/plan/generate).
//
// It owns no rule. The root field itself (its arguments, its authorisation, its errors) is the ordinary executor's, relations
// are read by the very resolvers that the ordinary executor calls, and so by the rooms; what is invisible to them is invisible
// here. Whatever is not plain sailing (an error, a null where none may be, @defer, a field that the tables do not have) is no
// business of this package: it then gives nothing, and the ordinary executor walks the value that the root field returned.
// The schema, errors, paths and the null rules are therefore that executor's in every case.
//
// Neighbours: cmd adds the Extension to the server of graph/transport; resolvers gives it the Rounds in which the loaders
// collect keys.
package plan
