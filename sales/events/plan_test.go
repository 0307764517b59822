package events_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// An event is in one index by what it is about, and in one by its subject where that is something else; pages are read from them in their order, so that one costs
// the same however much has happened.
func TestEventsAreFoundByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	storetest.EachInText(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		happened := muchHappened(t, db, c)
		log := &events.Log{DB: db, Require: access.Require, Scope: access.Events}
		read := []models.Permission{models.ReadEvents}
		operator := models.Principal{Kind: models.Operator, Permissions: read}
		partner := models.Principal{Kind: models.PartnerKey, PartnerID: shop, PartnerKind: models.SolutionProvider, Permissions: read}
		customer := models.Principal{Kind: models.CustomerUser, CustomerID: alice, Permissions: read}
		is := func(id models.ID) *models.ID { return &id }
		last := storetest.HookLast(db)
		for _, analysed := range []bool{false, true} {
			if analysed {
				if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil {
					t.Fatal(err)
				}
			}
			for name, tt := range map[string]struct {
				who    models.Principal
				filter events.Filter
				index  string
			}{
				"about a customer, to an operator":     {operator, events.Filter{SubjectID: is(alice)}, "events_about"},
				"about a customer, to its partner":     {partner, events.Filter{SubjectID: is(alice)}, "events_about"},
				"about a customer, to itself":          {customer, events.Filter{SubjectID: is(alice)}, "events_about"},
				"about an order":                       {operator, events.Filter{SubjectID: is(thing)}, "events_subject"},
				"about a partner":                      {operator, events.Filter{SubjectID: is(shop)}, "events_subject"},
				"that concern a customer":              {operator, events.Filter{CustomerID: is(alice)}, "events_about"},
				"that concern a customer that asks":    {customer, events.Filter{}, "events_about"},
				"that concern a customer, by an order": {customer, events.Filter{SubjectID: is(thing)}, "events_"},
			} {
				var want, got []models.ID
				for _, event := range slices.Backward(happened) {
					visible := tt.who.CustomerID == "" || event.CustomerID == tt.who.CustomerID
					subject := tt.filter.SubjectID == nil || event.SubjectID == string(*tt.filter.SubjectID)
					if visible && subject && (tt.filter.CustomerID == nil || event.CustomerID == *tt.filter.CustomerID) {
						want = append(want, event.ID)
					}
				}
				size := 20
				page := models.PageArgs{First: &size}
				for range 3 {
					found, err := log.Find(context.Background(), tt.who, tt.filter, page)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					plan := storetest.Explain(t, db, last.Text)
					if !strings.Contains(plan, tt.index) {
						t.Errorf("%s are not found by %s:\n%s", name, tt.index, plan)
					}
					for _, dear := range []string{"Seq Scan", "SCAN ev\n", "TEMP B-TREE", "Sort  ("} {
						if analysed && tt.index != "events_" && strings.Contains(plan, dear) {
							t.Errorf("%s: %s in\n%s", name, dear, plan)
						}
					}
					for _, event := range found.Nodes() {
						got = append(got, event.ID)
					}
					page.After = found.PageInfo.EndCursor
					if !found.PageInfo.HasNextPage {
						break
					}
				}
				if diff := cmp.Diff(want[:min(len(want), 3*size)], got); diff != "" {
					t.Errorf("%s: -want +got\n%s", name, diff)
				}
				total, err := log.Find(context.Background(), tt.who, tt.filter, models.PageArgs{WantTotal: true})
				if err != nil || *total.TotalCount != len(want) {
					t.Errorf("%s: %d of %d, %v", name, *total.TotalCount, len(want), err)
				}
			}
		}
	})
}

// muchHappened records what is about many customers, an order and a partner.
func muchHappened(t *testing.T, db *store.DB, c *clock) []models.Event {
	t.Helper()
	var happened []models.Event
	for i := range 12_000 {
		c.pass(time.Second)
		other, err := models.IDFromUUID(models.PrefixCustomer, [16]byte{1, byte(i % 251)})
		if err != nil {
			t.Fatal(err)
		}
		event := models.Event{Type: models.EventBalanceChanged, CustomerID: other, PartnerID: shop, SubjectID: string(other)}
		switch i % 150 {
		case 0:
			event.CustomerID, event.SubjectID = alice, string(alice)
		case 1: // the customer's, but not about itself
			event.Type, event.CustomerID, event.SubjectID = models.EventOrderPaid, alice, string(thing)
		case 2:
			event.CustomerID, event.SubjectID = bob, string(bob)
		case 3:
			event.CustomerID, event.SubjectID = "", string(shop)
		case 4: // kept from the customer
			event.Type, event.CustomerID, event.SubjectID = models.EventContactsSet, "", string(alice)
		}
		happened = append(happened, event)
	}
	for part := range slices.Chunk(happened, 500) {
		record(t, db, c, part...)
	}
	return happened
}
