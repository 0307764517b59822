// Package catalog owns what a cloud sells and at which price: versions of its catalogue, the discounts of customers, and price
// inquiries, whose answers are kept as quotes (K01 to K08).
//
// It owns the tables catalogue_* (one row per version and code), discounts and quotes. A version is loaded as a whole from a JSON file
// (docs/catalogue.md), is in force from a moment on, and never changes. It does not own orders, which are placed from a quote
// (sales/orders), nor the resources that a renewal is about (Resources), nor what discounts mean for incentives (sales/incentives).
//
// Neighbours: sales/access says who sees whose quotes and discounts; sales/customers, through Customers, whose partner's discounts
// count; sales/events keeps the record.
package catalog
