package funds

import (
	"strings"

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

// checkReference applies the rule for references of banks and providers: 1 to 128 printable ASCII characters without spaces
// around them.
func checkReference(reference, field string) error {
	printable := !strings.ContainsFunc(reference, func(r rune) bool { return r < ' ' || r > '~' })
	if reference == "" || len(reference) > 128 || !printable || strings.TrimSpace(reference) != reference {
		return models.Invalid(field, "A reference has 1 to 128 printable ASCII characters.")
	}
	return nil
}
