package apitest

import (
	"context"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// manage gives the partner's customers what partners keep of them: a label, a contact, an account manager, and the resale one
// a budget. All but the budget is known to those only who know the partner's keys.
func (w *World) manage(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	login := o.Tag + "-manager"
	user, err := w.Identity.CreateUser(ctx, w.who, identity.CreateUser{PartnerID: &o.Partner.ID, LoginName: login})
	must(t, err)
	o.ManagerID = user.ID
	for _, text := range []string{login, o.Label(), o.Tag + " contact"} {
		w.text(text, o.KeyID)
	}
	for _, b := range []*Buyer{o.Resale, o.Advisory} {
		id := b.Customer.ID
		_, err := w.Customers.ChangeTags(ctx, w.who, customers.ChangeCustomerTags{CustomerID: id, Add: []string{o.Label()}})
		must(t, err)
		_, err = w.Customers.AssignManager(ctx, w.who, customers.AssignAccountManager{CustomerID: id, UserID: user.ID})
		must(t, err)
		_, err = w.Customers.SetContacts(ctx, w.who, customers.SetCustomerContacts{CustomerID: id, Contacts: []models.CustomerContact{{Name: o.Tag + " contact"}}})
		must(t, err)
	}
	w.budgeted++
	amount := models.NewMoney(83_000_017+104_729*w.budgeted, models.CNY) // of its own: taking part in next would move every amount after it
	_, err = w.Customers.SetBudget(ctx, w.who, customers.SetCustomerBudget{
		CustomerID: o.Resale.Customer.ID, Kind: models.MonthlyBudget, Amount: decimal.New(amount.Minor, -2),
	})
	must(t, err)
	w.amount(t, amount, "balance:"+string(o.Resale.Customer.ID))
}

// Label is what the partner calls its customers.
func (o *Org) Label() string { return o.Tag + " label" }

// managementMutations are those of managing customers that take a key.
func managementMutations() map[string]MoneyMutation {
	return map[string]MoneyMutation{
		"createCustomer": {
			Selection: "{customer{id name externalId} association{id mode} platformId}", Event: models.EventCustomerCreated,
			NoDebit: "it makes an account and moves nothing",
			Prepare: func(_ *testing.T, w *World, _ int) MoneyCalls {
				tag := w.tag()
				return always(w.Providers[0].Key, map[string]any{"accountName": tag, "externalId": tag}, "accountName", tag+"-other")
			},
		},
	}
}
