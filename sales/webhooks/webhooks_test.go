package webhooks_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

func TestWhoMayUseEndpoints(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		created := w.endpoint(t, w.owner, "https://shop.example.com/").WebhookEndpoint
		theirs := w.endpoint(t, w.operator, "https://ops.example.com/").WebhookEndpoint
		w.queue(t, paid(w.distributor))
		delivery := w.deliveries(t)[0]
		if delivery.EndpointID != created.ID {
			delivery = w.deliveries(t)[1]
		}
		without := func(who models.Principal, missing ...models.Permission) models.Principal {
			who.Permissions = slices.DeleteFunc(slices.Clone(who.Permissions), func(p models.Permission) bool { return slices.Contains(missing, p) })
			return who
		}
		for _, tc := range []struct {
			name  string
			who   models.Principal
			write models.Code // of changing the distributor's endpoint
			list  models.Code // of reading, or "" with this many endpoints
			sees  int
		}{
			{"operator", w.operator, "", "", 2},
			{"owner", w.owner, "", "", 1},
			{"its reseller", w.seller, models.CodeForbidden, models.CodeForbidden, 0},
			{"another distributor", w.foreigner, models.CodeNotFound, "", 0},
			{"a provider", w.solo, models.CodeNotFound, "", 0},
			{"owner who may not write", without(w.owner, models.WriteExposure), models.CodeForbidden, "", 1},
			{"owner who may not read", without(w.owner, models.ReadExposure, models.WriteExposure), models.CodeForbidden, models.CodeForbidden, 0},
			{"a customer", w.advisor, models.CodeForbidden, models.CodeForbidden, 0},
			{"nobody", models.Principal{}, models.CodeUnauthenticated, models.CodeUnauthenticated, 0},
		} {
			t.Run(tc.name, func(t *testing.T) {
				ctx := t.Context()
				_, update := w.Update(ctx, tc.who, webhooks.UpdateWebhookEndpoint{EndpointID: created.ID, Description: ptr(tc.name)})
				_, rotate := w.Rotate(ctx, tc.who, webhooks.RotateWebhookSecret{EndpointID: created.ID, RevokeAtOnce: ptr(true)})
				_, try := w.SendTest(ctx, tc.who, webhooks.SendTestWebhook{EndpointID: created.ID})
				_, replay := w.Replay(ctx, tc.who, webhooks.ReplayWebhookDelivery{DeliveryID: delivery.ID})
				_, since := w.ReplayEvents(ctx, tc.who, webhooks.ReplayWebhookEvents{EndpointID: created.ID, Since: w.now()})
				for what, err := range map[string]error{"update": update, "rotate": rotate, "test": try, "replay": replay, "replay events": since} {
					if models.CodeOf(err) != tc.write {
						t.Errorf("%s: %v, want %q", what, err, tc.write)
					}
				}
				_, remove := w.Delete(ctx, tc.who, webhooks.DeleteWebhookEndpoint{EndpointID: theirs.ID})
				if tc.name != "operator" {
					want := tc.write
					if want == "" {
						want = models.CodeNotFound
					}
					if models.CodeOf(remove) != want {
						t.Errorf("deleting the operators' one: %v, want %s", remove, want)
					}
				}
				list, listErr := w.Find(ctx, tc.who, webhooks.EndpointFilter{}, models.PageArgs{WantTotal: true})
				byID, idErr := w.ByIDs(ctx, tc.who, []models.ID{created.ID, theirs.ID})
				nested, nestedErr := w.DeliveriesFor(ctx, tc.who, []models.ID{created.ID}, webhooks.DeliveryFilter{}, models.PageArgs{})
				rows, rowErr := w.DeliveriesByIDs(ctx, tc.who, []models.ID{delivery.ID})
				for what, err := range map[string]error{"list": listErr, "by id": idErr, "deliveries": nestedErr, "deliveries by id": rowErr} {
					if models.CodeOf(err) != tc.list {
						t.Errorf("%s: %v, want %q", what, err, tc.list)
					}
				}
				sees := tc.sees
				if tc.name == "operator" {
					sees-- // it has just deleted its own
				}
				if len(list.Edges) != sees || len(byID) != sees || list.TotalCount != nil && *list.TotalCount != sees {
					t.Errorf("%d in the list, %d by id, want %d", len(list.Edges), len(byID), sees)
				}
				if seen := len(nested[created.ID].Edges) > 0; seen != (tc.sees > 0) || (len(rows) == 1) != (tc.sees > 0) {
					t.Errorf("deliveries: %v %v", nested, rows)
				}
				if tc.name == "operator" {
					theirs = w.endpoint(t, w.operator, "https://ops.example.com/").WebhookEndpoint
				}
			})
		}
	})
}

// Exposure is each partner's own, and resellers have none (A01, P12).
func TestWhoMayCreateForWhom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		narrow := w.owner
		narrow.Permissions = []models.Permission{models.WriteExposure, models.ReadOrders}
		for _, tc := range []struct {
			name    string
			who     models.Principal
			partner *models.ID
			events  string
			code    models.Code
			reason  string
			owner   models.ID
		}{
			{"owner", w.owner, nil, "*", "", "", w.distributor.ID},
			{"owner by name", w.owner, &w.distributor.ID, "*", "", "", w.distributor.ID},
			{"owner for its reseller", w.owner, &w.reseller.ID, "*", models.CodePreconditionFailed, "EXPOSURE_NOT_AVAILABLE", ""},
			{"owner for another", w.owner, &w.other.ID, "*", models.CodeNotFound, "", ""},
			{"operator", w.operator, nil, "*", "", "", ""},
			{"operator for a partner", w.operator, &w.provider.ID, "*", "", "", w.provider.ID},
			{"operator for a reseller", w.operator, &w.reseller.ID, "*", models.CodePreconditionFailed, "EXPOSURE_NOT_AVAILABLE", ""},
			{"operator for nobody", w.operator, ptr(models.ID("par_01h455vb4pex5vsknk084sn02q")), "*", models.CodeNotFound, "", ""},
			{"operator for another kind", w.operator, ptr(models.ID("cus_01h455vb4pex5vsknk084sn02q")), "*", models.CodeInvalid, "", ""},
			{"reseller", w.seller, nil, "*", models.CodeForbidden, "", ""},
			{"customer", w.advisor, nil, "*", models.CodeForbidden, "", ""},
			{"nobody", models.Principal{}, nil, "*", models.CodeUnauthenticated, "", ""},
			{"who reads orders only, orders", narrow, nil, "order.*", "", "", w.distributor.ID},
			{"who reads orders only, balances", narrow, nil, "balance.changed", models.CodeForbidden, "", ""},
			{"who reads orders only, everything", narrow, nil, "*", models.CodeForbidden, "", ""},
		} {
			created, err := w.Create(t.Context(), tc.who, webhooks.CreateWebhookEndpoint{PartnerID: tc.partner, URL: "https://shop.example.com/", EventTypes: []string{tc.events}})
			var refusal *models.Error
			_ = errors.As(err, &refusal)
			if models.CodeOf(err) != tc.code || refusal != nil && refusal.Reason() != tc.reason || created.WebhookEndpoint.PartnerID != tc.owner {
				t.Errorf("%s: %v, for %q", tc.name, err, created.WebhookEndpoint.PartnerID)
			}
			if (err == nil) != strings.HasPrefix(created.Secret, "whsec_") {
				t.Errorf("%s: the secret is %q", tc.name, created.Secret)
			}
		}
		// Nor may it send elsewhere what it could not read itself.
		wide := w.endpoint(t, w.owner, "https://shop.example.com/")
		_, err := w.Update(t.Context(), narrow, webhooks.UpdateWebhookEndpoint{EndpointID: wide.WebhookEndpoint.ID, URL: ptr("https://mine.example.com/")})
		if models.CodeOf(err) != models.CodeForbidden || w.stored(t, wide.WebhookEndpoint.ID).URL != "https://shop.example.com/" {
			t.Errorf("a narrow key redirects a wide endpoint: %v", err)
		}
	})
}

func TestBadInputChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		created := w.endpoint(t, w.solo, "https://shop.example.com/").WebhookEndpoint
		before, recorded := w.stored(t, created.ID), w.allEvents(t)
		long := strings.Repeat("x", 201)
		for name, tc := range map[string]struct {
			cmd   webhooks.UpdateWebhookEndpoint
			field string
		}{
			"an address that is refused": {webhooks.UpdateWebhookEndpoint{URL: ptr("https://10.0.0.1/")}, "url"},
			"an endless address":         {webhooks.UpdateWebhookEndpoint{URL: ptr("https://shop.example.com/" + strings.Repeat("a", 2048))}, "url"},
			"an endless description":     {webhooks.UpdateWebhookEndpoint{Description: &long}, "description"},
			"a line in the description":  {webhooks.UpdateWebhookEndpoint{Description: ptr("a\nb")}, "description"},
			"half a character":           {webhooks.UpdateWebhookEndpoint{Description: ptr("\xff")}, "description"},
			"no events":                  {webhooks.UpdateWebhookEndpoint{EventTypes: []string{}}, "eventTypes"},
			"an unknown event":           {webhooks.UpdateWebhookEndpoint{EventTypes: []string{"order.paid", "order.eaten"}}, "eventTypes"},
			"an event that stays here":   {webhooks.UpdateWebhookEndpoint{EventTypes: []string{"api_key.created"}}, "eventTypes"},
			"a family that stays here":   {webhooks.UpdateWebhookEndpoint{EventTypes: []string{"withdrawal.*"}}, "eventTypes"},
			"half a family":              {webhooks.UpdateWebhookEndpoint{EventTypes: []string{"ord*"}}, "eventTypes"},
			"an empty event":             {webhooks.UpdateWebhookEndpoint{EventTypes: []string{""}}, "eventTypes"},
			"events without end":         {webhooks.UpdateWebhookEndpoint{EventTypes: slices.Repeat([]string{"*"}, 1000)}, "eventTypes"},
			"an unknown state":           {webhooks.UpdateWebhookEndpoint{State: ptr(models.WebhookState("OFF"))}, "state"},
			"another kind of id":         {webhooks.UpdateWebhookEndpoint{EndpointID: w.provider.ID}, "endpointId"},
		} {
			if tc.cmd.EndpointID == "" {
				tc.cmd.EndpointID = created.ID
			}
			_, err := w.Update(t.Context(), w.solo, tc.cmd)
			var refusal *models.Error
			if !errors.As(err, &refusal) || refusal.Code != models.CodeInvalid || refusal.Field != tc.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, tc := range map[string]struct {
			cmd   webhooks.ReplayWebhookEvents
			field string
		}{
			"too long ago":    {webhooks.ReplayWebhookEvents{Since: w.now().Add(-models.WebhookRetention - time.Second)}, "since"},
			"not yet":         {webhooks.ReplayWebhookEvents{Since: w.now().Add(time.Second)}, "since"},
			"after no event":  {webhooks.ReplayWebhookEvents{Since: w.now(), After: &created.ID}, "after"},
			"of no endpoint":  {webhooks.ReplayWebhookEvents{Since: w.now(), EndpointID: w.provider.ID}, "endpointId"},
			"since the begin": {webhooks.ReplayWebhookEvents{}, "since"},
		} {
			if tc.cmd.EndpointID == "" {
				tc.cmd.EndpointID = created.ID
			}
			_, err := w.ReplayEvents(t.Context(), w.solo, tc.cmd)
			var refusal *models.Error
			if !errors.As(err, &refusal) || refusal.Code != models.CodeInvalid || refusal.Field != tc.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Create(t.Context(), w.solo, webhooks.CreateWebhookEndpoint{URL: "https://shop.example.com/"}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("an endpoint without events: %v", err)
		}
		if diff := cmp.Diff(before, w.stored(t, created.ID)); diff != "" || w.allEvents(t) != recorded {
			t.Errorf("something changed:\n%s", diff)
		}
	})
}

func (w *world) allEvents(t *testing.T) int {
	t.Helper()
	n, err := w.db.NewSelect().Model((*models.Event)(nil)).Count(t.Context())
	must(t, err)
	return int(n)
}

func TestAPartnerHasTwentyEndpoints(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range models.MaxWebhookEndpoints - 1 {
			w.endpoint(t, w.solo, "https://shop.example.com/")
		}
		var group sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			group.Go(func() {
				_, errs[i] = w.Create(context.Background(), w.solo, webhooks.CreateWebhookEndpoint{URL: "https://shop.example.com/", EventTypes: []string{"*"}})
			})
		}
		group.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, webhooks.ErrTooMany) {
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("%d of 6 at once were made where one fits", made)
		}
		w.endpoint(t, w.owner, "https://shop.example.com/") // another's are counted apart
	})
}

func TestUpdateAndDelete(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		id := w.endpoint(t, w.solo, shop.URL, "order.*").WebhookEndpoint.ID
		saved, err := w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{
			EndpointID: id, Description: ptr("订单 hooks"), EventTypes: []string{"order.paid", "order.paid"}, State: ptr(models.WebhookDisabled),
		})
		must(t, err)
		got := saved.WebhookEndpoint
		if diff := cmp.Diff([]string{"order.paid"}, got.EventTypes); diff != "" || got.Description != "订单 hooks" || got.URL != shop.URL || got.DisabledReason != models.WebhookDisabledByRequest {
			t.Errorf("%+v %s", got, diff)
		}
		if diff := cmp.Diff(got, w.stored(t, id)); diff != "" {
			t.Errorf("stored (-answered +stored):\n%s", diff)
		}
		for what, err := range map[string]error{
			"test":          second(w.SendTest(t.Context(), w.solo, webhooks.SendTestWebhook{EndpointID: id})),
			"replay events": second(w.ReplayEvents(t.Context(), w.solo, webhooks.ReplayWebhookEvents{EndpointID: id, Since: w.now()})),
		} {
			if !errors.Is(err, webhooks.ErrDisabled) {
				t.Errorf("%s of a disabled endpoint: %v", what, err)
			}
		}
		_, err = w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{EndpointID: id, Description: ptr(""), State: ptr(models.WebhookEnabled)})
		must(t, err)
		w.queue(t, paid(w.provider))
		gone, err := w.Delete(t.Context(), w.solo, webhooks.DeleteWebhookEndpoint{EndpointID: id})
		must(t, err)
		if gone.DeletedWebhookEndpointID != id || len(w.deliveries(t)) != 0 {
			t.Errorf("%v, %d deliveries are left", gone, len(w.deliveries(t)))
		}
		w.send(t)
		if len(shop.messages()) != 0 {
			t.Error("sent to a deleted endpoint")
		}
		if _, err := w.Delete(t.Context(), w.solo, webhooks.DeleteWebhookEndpoint{EndpointID: id}); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("deleting it again: %v", err)
		}
		for kind, want := range map[models.EventType]int{models.EventWebhookCreated: 1, models.EventWebhookUpdated: 2, models.EventWebhookDeleted: 1} {
			if n := w.eventsOf(t, kind); n != want {
				t.Errorf("%d events %s, want %d", n, kind, want)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// However often the outbox hands an event over, and to however many relays at once, an endpoint has it once.
func TestOneDeliveryForEachEndpointAndEvent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 3 {
			w.endpoint(t, w.solo, "https://shop.example.com/")
		}
		happened := make([]models.Event, 20)
		for i := range happened {
			happened[i] = paid(w.provider)
		}
		happened = w.happen(t, happened...)
		var relays sync.WaitGroup
		for range 4 {
			relays.Go(func() {
				relay := w.relay()
				for {
					more, err := relay.Deliver(context.Background())
					if err != nil {
						t.Error(err)
					}
					if err != nil || !more {
						return
					}
				}
			})
			relays.Go(func() { // the outbox delivers at least once
				for _, event := range happened {
					if err := w.Enqueue(context.Background(), event); err != nil {
						t.Error(err)
					}
				}
			})
		}
		relays.Wait()
		w.relayed(t)
		seen := map[[2]models.ID]int{}
		for _, row := range w.deliveries(t) {
			seen[[2]models.ID{row.EndpointID, row.EventID}]++
		}
		if len(seen) != 60 || len(w.deliveries(t)) != 60 {
			t.Errorf("%d pairs in %d rows, want 60", len(seen), len(w.deliveries(t)))
		}
	})
}

// Two senders at once send each delivery once.
func TestSendersShareTheWork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		w.endpoint(t, w.solo, shop.URL)
		happened := make([]models.Event, 40)
		for i := range happened {
			happened[i] = paid(w.provider)
		}
		w.queue(t, happened...)
		var senders sync.WaitGroup
		for range 3 {
			senders.Go(func() {
				if err := serviceLike(w).SendDue(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		senders.Wait()
		w.send(t)
		seen := map[string]bool{}
		for _, m := range shop.messages() {
			seen[m.header.Get("Webhook-Id")] = true
		}
		if len(seen) != 40 || len(shop.messages()) != 40 {
			t.Errorf("%d messages about %d events, want 40", len(shop.messages()), len(seen))
		}
	})
}

// A partner is told of what it reads: its own, for a distributor also its resellers', and nobody else's.
func TestEndpointsAreToldOfWhatTheirOwnerReads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		readers := map[string]models.ID{}
		for name, who := range map[string]models.Principal{"owner": w.owner, "solo": w.solo, "foreigner": w.foreigner, "operator": w.operator} {
			readers[name] = w.endpoint(t, who, "https://"+name+".example.com/").WebhookEndpoint.ID
		}
		advisory := models.Event{Type: models.EventBalanceChanged, CustomerID: "cus_01h455vb4pex5vsknk084sn02q"} // its own money (C01)
		for _, tc := range []struct {
			name  string
			event models.Event
			want  []string
		}{
			{"the distributor's", paid(w.distributor), []string{"operator", "owner"}},
			{"its reseller's", paid(w.reseller), []string{"operator", "owner"}},
			{"the provider's", paid(w.provider), []string{"operator", "solo"}},
			{"the other distributor's", paid(w.other), []string{"foreigner", "operator"}},
			{"an advisory customer's money", advisory, []string{"operator"}},
			{"what webhooks do not tell of", models.Event{Type: models.EventAPIKeyCreated, PartnerID: w.provider.ID}, nil},
			{"a new reseller's", paid(w.partner(t, models.CloudReseller, w.other.ID)), []string{"foreigner", "operator"}},
		} {
			happened := w.queue(t, tc.event)[0]
			var told []string
			for _, row := range w.deliveries(t) {
				for name, id := range readers {
					if row.EventID == happened.ID && row.EndpointID == id {
						told = append(told, name)
					}
				}
			}
			slices.Sort(told)
			if diff := cmp.Diff(tc.want, told); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
		}
	})
}

func TestEndpointsAreToldOfTheTypesTheyAskFor(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]models.EventType{
		"*": models.WebhookEventTypes(), "order.paid": {models.EventOrderPaid}, "balance.*": {models.EventBalanceChanged, models.EventBalanceAlert},
		"ord*": nil, "order*": nil, ".*": nil, "": nil, "order.": nil, "api_key.created": nil, "**": nil, "*.paid": nil,
	} {
		if diff := cmp.Diff(want, models.MatchWebhookEvents(pattern)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", pattern, diff)
		}
	}
	for _, kind := range models.WebhookEventTypes() {
		if models.WebhookPermission(kind) == "" {
			t.Errorf("%s belongs to no permission: it could be sent to who may not read it", kind)
		}
	}
}

// What was queued is judged again when it is sent.
func TestWhatAnOwnerMayNotReadAnyMoreIsWithheld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		id := w.endpoint(t, w.owner, shop.URL).WebhookEndpoint.ID
		w.queue(t, paid(w.reseller))
		_, err := w.db.NewUpdate().Model((*models.Partner)(nil)).Set("parent_id = ?", w.other.ID).Where("id = ?", w.reseller.ID).Exec(t.Context())
		must(t, err)
		w.send(t)
		if got := w.only(t); got.State != models.WebhookWithheld || got.Failure != models.WebhookNotVisible || len(shop.messages()) != 0 {
			t.Errorf("another's reseller now: %d messages, %+v", len(shop.messages()), got)
		}
		w.queue(t, paid(w.distributor))
		_, err = w.Update(t.Context(), w.owner, webhooks.UpdateWebhookEndpoint{EndpointID: id, EventTypes: []string{"customer.*"}})
		must(t, err)
		w.send(t)
		rows := w.deliveries(t)
		if rows[1].Failure != models.WebhookUnsubscribed || rows[1].State != models.WebhookWithheld {
			t.Errorf("not asked for any more: %+v", rows[1])
		}
		_, err = w.Update(t.Context(), w.owner, webhooks.UpdateWebhookEndpoint{EndpointID: id, EventTypes: []string{"*"}})
		must(t, err)
		w.queue(t, paid(w.distributor))
		_, err = w.db.NewUpdate().Model((*models.Partner)(nil)).Set("kind = ?", models.CloudReseller).Where("id = ?", w.distributor.ID).Exec(t.Context())
		must(t, err)
		w.send(t)
		if rows = w.deliveries(t); rows[2].Failure != models.WebhookNotVisible || len(shop.messages()) != 0 {
			t.Errorf("no exposure any more (P12): %+v", rows[2])
		}
	})
}

func TestEventsNobodyAsksForStayOutOfTheOutbox(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		wanted := func(event models.Event, want bool, when string) {
			t.Helper()
			if w.Wanted(event) != want {
				t.Errorf("%s: wanted is %v", when, !want)
			}
		}
		moved := models.Event{Type: models.EventBalanceChanged, PartnerID: w.distributor.ID}
		wanted(paid(w.distributor), false, "without any endpoint")
		w.happen(t, paid(w.distributor))
		if n := w.outbox(t); n != 0 {
			t.Errorf("%d rows for nobody", n)
		}
		created := w.endpoint(t, w.owner, "https://shop.example.com/", "order.*").WebhookEndpoint
		wanted(paid(w.distributor), true, "with one")
		wanted(paid(w.reseller), true, "of its reseller")
		wanted(moved, false, "of a type that it does not ask for")
		wanted(paid(w.provider), false, "of somebody else")
		wanted(models.Event{Type: models.EventOrderPaid}, false, "of no partner")
		wanted(models.Event{Type: models.EventAPIKeyCreated, PartnerID: w.distributor.ID}, false, "of a type that webhooks do not tell of")
		w.pass(time.Second)
		wanted(paid(w.partner(t, models.CloudReseller, w.distributor.ID)), true, "of a reseller that is new")

		// Another process learns of changes by looking.
		other := serviceLike(w)
		if !other.Wanted(paid(w.provider)) {
			t.Error("a process that has not looked yet leaves events out")
		}
		must(t, other.RefreshInterest(t.Context()))
		if other.Wanted(paid(w.provider)) || !other.Wanted(paid(w.distributor)) {
			t.Error("a process that has looked knows no better")
		}
		_, err := w.Update(t.Context(), w.owner, webhooks.UpdateWebhookEndpoint{EndpointID: created.ID, EventTypes: []string{"balance.changed"}})
		must(t, err)
		must(t, other.RefreshInterest(t.Context()))
		if other.Wanted(paid(w.distributor)) || !other.Wanted(moved) {
			t.Error("a change is not noticed")
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if other.RefreshInterest(ended) == nil || !other.Wanted(paid(w.provider)) {
			t.Error("a process that cannot look leaves events out")
		}
		must(t, other.RefreshInterest(t.Context()))
		_, err = w.Delete(t.Context(), w.owner, webhooks.DeleteWebhookEndpoint{EndpointID: created.ID})
		must(t, err)
		wanted(moved, false, "after its end")
		must(t, other.RefreshInterest(t.Context()))
		if other.Wanted(moved) {
			t.Error("an end is not noticed")
		}
		w.endpoint(t, w.operator, "https://ops.example.com/", "balance.*")
		wanted(models.Event{Type: models.EventBalanceAlert}, true, "by operators, of no partner")
	})
}

func (w *world) outbox(t *testing.T) int {
	t.Helper()
	n, err := w.db.NewSelect().Model((*models.OutboxRow)(nil)).Count(t.Context())
	must(t, err)
	return int(n)
}

func TestATestMessageGoesToOneEndpoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop, other := receive(t), receive(t)
		created := w.endpoint(t, w.solo, shop.URL, "customer.created")
		w.endpoint(t, w.solo, other.URL)
		queued, err := w.SendTest(t.Context(), w.solo, webhooks.SendTestWebhook{EndpointID: created.WebhookEndpoint.ID})
		must(t, err)
		w.relayed(t)
		w.send(t)
		got := shop.messages()
		if len(got) != 1 || len(other.messages()) != 0 {
			t.Fatalf("%d and %d messages", len(got), len(other.messages()))
		}
		must(t, verify(t, created.Secret, got[0]))
		want := fmt.Sprintf(`{"type":"webhook.test","timestamp":"2026-11-21T08:00:00Z","data":{"endpointId":%q,"partnerId":%q,"subjectId":%q}}`,
			created.WebhookEndpoint.ID, w.provider.ID, created.WebhookEndpoint.ID)
		if string(got[0].body) != want || got[0].header.Get("Webhook-Id") != string(queued.WebhookDelivery.EventID) {
			t.Errorf("%s", got[0].body)
		}
	})
}

func TestReplayOfOneDelivery(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		w.pass(time.Hour)
		queued, err := w.Replay(t.Context(), w.solo, webhooks.ReplayWebhookDelivery{DeliveryID: w.only(t).ID})
		must(t, err)
		if got := queued.WebhookDelivery; got.State != models.WebhookPending || got.Attempts != 0 || !got.DueAt.Equal(w.now()) {
			t.Errorf("%+v", got)
		}
		w.send(t)
		got := shop.messages()
		if len(got) != 2 || got[0].header.Get("Webhook-Id") != got[1].header.Get("Webhook-Id") || string(got[0].body) != string(got[1].body) ||
			got[0].header.Get("Webhook-Timestamp") == got[1].header.Get("Webhook-Timestamp") {
			t.Errorf("the same message again, at another time: %+v", got)
		}
		if w.only(t).Attempts != 1 || w.eventsOf(t, models.EventWebhookReplayed) != 1 {
			t.Errorf("%+v", w.only(t))
		}
	})
}

func TestReplaySinceATime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.happen(t, paid(w.provider), paid(w.other))
		w.pass(time.Hour)
		since := w.now()
		missed := w.happen(t, paid(w.provider), paid(w.other), models.Event{Type: models.EventAPIKeyCreated, PartnerID: w.provider.ID})[0]
		w.pass(time.Hour)
		shop := receive(t, 200, 410, 200)
		id := w.endpoint(t, w.solo, shop.URL, "order.*").WebhookEndpoint.ID
		w.PerEndpoint = 1
		delivered := w.queue(t, paid(w.provider))[0]
		w.send(t)
		failed := w.queue(t, paid(w.provider))[0]
		w.send(t)
		_, err := w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{EndpointID: id, State: ptr(models.WebhookEnabled)})
		must(t, err)
		waiting := w.queue(t, paid(w.provider))[0]

		replay := func(cmd webhooks.ReplayWebhookEvents) int {
			t.Helper()
			cmd.EndpointID = id
			done, err := w.ReplayEvents(t.Context(), w.solo, cmd)
			must(t, err)
			if done.NextAfter != nil {
				t.Errorf("there is more after %s", *done.NextAfter)
			}
			return done.Count
		}
		if n := replay(webhooks.ReplayWebhookEvents{Since: since}); n != 2 {
			t.Errorf("%d queued, want what was missed and what failed", n)
		}
		if n := replay(webhooks.ReplayWebhookEvents{Since: since}); n != 0 {
			t.Errorf("%d queued although all of them wait", n)
		}
		w.send(t)
		sent := shop.messages()[2:]
		got := map[string]bool{}
		for _, m := range sent {
			got[m.header.Get("Webhook-Id")] = true
		}
		if want := map[string]bool{string(missed.ID): true, string(failed.ID): true, string(waiting.ID): true}; !cmp.Equal(want, got) || len(sent) != 3 {
			t.Errorf("sent %v of %v", got, want)
		}
		if n := replay(webhooks.ReplayWebhookEvents{Since: since, After: &missed.ID, IncludeDelivered: ptr(true)}); n != 3 {
			t.Errorf("%d queued after the first, want 3", n)
		}
		w.pass(time.Second)
		if n := replay(webhooks.ReplayWebhookEvents{Since: delivered.CreatedAt.Add(time.Microsecond), IncludeDelivered: ptr(true)}); n != 0 {
			t.Errorf("%d queued of a time when nothing happened", n)
		}
	})
}

func TestReplayIsBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		happened := make([]models.Event, 1001)
		for i := range happened {
			happened[i] = paid(w.provider)
		}
		happened = w.happen(t, happened...)
		id := w.endpoint(t, w.solo, "https://shop.example.com/").WebhookEndpoint.ID
		first, err := w.ReplayEvents(t.Context(), w.solo, webhooks.ReplayWebhookEvents{EndpointID: id, Since: w.now()})
		must(t, err)
		if first.Count != 1000 || first.NextAfter == nil || *first.NextAfter != happened[999].ID {
			t.Fatalf("%+v", first)
		}
		rest, err := w.ReplayEvents(t.Context(), w.solo, webhooks.ReplayWebhookEvents{EndpointID: id, Since: w.now(), After: first.NextAfter})
		must(t, err)
		if rest.Count != 1 || rest.NextAfter != nil || len(w.deliveries(t)) != 1001 {
			t.Errorf("%+v", rest)
		}
	})
}

func TestListsFilter(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 200, 500)
		id := w.endpoint(t, w.solo, shop.URL).WebhookEndpoint.ID
		off := w.endpoint(t, w.solo, shop.URL, "customer.*").WebhookEndpoint.ID
		_, err := w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{EndpointID: off, State: ptr(models.WebhookDisabled)})
		must(t, err)
		w.endpoint(t, w.owner, shop.URL, "customer.*")
		w.PerEndpoint = 1
		w.queue(t, paid(w.provider), paid(w.provider))
		w.send(t)
		for name, tc := range map[string]struct {
			filter webhooks.EndpointFilter
			want   int
		}{
			"none": {webhooks.EndpointFilter{}, 3}, "enabled": {webhooks.EndpointFilter{States: []models.WebhookState{models.WebhookEnabled}}, 2},
			"nothing": {webhooks.EndpointFilter{States: []models.WebhookState{}}, 0}, "of one": {webhooks.EndpointFilter{PartnerID: &w.provider.ID}, 2},
		} {
			if page, err := w.Find(t.Context(), w.operator, tc.filter, models.PageArgs{}); err != nil || len(page.Edges) != tc.want {
				t.Errorf("endpoints, %s: %d, %v", name, len(page.Edges), err)
			}
		}
		for name, tc := range map[string]struct {
			states []models.WebhookDeliveryState
			want   int
		}{
			"none": {nil, 2}, "delivered": {[]models.WebhookDeliveryState{models.WebhookDelivered}, 1}, "nothing": {[]models.WebhookDeliveryState{}, 0},
			"pending or failed": {[]models.WebhookDeliveryState{models.WebhookPending, models.WebhookFailed}, 1},
		} {
			pages, err := w.DeliveriesFor(t.Context(), w.solo, []models.ID{id, off}, webhooks.DeliveryFilter{States: tc.states}, models.PageArgs{WantTotal: true})
			if err != nil || len(pages[id].Edges) != tc.want || *pages[id].TotalCount != tc.want || len(pages[off].Edges) != 0 {
				t.Errorf("deliveries, %s: %+v, %v", name, pages, err)
			}
		}
	})
}
