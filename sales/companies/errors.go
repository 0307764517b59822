package companies

import "github.com/partnergraph/partnergraph/models"

// What this room refuses with.
var (
	ErrCompanyUnknown = models.NotFound("company")
	// ErrRecordOlder is of a line that changes nothing, because the register knows the company as of a later day.
	ErrRecordOlder = models.Precondition("COMPANY_RECORD_OLDER", "The register knows this company as of a later day, or in a later revision.")
	// ErrRecordDiffers is of a line that says something else than the register as of the very same day and revision.
	ErrRecordDiffers = models.Precondition("COMPANY_RECORD_DIFFERS", "The register has another record of this company of the same day; give a correction a higher revision.")
)
