package apitest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

const createEndpoint = `mutation($i: CreateWebhookEndpointInput!){createWebhookEndpoint(input: $i){secret webhookEndpoint{
	id url description eventTypes state disabledReason disabledAt failingSince oldSecretUntil partner{id} deliveries{totalCount nodes{id}}}}}`

// dev lets a server call the test's own servers.
func dev(cfg *app.Config, _ *app.Options) { cfg.Dev = true }

type receivedWebhook struct {
	header http.Header
	body   []byte
}

// TestAWebhookFromEndToEnd is what a partner does: make an endpoint, try it, be told of a payment, look at the log, replay, rotate.
func TestAWebhookFromEndToEnd(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me := w.Providers[0]
		got := make(chan receivedWebhook, 16)
		shop := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- receivedWebhook{r.Header, body}
			answer.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(answer, "taken")
		}))
		t.Cleanup(shop.Close)
		answer := s.Ask(t, me.Key, createEndpoint, map[string]any{"i": map[string]any{"url": shop.URL + "/hooks", "description": "orders", "eventTypes": []string{"order.*"}}})
		secret, _ := answer.At("createWebhookEndpoint", "secret").(string)
		id := answer.At("createWebhookEndpoint", "webhookEndpoint", "id")
		want := map[string]any{
			"id": id, "url": shop.URL + "/hooks", "description": "orders", "eventTypes": []any{"order.*"}, "state": "ENABLED", "disabledReason": nil, "disabledAt": nil,
			"failingSince": nil, "oldSecretUntil": nil, "partner": map[string]any{"id": string(me.Partner.ID)}, "deliveries": map[string]any{"totalCount": 0.0, "nodes": []any{}},
		}
		if diff := cmp.Diff(any(want), answer.At("createWebhookEndpoint", "webhookEndpoint")); diff != "" || !strings.HasPrefix(secret, "whsec_") {
			t.Fatalf("%s %s", diff, answer.Body)
		}
		next := func() receivedWebhook {
			t.Helper()
			if err := w.DeliverOutbox(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.Webhooks.SendDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			select {
			case m := <-got:
				hook, err := standardwebhooks.NewWebhook(secret)
				if err != nil {
					t.Fatal(err)
				}
				if err := hook.VerifyIgnoringTimestamp(m.body, m.header); err != nil {
					t.Errorf("%v: %s", err, m.body)
				}
				return m
			case <-time.After(10 * time.Second):
				t.Fatal("nothing came")
				return receivedWebhook{}
			}
		}
		input := map[string]any{"i": map[string]any{"endpointId": id}}
		answer = s.Ask(t, me.Key, `mutation($i: SendTestWebhookInput!){sendTestWebhook(input: $i){webhookDelivery{id eventType state attempts nextAttemptAt endpoint{id}}}}`, input)
		if answer.At("sendTestWebhook", "webhookDelivery", "state") != "PENDING" || answer.At("sendTestWebhook", "webhookDelivery", "endpoint", "id") != id {
			t.Errorf("%s", answer.Body)
		}
		if m := next(); !strings.Contains(string(m.body), `"type":"webhook.test"`) {
			t.Errorf("%s", m.body)
		}

		w.Place(t, me.Resale, "told", 5_000)
		placed := next()
		if !strings.HasPrefix(string(placed.body), `{"type":"order.placed","timestamp":"2026-11-10T08:02:00Z","data":{`) {
			t.Errorf("%s", placed.body)
		}
		answer = s.Ask(t, me.Key, `query($id: ID!){webhookEndpoint(id: $id){deliveries(states: [DELIVERED]){totalCount nodes{id eventId eventType state attempts nextAttemptAt responseStatus responseText failure}}
			waiting: deliveries(states: [PENDING, FAILED]){totalCount}}}`, map[string]any{"id": id})
		log := map[string]any{
			"id": answer.At("webhookEndpoint", "deliveries", "nodes", 0, "id"), "eventId": placed.header.Get("webhook-id"), "eventType": "order.placed", "state": "DELIVERED",
			"attempts": 1.0, "nextAttemptAt": nil, "responseStatus": 202.0, "responseText": "taken", "failure": nil,
		}
		if diff := cmp.Diff(any(log), answer.At("webhookEndpoint", "deliveries", "nodes", 0)); diff != "" || answer.At("webhookEndpoint", "deliveries", "totalCount") != 2.0 ||
			answer.At("webhookEndpoint", "waiting", "totalCount") != 0.0 {
			t.Errorf("%s %s", diff, answer.Body)
		}

		answer = s.Ask(t, me.Key, `mutation($i: RotateWebhookSecretInput!){rotateWebhookSecret(input: $i){secret webhookEndpoint{oldSecretUntil}}}`, input)
		rotated, _ := answer.At("rotateWebhookSecret", "secret").(string)
		answer = s.Ask(t, me.Key, `mutation($i: ReplayWebhookDeliveryInput!){replayWebhookDelivery(input: $i){webhookDelivery{state attempts}}}`, map[string]any{"i": map[string]any{"deliveryId": log["id"]}})
		if diff := cmp.Diff(any(map[string]any{"state": "PENDING", "attempts": 0.0}), answer.At("replayWebhookDelivery", "webhookDelivery")); diff != "" {
			t.Errorf("%s %s", diff, answer.Body)
		}
		if m := next(); m.header.Get("webhook-id") != placed.header.Get("webhook-id") {
			t.Errorf("replayed as %s", m.header.Get("webhook-id"))
		}
		if secret = rotated; secret == "" {
			t.Error("no new secret")
		}
		w.Place(t, me.Resale, "told again", 5_000)
		next()
		answer = s.Ask(t, me.Key, `mutation($i: UpdateWebhookEndpointInput!){updateWebhookEndpoint(input: $i){webhookEndpoint{state disabledReason}}}`,
			map[string]any{"i": map[string]any{"endpointId": id, "state": "DISABLED"}})
		if diff := cmp.Diff(any(map[string]any{"state": "DISABLED", "disabledReason": "REQUESTED"}), answer.At("updateWebhookEndpoint", "webhookEndpoint")); diff != "" {
			t.Errorf("%s %s", diff, answer.Body)
		}
		wantError(t, s.Ask(t, me.Key, `mutation($i: SendTestWebhookInput!){sendTestWebhook(input: $i){webhookDelivery{id}}}`, input), "PRECONDITION_FAILED", "", "WEBHOOK_ENDPOINT_DISABLED")
		answer = s.Ask(t, me.Key, `mutation($i: DeleteWebhookEndpointInput!){deleteWebhookEndpoint(input: $i){deletedWebhookEndpointId}}`, input)
		if answer.At("deleteWebhookEndpoint", "deletedWebhookEndpointId") != id {
			t.Errorf("%s", answer.Body)
		}
		for _, text := range []string{secret, rotated, "5000"} {
			if strings.Contains(s.Log.String(), text) {
				t.Errorf("the log has %s", text)
			}
		}
	}, dev)
}

// TestWebhooksReachNoPrivateAddress: neither by an address that is given, nor by a row that got past the check.
func TestWebhooksReachNoPrivateAddress(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me := w.Providers[0]
		called := make(chan struct{}, 16)
		inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
		t.Cleanup(inside.Close)
		for _, url := range []string{
			inside.URL, "https://127.0.0.1:8443/", "https://localhost:8443/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
			"https://user@hooks.example.com/", "http://hooks.example.com/", "https://hooks.example.com:25/", "ftp://hooks.example.com/",
		} {
			wantError(t, s.Ask(t, me.Key, createEndpoint, map[string]any{"i": map[string]any{"url": url, "eventTypes": []string{"*"}}}), "INVALID", "url", "")
		}
		_, err := w.DB.NewUpdate().Model((*models.WebhookEndpoint)(nil)).Set("url = ?", inside.URL).Where("1 = 1").Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Webhooks.SendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer := s.Ask(t, me.Key, `{webhookEndpoints{nodes{deliveries{nodes{state failure responseStatus}}}}}`, nil)
		want := map[string]any{"state": "PENDING", "failure": "ADDRESS_REFUSED", "responseStatus": nil}
		if diff := cmp.Diff(any(want), answer.At("webhookEndpoints", "nodes", 0, "deliveries", "nodes", 0)); diff != "" || len(called) > 0 {
			t.Errorf("called %d times: %s %s", len(called), diff, answer.Body)
		}
	})
}

// TestWebhookListsTakeTheSameStatementsWhateverTheirLength: endpoints with their partners and deliveries are no N+1.
func TestWebhookListsTakeTheSameStatementsWhateverTheirLength(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		s.App.Rooms.Identity.Cache = nil
		for _, n := range []int{1, 4} {
			// The key, the endpoints, their partners, their deliveries, how many those are, and the endpoints of these.
			answer := wantStatements(t, s, w.OperatorKey, `query($n: Int){webhookEndpoints(first: $n){nodes{id partner{id name}
				deliveries(first: 3, states: [PENDING]){totalCount nodes{id endpoint{url}}}}}}`, map[string]any{"n": n}, 6)
			if got := len(apitest.IDsIn(answer.Data, models.PrefixWebhookDelivery)); got != n {
				t.Errorf("%d endpoints show %d deliveries", n, got)
			}
		}
	}, apitest.Patient)
}
