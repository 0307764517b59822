// Package watch follows single objects for those who subscribe to them.
//
// It owns how a watch begins, how replicas tell each other of changes, that rights are asked again before every answer, and how a watch
// ends. It does not own what is watched: rooms read their objects and say when one has changed. Rooms to which somebody owes have Debtors, who are looked
// at when their balance has changed.
//
// Neighbours: sales/funds, sales/orders and sales/resources each have a Hub; the GraphQL door reads from a Watching. sales/billing and
// sales/settlements have Debtors.
package watch
