package catalog

import "github.com/partnergraph/partnergraph/models"

// What this room refuses with.
var (
	ErrNoCatalogue     = models.Precondition("CATALOGUE_MISSING", "No catalogue is in force at this moment.")
	ErrQuoteUnknown    = models.NotFound("quote")
	ErrCustomerUnknown = models.NotFound("customer")
	ErrResourceUnknown = models.NotFound("resource")
	ErrNotChangeable   = models.Precondition("RESOURCE_NOT_CHANGEABLE", "Nothing is left of a period that this resource was paid for.")
	errPackageStays    = models.Precondition("RESOURCE_NOT_CHANGEABLE", "A resource package stays what it was bought as; buy another (O18).")
	ErrQuoteStale      = models.Precondition("QUOTE_STALE", "The price has changed since this quote; ask for it again.")
)
