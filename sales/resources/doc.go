// Package resources keeps what customers run: main resources and the sub-resources that follow them.
//
// It owns the table resources and how it is found and written. It does not own when a resource comes into being or what it
// costs (sales/orders), nor the cloud that really runs it (the driver of sales/orders).
//
// Neighbours: sales/orders above it creates resources in its own transaction; it uses sales/access and sales/events.
package resources
