package catalog

import "github.com/partnergraph/partnergraph/models"

// What this room refuses with.
var (
	ErrNoCatalogue     = models.Precondition("CATALOGUE_MISSING", "No catalogue is in force at this moment.")
	ErrQuoteUnknown    = models.NotFound("quote")
	ErrCustomerUnknown = models.NotFound("customer")
	ErrQuoteStale      = models.Precondition("QUOTE_STALE", "The price has changed since this quote; ask for it again.")
)
