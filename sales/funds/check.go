package funds

import (
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// checkPositive is checkAmount for an amount under another name.
func checkPositive(amount decimal.Decimal, field string) error {
	if err := checkAmount(amount); err != nil {
		return models.Invalid(field, "The amount must be a plain decimal above zero.")
	}
	return nil
}

// maxReference is how long the references of banks and providers are.
const maxReference = 128
