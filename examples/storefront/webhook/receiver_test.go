package webhook_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/partnergraph/partnergraph/examples/storefront/webhook"
	"github.com/partnergraph/partnergraph/models"
)

var (
	now    = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	secret = models.NewWebhookSecret(slices.Repeat([]byte{1}, models.WebhookSecretSize))
	other  = models.NewWebhookSecret(slices.Repeat([]byte{2}, models.WebhookSecretSize))
)

const id = "evt_01h455vb4pex5vsknk084sn02q"

// signed is a message as partnergraph sends it.
func signed(t *testing.T, at time.Time, secrets ...string) (http.Header, []byte) {
	t.Helper()
	body, err := models.WebhookBody(models.Event{
		Type: models.EventOrderPaid, SubjectID: "ord_01h455vb4pex5vsknk084sn02q", CreatedAt: now, Data: map[string]any{"total": "12.00"},
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := models.SignWebhook(id, at, body, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(models.HeaderWebhookID, id)
	header.Set(models.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(models.HeaderWebhookSignature, signature)
	return header, body
}

func TestVerify(t *testing.T) {
	t.Parallel()
	change := func(name, value string) func(http.Header, []byte) []byte {
		return func(h http.Header, body []byte) []byte { h.Set(name, value); return body }
	}
	for name, tc := range map[string]struct {
		age     time.Duration
		secrets []string
		change  func(http.Header, []byte) []byte
		ok      bool
	}{
		"as it was sent":             {0, []string{secret}, nil, true},
		"during a rotation, first":   {0, []string{secret, other}, nil, true},
		"during a rotation, second":  {0, []string{other, secret}, nil, true},
		"five minutes old":           {5 * time.Minute, []string{secret}, nil, true},
		"older":                      {5*time.Minute + time.Second, []string{secret}, nil, false},
		"of the future":              {-5*time.Minute - time.Second, []string{secret}, nil, false},
		"with another secret":        {0, []string{other}, nil, false},
		"with another body":          {0, []string{secret}, func(_ http.Header, body []byte) []byte { return append(body, ' ') }, false},
		"with another id":            {0, []string{secret}, change("webhook-id", "evt_x"), false},
		"with another time":          {0, []string{secret}, change("webhook-timestamp", strconv.FormatInt(now.Unix()+1, 10)), false},
		"with a time that is none":   {0, []string{secret}, change("webhook-timestamp", "now"), false},
		"without an id":              {0, []string{secret}, change("webhook-id", ""), false},
		"without a signature":        {0, []string{secret}, change("webhook-signature", ""), false},
		"with an empty signature":    {0, []string{secret}, change("webhook-signature", "v1,"), false},
		"with a signature like none": {0, []string{secret}, change("webhook-signature", "v1,%%%"), false},
		"of another version": {0, []string{secret}, func(h http.Header, body []byte) []byte {
			h.Set("webhook-signature", strings.Replace(h.Get("webhook-signature"), "v1,", "v1a,", 1))
			return body
		}, false},
	} {
		header, body := signed(t, now.Add(-tc.age), tc.secrets...)
		if tc.change != nil {
			body = tc.change(header, body)
		}
		if err := webhook.Verify(secret, header, body, now); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	header, body := signed(t, now, secret)
	if err := webhook.Verify("whsec_", header, body, now); err == nil {
		t.Error("an empty secret verifies")
	}
}

// TestThePagesExample holds docs/webhooks.md to what is true.
func TestThePagesExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```http\nPOST /webhooks HTTP/1.1\n")
	example, after, found := strings.Cut(example, "\n```\n")
	head, body, _ := strings.Cut(example, "\n\n")
	header := http.Header{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		header.Set(name, value)
	}
	_, secret, _ := strings.Cut(after, "secret `")
	secret, _, _ = strings.Cut(secret, "`")
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if !found || err != nil {
		t.Fatalf("the page has no example: %v", err)
	}
	if err := webhook.Verify(secret, header, []byte(body), time.Unix(seconds, 0)); err != nil {
		t.Errorf("the example of the page does not verify: %v", err)
	}
}

// What the public library signs is accepted: the receiver follows the standard, not just our sender.
func TestVerifyTakesWhatTheStandardsLibrarySigns(t *testing.T) {
	t.Parallel()
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"order.paid"}`)
	signature, err := hook.Sign(id, now, body)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for name, value := range map[string]string{"webhook-id": id, "webhook-timestamp": strconv.FormatInt(now.Unix(), 10), "webhook-signature": signature} {
		header.Set(name, value)
	}
	if err := webhook.Verify(secret, header, body, now); err != nil {
		t.Error(err)
	}
}

func TestAReceiverHandlesEachMessageOnce(t *testing.T) {
	t.Parallel()
	var handled []webhook.Message
	failing, meanwhile := true, func() {}
	receiver := &webhook.Receiver{Secret: secret, Now: func() time.Time { return now }, Handle: func(_ context.Context, m webhook.Message) error {
		handled = append(handled, m)
		meanwhile()
		if failing {
			return errors.New("the database is away")
		}
		return nil
	}}
	post := func(header http.Header, body string) int {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks", strings.NewReader(body))
		maps.Copy(r.Header, header)
		w := httptest.NewRecorder()
		receiver.ServeHTTP(w, r)
		return w.Code
	}
	header, body := signed(t, now, secret)
	meanwhile = func() { // whether the first will do is not known yet
		if code := post(header, string(body)); code != http.StatusServiceUnavailable {
			t.Errorf("status %d while it is being handled", code)
		}
	}
	if code := post(header, string(body)); code != http.StatusInternalServerError || len(handled) != 1 {
		t.Errorf("%d after a failure, %d handled", code, len(handled))
	}
	failing = false
	for range 3 {
		if code := post(header, string(body)); code != http.StatusNoContent {
			t.Errorf("status %d", code)
		}
	}
	if len(handled) != 2 || handled[1].ID != id || handled[1].Type != "order.paid" || handled[1].Data["total"] != "12.00" || !handled[1].Timestamp.Equal(now) {
		t.Errorf("handled %+v", handled)
	}
	forged, _ := signed(t, now, other)
	for name, code := range map[string]int{
		"forged": post(forged, string(body)), "unsigned": post(http.Header{}, string(body)),
	} {
		if code != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, code)
		}
	}
	if code := post(header, strings.Repeat("x", 65<<10)); code != http.StatusBadRequest {
		t.Errorf("an endless message: status %d", code)
	}
	if len(handled) != 2 {
		t.Errorf("%d handled", len(handled))
	}
}
