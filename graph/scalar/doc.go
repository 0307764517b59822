// Package scalar reads and writes the API's custom scalars for gqlgen.
//
// It owns the wire form of Decimal, DateTime, Date, BillingCycle and JSON: what is accepted from a stranger, what is
// written back, and the sentence a developer reads when a value is refused. Every refusal is a *gqlerror.Error with
// extensions.code INVALID and never repeats what was sent: it may be a megabyte, or personal.
//
// It does not own what the values mean (models, the rooms) nor enums such as CurrencyCode (the schema).
//
// Neighbours: gqlgen.yml binds each scalar to a function pair or type of this package; graph/guard and graph/transport
// have bounded the size of the document and of the body before anything arrives here.
package scalar
