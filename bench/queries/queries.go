// Package queries holds the reads that the project measures itself by, under the names of docs/performance.md.
package queries

import _ "embed"

// The documents.
var (
	//go:embed q1.graphql
	Q1 string // a customer and its balance
	//go:embed q2.graphql
	Q2 string // a customer's last 20 orders with their lines, resources and sub-resources
	//go:embed q3.graphql
	Q3 string // a partner's first 50 customers, each with its balance and its last three orders
	//go:embed q4.graphql
	Q4 string // a page of 50 orders, somewhere in the list
	//go:embed q5.graphql
	Q5 string // a partner's dashboard of a year
)
