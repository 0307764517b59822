package webhooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// verify checks a message as a receiver with the public library does. The test's clock is not the library's.
func verify(t *testing.T, secret string, m message) error {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(secret)
	must(t, err)
	return hook.VerifyIgnoringTimestamp(m.body, m.header)
}

func TestAMessageIsWhatTheStandardSays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		created := w.endpoint(t, w.solo, shop.URL+"/hooks?token=very-private")
		event := paid(w.provider)
		event.Data["reason"] = "a text that a person wrote"
		happened := w.queue(t, event)[0]
		w.pass(3 * time.Second)
		w.send(t)
		got := shop.messages()
		if len(got) != 1 {
			t.Fatalf("%d messages", len(got))
		}
		must(t, verify(t, created.Secret, got[0]))
		if err := verify(t, models.NewWebhookSecret(make([]byte, 32)), got[0]); err == nil {
			t.Error("another secret verifies it")
		}
		header := got[0].header
		for name, want := range map[string]string{
			"Webhook-Id": string(happened.ID), "Webhook-Timestamp": "1795248003", "Content-Type": "application/json", "User-Agent": "partnergraph-webhooks/1",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %q, want %q", name, header.Get(name), want)
			}
		}
		var body any
		must(t, json.Unmarshal(got[0].body, &body))
		want := map[string]any{"type": "order.paid", "timestamp": "2026-11-21T08:00:00Z", "data": map[string]any{
			"subjectId": happened.SubjectID, "partnerId": string(w.provider.ID), "customerId": "cus_01h455vb4pex5vsknk084sn02q",
			"total": "12.00", "currency": "CNY", "transferId": "trf_01h455vb4pex5vsknk084sn02q",
		}}
		if diff := cmp.Diff(any(want), body); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		done := w.only(t)
		if done.State != models.WebhookDelivered || *done.ResponseStatus != 200 || done.Attempts != 1 || done.Failure != "" || done.LastAttemptAt == nil {
			t.Errorf("the log says %+v", done)
		}
		if text := w.log.String(); strings.Contains(text, "very-private") || strings.Contains(text, created.Secret) || strings.Contains(text, "12.00") || !strings.Contains(text, string(done.ID)) {
			t.Errorf("log: %s", text)
		}
		w.send(t)
		if len(shop.messages()) != 1 {
			t.Error("sent again")
		}
	})
}

// The published example of the specification, whose figures come from nobody here.
func TestSignWebhookGivesThePublishedSignature(t *testing.T) {
	t.Parallel()
	got, err := models.SignWebhook("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// The schedule of the specification: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, and then no more.
func TestTheBackOffSchedule(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 503)
		w.Jitter = func() float64 { return 0.5 }
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		for i, wait := range []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		} {
			wait += wait / 10 // half of the jitter, which is up to a fifth
			failed := w.only(t)
			if failed.State != models.WebhookPending || failed.Attempts != i+1 || failed.Failure != models.WebhookBadStatus || *failed.ResponseStatus != 503 {
				t.Fatalf("after attempt %d: %+v", i+1, failed)
			}
			w.pass(wait - time.Millisecond)
			if w.send(t); len(shop.messages()) != i+1 {
				t.Fatalf("attempt %d came too early", i+2)
			}
			w.pass(time.Millisecond)
			if w.send(t); len(shop.messages()) != i+2 {
				t.Fatalf("attempt %d did not come after %s", i+2, wait)
			}
		}
		if last := w.only(t); last.State != models.WebhookFailed || last.Attempts != 10 || last.NextAttemptAt() != nil {
			t.Errorf("at the end: %+v", last)
		}
		w.pass(30 * 24 * time.Hour)
		if w.send(t); len(shop.messages()) != 10 {
			t.Error("a failed delivery is tried again")
		}
	})
}

func TestWebhookWaitStaysWithinItsJitter(t *testing.T) {
	t.Parallel()
	if least, ok := models.WebhookWait(1, 0); !ok || least != 5*time.Second {
		t.Errorf("without jitter: %s", least)
	}
	if most, ok := models.WebhookWait(1, 7); !ok || most != 6*time.Second {
		t.Errorf("with the most jitter: %s", most)
	}
	for _, attempt := range []int{-1, 0, 10, 1000} {
		if wait, ok := models.WebhookWait(attempt, 0); ok {
			t.Errorf("there is a wait of %s after attempt %d", wait, attempt)
		}
	}
}

func TestWhatAnAttemptFailsOf(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receiveBy(t, func(_ int, answer http.ResponseWriter) {
			answer.WriteHeader(http.StatusInternalServerError)
			_, _ = answer.Write([]byte("broken\x00\x1b[31m\xff here\r\n<b>" + strings.Repeat("ä", 4000)))
		})
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		if got := w.only(t); !strings.HasPrefix(got.ResponseText, "broken  [31m here \n<b>ää") || len(got.ResponseText) > 1024 {
			t.Errorf("the log has %q", got.ResponseText)
		}
		for _, tt := range []struct {
			name string
			do   func(r *http.Request) (*http.Response, error)
			want models.WebhookFailure
		}{
			{"an address that is not public", func(*http.Request) (*http.Response, error) { return nil, errors.Join(errors.New("dial"), refusal{}) }, models.WebhookAddressRefused},
			{"no answer", func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, models.WebhookTimeout},
			{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("connect to 10.0.0.1: refused") }, models.WebhookUnreachable},
			{"a certificate of nobody", func(r *http.Request) (*http.Response, error) {
				server := httptest.NewTLSServer(http.NotFoundHandler())
				defer server.Close()
				return client().Get(server.URL)
			}, models.WebhookUntrusted},
		} {
			w.Client, w.Timeout = doer(tt.do), 50*time.Millisecond
			w.pass(24 * time.Hour / 2)
			w.send(t)
			if got := w.only(t); got.Failure != tt.want || got.ResponseStatus != nil || got.ResponseText != "" || got.State != models.WebhookPending {
				t.Errorf("%s: %+v", tt.name, got)
			}
		}
		if strings.Contains(w.log.String(), "10.0.0.1") {
			t.Error("the log tells addresses")
		}
	})
}

type doer func(r *http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

type refusal struct{}

func (refusal) Error() string        { return "10.0.0.1 is not to be called" }
func (refusal) AddressRefused() bool { return true }

func TestARedirectIsNotFollowed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		elsewhere := receive(t)
		shop := receiveBy(t, func(_ int, answer http.ResponseWriter) {
			answer.Header().Set("Location", elsewhere.URL)
			answer.WriteHeader(http.StatusPermanentRedirect)
		})
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		if got := w.only(t); len(elsewhere.messages()) != 0 || got.Failure != models.WebhookRedirected || got.State != models.WebhookPending || *got.ResponseStatus != 308 {
			t.Errorf("%d messages elsewhere, %+v", len(elsewhere.messages()), got)
		}
	})
}

func TestGoneDisablesTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 410)
		id := w.endpoint(t, w.solo, shop.URL).WebhookEndpoint.ID
		w.queue(t, paid(w.provider))
		w.send(t)
		w.queue(t, paid(w.provider))
		w.pass(time.Hour)
		w.send(t)
		endpoint, delivery := w.stored(t, id), w.only(t)
		if endpoint.State != models.WebhookDisabled || endpoint.DisabledReason != models.WebhookDisabledGone || endpoint.DisabledAt == nil {
			t.Errorf("endpoint: %+v", endpoint)
		}
		if delivery.State != models.WebhookFailed || delivery.Failure != models.WebhookGone || len(shop.messages()) != 1 || w.eventsOf(t, models.EventWebhookDisabled) != 1 {
			t.Errorf("%d messages, %+v", len(shop.messages()), delivery)
		}
		if w.Wanted(paid(w.provider)) {
			t.Error("events for a disabled endpoint are still kept")
		}
	})
}

func TestFiveDaysOfFailuresDisableTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 500)
		id := w.endpoint(t, w.solo, shop.URL).WebhookEndpoint.ID
		for day := range 6 {
			if endpoint := w.stored(t, id); endpoint.State != models.WebhookEnabled {
				t.Fatalf("disabled on day %d: %+v", day, endpoint)
			}
			w.queue(t, paid(w.provider))
			w.send(t)
			w.pass(24 * time.Hour)
		}
		endpoint := w.stored(t, id)
		if endpoint.State != models.WebhookDisabled || endpoint.DisabledReason != models.WebhookDisabledFailing || w.eventsOf(t, models.EventWebhookDisabled) != 1 {
			t.Errorf("%+v", endpoint)
		}
		// Enabling begins anew, and what waited is sent.
		_, err := w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{EndpointID: id, State: ptr(models.WebhookEnabled)})
		must(t, err)
		before := len(shop.messages())
		w.send(t)
		if endpoint = w.stored(t, id); endpoint.State != models.WebhookEnabled || len(shop.messages()) == before || !endpoint.FailingSince.Equal(w.now()) {
			t.Errorf("%d messages more, %+v", len(shop.messages())-before, endpoint)
		}
	})
}

func TestASuccessEndsAFailure(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 500, 204)
		id := w.endpoint(t, w.solo, shop.URL).WebhookEndpoint.ID
		w.queue(t, paid(w.provider))
		w.send(t)
		if w.stored(t, id).FailingSince == nil {
			t.Error("a failure is not noted")
		}
		w.pass(time.Minute)
		w.send(t)
		if endpoint, got := w.stored(t, id), w.only(t); endpoint.FailingSince != nil || got.State != models.WebhookDelivered || got.Attempts != 2 || got.Failure != "" {
			t.Errorf("%+v %+v", endpoint, got)
		}
	})
}

// A process that dies between taking a delivery and noting it: another one sends it when the lease is over, and the late
// word of the first does not count.
func TestAKilledSenderRedelivers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		created := w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		held, release := make(chan struct{}), make(chan struct{})
		killed := serviceLike(w)
		killed.Client = doer(func(*http.Request) (*http.Response, error) {
			close(held)
			<-release
			return nil, errors.New("the end")
		})
		var first sync.WaitGroup
		first.Go(func() { _ = killed.SendDue(context.Background()) })
		<-held
		w.send(t)
		if len(shop.messages()) != 0 {
			t.Error("sent twice within the lease")
		}
		w.pass(time.Minute)
		w.send(t)
		close(release)
		first.Wait()
		got := w.only(t)
		if n := len(shop.messages()); n != 1 || got.State != models.WebhookDelivered || got.Attempts != 2 || got.Failure != "" {
			t.Errorf("%d messages, %+v", n, got)
		}
		must(t, verify(t, created.Secret, shop.messages()[0]))
	})
}

// serviceLike is the room of another process.
func serviceLike(w *world) *webhooks.Service {
	return &webhooks.Service{
		DB: w.DB, Now: w.Now, IDs: w.IDs, Events: w.Events, Seal: w.Seal, Random: w.Random, Client: w.Client, Targets: w.Targets, Logger: w.Logger,
		Timeout: w.Timeout, Poll: w.Poll,
	}
}

func TestASlowEndpointDoesNotHoldUpAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		release, most, under := make(chan struct{}), atomic.Int64{}, atomic.Int64{}
		slow := receiveBy(t, func(int, http.ResponseWriter) {
			for now, was := under.Add(1), most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
			}
			<-release
			under.Add(-1)
		})
		quick := receive(t)
		w.PerEndpoint, w.Concurrency = 2, 8
		w.endpoint(t, w.solo, slow.URL)
		w.endpoint(t, w.solo, quick.URL)
		happened := make([]models.Event, 30)
		for i := range happened {
			happened[i] = paid(w.provider)
		}
		w.queue(t, happened...)
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		eventually(t, func() bool { return len(quick.messages()) == 30 })
		if n := len(slow.messages()); n != 2 || most.Load() != 2 {
			t.Errorf("the slow one has %d at once, %d in all", most.Load(), n)
		}
		close(release)
		eventually(t, func() bool { return len(slow.messages()) == 30 })
		eventually(t, func() bool {
			n, err := w.db.NewSelect().Model((*models.WebhookDelivery)(nil)).Where("state = 'DELIVERED'").Count(context.Background())
			return err == nil && n == 60
		})
		stop()
		running.Wait()
		if most.Load() != 2 {
			t.Errorf("%d at once for one endpoint, want 2", most.Load())
		}
	})
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it does not happen")
		}
	}
}

// An endpoint that fails has one attempt at a time, so that its queue takes few places.
func TestAFailingEndpointIsTriedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var under, most atomic.Int64
		shop := receiveBy(t, func(_ int, answer http.ResponseWriter) {
			if now := under.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(2 * time.Millisecond)
			under.Add(-1)
			answer.WriteHeader(http.StatusBadGateway)
		})
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		happened := make([]models.Event, 12)
		for i := range happened {
			happened[i] = paid(w.provider)
		}
		w.queue(t, happened...)
		w.send(t)
		if n := len(shop.messages()); n != 13 || most.Load() != 1 {
			t.Errorf("%d messages, %d at once", n, most.Load())
		}
	})
}

// What is under way may finish; what does not is due again at once and has not counted.
func TestShutdownGivesBackWhatItBreaksOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		arrived, stopping := make(chan struct{}, 2), make(chan struct{})
		stuck, polite := doer(func(r *http.Request) (*http.Response, error) {
			arrived <- struct{}{}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), receiveBy(t, func(int, http.ResponseWriter) { arrived <- struct{}{}; <-stopping })
		w.Grace = 200 * time.Millisecond
		w.endpoint(t, w.solo, "http://stuck.example.com/", "order.*")
		w.endpoint(t, w.foreigner, polite.URL)
		w.Client = doer(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "stuck.example.com" {
				return stuck(r)
			}
			return client().Do(r)
		})
		w.queue(t, paid(w.provider), paid(w.other))
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		<-arrived
		<-arrived
		stop()
		close(stopping)
		running.Wait()
		byState := map[models.WebhookDeliveryState]models.WebhookDelivery{}
		for _, row := range w.deliveries(t) {
			byState[row.State] = row
		}
		broken := byState[models.WebhookPending]
		if len(byState) != 2 || broken.Attempts != 0 || broken.DueAt.After(w.now()) || broken.Failure != "" || byState[models.WebhookDelivered].Attempts != 1 {
			t.Errorf("%+v", byState)
		}
	})
}

func TestRotationSignsWithBothSecretsForADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		created := w.endpoint(t, w.solo, shop.URL)
		rotate := func(revoke bool) string {
			t.Helper()
			rotated, err := w.Rotate(t.Context(), w.solo, webhooks.RotateWebhookSecret{EndpointID: created.WebhookEndpoint.ID, RevokeAtOnce: &revoke})
			must(t, err)
			return rotated.Secret
		}
		last := func() message {
			t.Helper()
			w.queue(t, paid(w.provider))
			w.send(t)
			got := shop.messages()
			return got[len(got)-1]
		}
		second := rotate(false)
		if m := last(); verify(t, created.Secret, m) != nil || verify(t, second, m) != nil || len(strings.Split(m.header.Get("Webhook-Signature"), " ")) != 2 {
			t.Errorf("after the rotation: %s", m.header.Get("Webhook-Signature"))
		}
		if until := w.stored(t, created.WebhookEndpoint.ID).OldSecretUntilAt(w.now()); until == nil || until.Sub(w.now()) != 24*time.Hour {
			t.Errorf("the old secret signs until %v", until)
		}
		w.pass(24*time.Hour - time.Second)
		if m := last(); verify(t, created.Secret, m) != nil {
			t.Error("the old secret is void before a day has passed")
		}
		third := rotate(false)
		w.pass(time.Second)
		if m := last(); verify(t, created.Secret, m) == nil || verify(t, second, m) != nil || verify(t, third, m) != nil {
			t.Error("after a day the first is void, the second is not")
		}
		fourth := rotate(true)
		if m := last(); verify(t, third, m) == nil || verify(t, second, m) == nil || verify(t, fourth, m) != nil {
			t.Error("revoked secrets still sign")
		}
		if w.stored(t, created.WebhookEndpoint.ID).OldSecretUntil != nil {
			t.Error("an old secret is said to be valid")
		}
		for range 4 {
			rotate(false)
		}
		_, err := w.Rotate(t.Context(), w.solo, webhooks.RotateWebhookSecret{EndpointID: created.WebhookEndpoint.ID})
		if !errors.Is(err, webhooks.ErrTooManySecrets) {
			t.Errorf("the sixth valid secret: %v", err)
		}
		var sealed [][]byte
		must(t, w.db.NewSelect().Model((*models.WebhookEndpoint)(nil)).Column("secrets_sealed").Scan(t.Context(), &sealed))
		if len(sealed) != 1 || strings.Contains(string(sealed[0]), "whsec_") {
			t.Error("secrets are kept in the clear")
		}
	})
}

func TestWhatIsTooLargeIsWithheld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		w.endpoint(t, w.solo, shop.URL)
		event := paid(w.provider)
		event.Data["number"] = strings.Repeat("9", models.MaxWebhookBody)
		w.queue(t, event)
		w.send(t)
		if got := w.only(t); got.State != models.WebhookWithheld || got.Failure != models.WebhookTooLarge || len(shop.messages()) != 0 {
			t.Errorf("%d messages, %+v", len(shop.messages()), got)
		}
	})
}

func TestSweepRemovesWhatIsOld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t)
		w.endpoint(t, w.solo, shop.URL)
		w.queue(t, paid(w.provider))
		w.send(t)
		w.pass(models.WebhookRetention)
		w.queue(t, paid(w.provider))
		if n, err := w.Sweep(t.Context()); err != nil || n != 0 || len(w.deliveries(t)) != 2 {
			t.Errorf("on the last day: %d, %v", n, err)
		}
		w.pass(time.Second)
		if n, err := w.Sweep(t.Context()); err != nil || n != 1 || w.only(t).State != models.WebhookPending {
			t.Errorf("after it: %d, %v", n, err)
		}
	})
}

// meter remembers what it is told.
type meter struct {
	mu       sync.Mutex
	outcomes []string
	oldest   time.Duration
}

func (m *meter) Attempted(outcome string, again bool, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if again {
		outcome += " again"
	}
	m.outcomes = append(m.outcomes, outcome)
}

func (m *meter) Waiting(oldest time.Duration) { m.oldest = oldest }

func TestTheMeterIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shop := receive(t, 500, 200)
		m := &meter{}
		w.Meter = m
		id := w.endpoint(t, w.solo, shop.URL).WebhookEndpoint.ID
		w.queue(t, paid(w.provider))
		w.pass(7 * time.Second)
		must(t, w.ReportWaiting(t.Context()))
		if m.oldest != 7*time.Second {
			t.Errorf("the oldest waits %s", m.oldest)
		}
		w.send(t)
		w.pass(time.Minute)
		w.send(t)
		must(t, w.ReportWaiting(t.Context()))
		if diff := cmp.Diff([]string{"STATUS again", "DELIVERED"}, m.outcomes); diff != "" || m.oldest != 0 {
			t.Errorf("the oldest waits %s (-want +got):\n%s", m.oldest, diff)
		}
		// What a disabled endpoint keeps waiting is nobody's alarm.
		w.queue(t, paid(w.provider))
		_, err := w.Update(t.Context(), w.solo, webhooks.UpdateWebhookEndpoint{EndpointID: id, State: ptr(models.WebhookDisabled)})
		must(t, err)
		w.pass(time.Hour)
		must(t, w.ReportWaiting(t.Context()))
		if m.oldest != 0 {
			t.Errorf("a disabled endpoint's wait counts: %s", m.oldest)
		}
	})
}
