package customers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// rowsOf counts what the end of an association writes.
func (w *world) rowsOf(tables ...string) map[string]int {
	w.t.Helper()
	seen := map[string]int{}
	for _, table := range tables {
		n, err := w.DB.NewSelect().Table(table).Count(w.ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		seen[table] = int(n)
	}
	return seen
}

func (w *world) customer(id models.ID) models.Customer {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// TestAnAssociationEndsOnce is C14 without the money, which is sales/funds'.
func TestAnAssociationEndsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c, err := w.Create(w.ctx, operator(), customers.CreateCustomer{Name: "leaving", PartnerID: w.reseller.ID, ExternalID: "crm-1"})
		if err != nil {
			t.Fatal(err)
		}
		since := w.at
		w.at = w.at.Add(time.Hour)
		cmd := customers.EndAssociation{CustomerID: c.ID, Reason: "moved to another platform", IdempotencyKey: "k"}
		first, err := w.EndAssociation(w.ctx, operator(), cmd)
		if err != nil {
			t.Fatal(err)
		}
		want := models.Association{
			ID: first.Association.ID, CustomerID: c.ID, PartnerID: w.reseller.ID, Mode: models.Resale, Source: models.SourceAPI,
			Since: since, Until: &w.at,
		}
		if diff := cmp.Diff(want, first.Association); diff != "" || first.Transfer == nil {
			t.Errorf("the end (-want +got):\n%s", diff)
		}
		after := w.customer(c.ID)
		if after.PartnerID != "" || after.Mode != "" || after.ExternalID != "" || !after.UpdatedAt.Equal(w.at) {
			t.Errorf("the customer: %+v", after)
		}
		// The others are told of the customer as it was.
		for name, told := range map[string][]models.Customer{"recall": w.recalled, "farewell": w.left} {
			if len(told) != 1 || told[0].PartnerID != w.reseller.ID || told[0].Mode != models.Resale {
				t.Errorf("%s: %+v", name, told)
			}
		}
		var event models.Event
		if err := db.NewSelect().Model(&event).Where("type = ?", models.EventCustomerDisassociated).Scan(w.ctx); err != nil {
			t.Fatal(err)
		}
		data := map[string]any{
			"associationId": string(first.Association.ID), "mode": "RESALE", "reason": cmd.Reason, "externalId": "crm-1", "transferId": "trf_recall",
		}
		if diff := cmp.Diff(data, event.Data); diff != "" || event.PartnerID != w.reseller.ID || event.CustomerID != c.ID {
			t.Errorf("the event concerns %s and %s (-want +got):\n%s", event.PartnerID, event.CustomerID, diff)
		}
		for name, who := range map[string]models.Principal{"the reseller": asPartner(w.reseller), "its distributor": asPartner(w.distributor)} {
			found, err := w.ByIDs(w.ctx, who, []models.ID{c.ID})
			associations, err2 := w.AssociationsFor(w.ctx, who, []models.ID{c.ID})
			if err != nil || err2 != nil || len(found) != 0 || len(associations) != 0 {
				t.Errorf("%s still sees %v and %v: %v, %v", name, found, associations, err, err2)
			}
		}

		before := w.rowsOf("events", "associations", "idempotency_keys")
		again, err := w.EndAssociation(w.ctx, operator(), cmd)
		if diff := cmp.Diff(first, again); diff != "" || err != nil {
			t.Errorf("again: %v\n%s", err, diff)
		}
		cmd.Reason = "another"
		if _, err := w.EndAssociation(w.ctx, operator(), cmd); models.CodeOf(err) != models.CodeConflict {
			t.Errorf("the key with another reason: %v", err)
		}
		cmd.IdempotencyKey = "k2"
		if _, err := w.EndAssociation(w.ctx, operator(), cmd); reasonOf(err) != "NOT_ASSOCIATED" {
			t.Errorf("a second end: %v", err)
		}
		if diff := cmp.Diff(before, w.rowsOf("events", "associations", "idempotency_keys")); diff != "" || len(w.recalled) != 1 {
			t.Errorf("%d recalls; left behind:\n%s", len(w.recalled), diff)
		}
		// It may belong to somebody again, the history stays, and the next partner may give the same key of its storefront.
		if _, err := w.associate(asCustomer(after), customers.Associate{CustomerID: c.ID, PartnerID: w.stranger.ID}); err != nil {
			t.Errorf("associating again: %v", err)
		}
		if n := w.rowsOf("associations")["associations"]; n != 2 {
			t.Errorf("%d associations, want the old one and the new one", n)
		}
	})
}

// TestAnAssociationThatMayNotEndStays is C13, and the wall of who may.
func TestAnAssociationThatMayNotEndStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.create("staying", w.provider.ID, models.Resale)
		frozen := w.create("frozen-one", w.provider.ID, models.Resale)
		if _, err := db.NewUpdate().Table("customers").Set("frozen = ?", models.FrozenAccount).Where("id = ?", frozen.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		nobodys := w.create("nobodys-one", "", "")
		ordering := w.create("ordering", w.provider.ID, models.Advisory)
		w.ordering[ordering.ID] = true
		owing := w.create("owing-one", w.provider.ID, models.Resale)
		good := customers.EndAssociation{CustomerID: c.ID, Reason: "r", IdempotencyKey: "k"}
		with := func(change func(*customers.EndAssociation)) customers.EndAssociation {
			cmd := good
			change(&cmd)
			return cmd
		}
		of := func(id models.ID) customers.EndAssociation {
			return with(func(cmd *customers.EndAssociation) { cmd.CustomerID = id })
		}
		narrow := operator()
		narrow.Permissions = []models.Permission{models.ReadCustomers}
		mighty := asCustomer(c)
		mighty.Permissions = models.AllPermissions()
		before := w.rowsOf("events", "associations", "idempotency_keys")
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  customers.EndAssociation
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"without the permission", narrow, good, "FORBIDDEN"},
			{"the partner", asPartner(w.provider), good, "FORBIDDEN"},
			{"another partner", asPartner(w.stranger), good, "FORBIDDEN"},
			{"the customer", mighty, good, "FORBIDDEN"},
			{"no such customer", operator(), of("cus_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND"},
			{"a partner's id", operator(), of(w.provider.ID), "INVALID"},
			{"no reason", operator(), with(func(cmd *customers.EndAssociation) { cmd.Reason = "" }), "INVALID"},
			{"a long reason", operator(), with(func(cmd *customers.EndAssociation) { cmd.Reason = strings.Repeat("r", 257) }), "INVALID"},
			{"a reason with a line break", operator(), with(func(cmd *customers.EndAssociation) { cmd.Reason = "a\nb" }), "INVALID"},
			{"no key", operator(), with(func(cmd *customers.EndAssociation) { cmd.IdempotencyKey = "" }), "INVALID"},
			{"nobody's customer", operator(), of(nobodys.ID), "NOT_ASSOCIATED"},
			{"a frozen customer", operator(), of(frozen.ID), "CUSTOMER_FROZEN"},
			{"an order to pay", operator(), of(ordering.ID), "PENDING_PAYMENT_ORDERS"},
		} {
			if _, err := w.EndAssociation(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if len(w.recalled) != 0 || len(w.left) != 0 {
			t.Errorf("recalled %v, left %v", w.recalled, w.left)
		}
		w.refused = models.Precondition("ARREARS", "It owes.")
		if _, err := w.EndAssociation(w.ctx, operator(), of(owing.ID)); reasonOf(err) != "ARREARS" {
			t.Errorf("a debt: %v", err)
		}
		if diff := cmp.Diff(before, w.rowsOf("events", "associations", "idempotency_keys")); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		for _, id := range []models.ID{c.ID, frozen.ID, ordering.ID, owing.ID} {
			if w.customer(id).PartnerID != w.provider.ID {
				t.Errorf("%s has left", id)
			}
		}
		w.refused = nil
		if _, err := w.EndAssociation(w.ctx, operator(), good); err != nil {
			t.Errorf("the key after the refusals: %v", err)
		}
	})
}

// TestDebtsKeepACustomer is C13: use that was settled and not paid keeps a customer with its partner and in its mode, also when the settlement comes
// while it leaves.
func TestDebtsKeepACustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		owing, late := w.create("owing", w.provider.ID, models.Advisory), w.create("settled-late", w.provider.ID, models.Resale)
		end := func(c models.Customer, key string) error {
			_, err := w.EndAssociation(w.ctx, operator(), customers.EndAssociation{CustomerID: c.ID, Reason: "r", IdempotencyKey: key})
			return err
		}
		change, err := w.change(asPartner(w.provider), late, models.Advisory)
		if err != nil {
			t.Fatal(err)
		}
		w.owing[owing.ID], w.settling = true, late.ID
		for name, err := range map[string]error{
			"an operator ends it":      end(owing, "1"),
			"the customer asks":        second(w.leave(asCustomer(owing), owing)),
			"the partner asks":         second(w.leave(asPartner(w.provider), owing)),
			"the other mode is wanted": second(w.change(asCustomer(owing), owing, models.Resale)),
			"it is settled meanwhile":  end(late, "2"),
		} {
			if reasonOf(err) != "ARREARS" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.owing[late.ID] = false
		if _, err := w.confirm(asCustomer(late), change.ID); reasonOf(err) != "ARREARS" || w.customerOf(late.ID).Mode != models.Resale {
			t.Errorf("settled while the mode changes: %v", err)
		}
		found, err := w.Eligibility(w.ctx, operator(), customers.EligibilityQuery{CustomerID: &owing.ID})
		if err != nil || len(found) == 0 {
			t.Fatal(err)
		}
		seen := false
		for _, blocker := range found[0].Blockers {
			seen = seen || blocker.Code == models.BlockOwing && blocker.SuggestedAction != ""
		}
		if !seen {
			t.Errorf("%+v", found[0].Blockers)
		}
		if w.customerOf(owing.ID).PartnerID == "" || w.customerOf(late.ID).PartnerID == "" {
			t.Error("it has left")
		}
		w.owing, w.settling = map[models.ID]bool{}, ""
		if err := end(owing, "1"); err != nil {
			t.Errorf("paid: %v", err)
		}
	})
}
