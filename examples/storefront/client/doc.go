// Package client is a typed Go client of the GraphQL API, generated from the schema and the operations beside it.
package client

//go:generate go tool genqlient genqlient.yaml
