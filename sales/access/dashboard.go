package access

import (
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// ManagerOf is an expression of the account manager that a customer has now, as far as the principal may know: a partner its own people, nobody
// else's (C18). customer is the column with the customer's id.
func ManagerOf(who models.Principal, customer string) (expression string, args []any) {
	switch {
	case who.SeesAll():
		return "COALESCE((SELECT mc.account_manager_id FROM customers AS mc WHERE mc.id = ?), '')", []any{bun.Safe(customer)}
	case who.CustomerID != "" || who.PartnerID == "":
		return "''", nil
	}
	return "COALESCE((SELECT mc.account_manager_id FROM customers AS mc WHERE mc.id = ? AND mc.partner_id = ?), '')", []any{bun.Safe(customer), who.PartnerID}
}
