package customers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestTheRecordSaysWhatAWriteChanged: before and after, and no value of what is personal.
func TestTheRecordSaysWhatAWriteChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newManaged(t, db)
		partner := asPartner(w.provider)
		c := w.create("recorded", w.provider.ID, models.Resale)
		change := func(before, after string) []models.FieldChange {
			return []models.FieldChange{models.Changed("", before, after)}
		}
		named := func(field string, changes []models.FieldChange) []models.FieldChange {
			for i := range changes {
				changes[i].Field = field
			}
			return changes
		}
		var association models.Association
		if err := db.NewSelect().Model(&association).Where("customer_id = ?", c.ID).Scan(w.ctx); err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			event models.EventType
			do    func() error
			want  []models.FieldChange
		}{
			{models.EventCustomerAssociated, func() error { return nil }, []models.FieldChange{
				models.Changed("association", "", association.ID), models.Changed("mode", "", models.Resale),
			}},
			{models.EventCustomerFrozen, func() error {
				return second(w.Freeze(w.ctx, partner, customers.FreezeCustomer{CustomerID: c.ID, Scope: models.FrozenAccount, Reason: "why"}))
			}, named("frozen", change("NONE", "ACCOUNT"))},
			{models.EventCustomerUnfrozen, func() error {
				return second(w.Unfreeze(w.ctx, partner, customers.UnfreezeCustomer{CustomerID: c.ID, Reason: "why"}))
			}, named("frozen", change("ACCOUNT", "NONE"))},
			{models.EventCustomerTagsChanged, func() error {
				return second(w.ChangeTags(w.ctx, partner, customers.ChangeCustomerTags{CustomerID: c.ID, Add: []string{"b", "a"}}))
			}, named("tags", change("", "a, b"))},
			{models.EventCustomerUpdated, func() error {
				return second(w.Update(w.ctx, partner, customers.UpdateCustomer{CustomerID: c.ID, Email: ptr("me@example.com"), ExternalID: ptr("crm-1")}))
			}, []models.FieldChange{{Field: "email"}, models.Changed("externalId", "", "crm-1")}},
			{models.EventContactsSet, func() error {
				return second(w.SetContacts(w.ctx, partner, customers.SetCustomerContacts{CustomerID: c.ID, Contacts: []models.CustomerContact{{Name: "Mei"}}}))
			}, []models.FieldChange{{Field: "contacts"}}},
			{models.EventBudgetSet, func() error {
				return second(w.SetBudget(w.ctx, partner, customers.SetCustomerBudget{CustomerID: c.ID, Kind: models.MonthlyBudget, Amount: decimal.NewFromInt(5)}))
			}, named("budget", change("", "MONTHLY 5.00 CNY, alerts [80 100], freezes false"))},
			{models.EventBudgetRemoved, func() error {
				return second(w.RemoveBudget(w.ctx, partner, customers.RemoveCustomerBudget{CustomerID: c.ID}))
			}, named("budget", change("MONTHLY 5.00 CNY, alerts [80 100], freezes false", ""))},
		}
		for _, step := range steps {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.event, err)
			}
			var events []models.Event
			err := db.NewSelect().Model(&events).Where("ev.type = ? AND ev.subject_id = ?", step.event, c.ID).Order("ev.id DESC").Limit(1).Scan(w.ctx)
			if err != nil || len(events) != 1 {
				t.Fatalf("%s: %d events, %v", step.event, len(events), err)
			}
			if diff := cmp.Diff(step.want, events[0].Changes); diff != "" {
				t.Errorf("%s: %s", step.event, diff)
			}
		}
	})
}
