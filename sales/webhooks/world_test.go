package webhooks_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/webhooks"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// clock is moved by the test while senders read it.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time        { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) pass(by time.Duration) { c.nanos.Add(int64(by)) }

// targets allows the test's own servers.
type targets struct{}

func (targets) CheckURL(raw string) error {
	if raw == "https://10.0.0.1/" {
		return io.ErrUnexpectedEOF
	}
	return nil
}

type world struct {
	*webhooks.Service
	*clock

	db                                                *store.DB
	ids                                               models.IDSource
	log                                               *bytes.Buffer
	distributor, reseller, provider, other            models.Partner
	operator, owner, seller, solo, foreigner, advisor models.Principal
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{clock: &clock{}, db: db, log: &bytes.Buffer{}}
	w.nanos.Store(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).UnixNano())
	w.ids = idsFrom(w.clock)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	sealer, err := seal.New("k1:" + base64.StdEncoding.EncodeToString(key))
	must(t, err)
	recorder := &events.Recorder{IDs: w.ids, Now: w.now, Consumers: map[models.EventType][]string{}}
	for _, kind := range models.WebhookEventTypes() {
		recorder.Consumers[kind] = []string{webhooks.Consumer}
	}
	w.Service = &webhooks.Service{
		DB: db, Now: w.now, IDs: w.ids, Events: recorder, Seal: sealer, Random: rand.Reader, Client: client(), Targets: targets{},
		Logger: slog.New(slog.NewTextHandler(&locked{w: w.log}, &slog.HandlerOptions{Level: slog.LevelDebug})), Timeout: 10 * time.Second, Poll: 5 * time.Millisecond,
	}
	recorder.Wanted = map[string]func(models.Event) bool{webhooks.Consumer: w.Wanted}
	w.distributor = w.partner(t, models.Distributor, "")
	w.reseller = w.partner(t, models.CloudReseller, w.distributor.ID)
	w.provider = w.partner(t, models.SolutionProvider, "")
	w.other = w.partner(t, models.Distributor, "")
	as := func(p models.Partner) models.Principal {
		return models.Principal{
			Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
		}
	}
	w.operator = models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
	w.owner, w.seller, w.solo, w.foreigner = as(w.distributor), as(w.reseller), as(w.provider), as(w.other)
	w.advisor = models.Principal{
		Kind: models.CustomerUser, CustomerID: w.ids(models.PrefixCustomer), Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
	must(t, w.RefreshInterest(t.Context()))
	return w
}

// locked lets several senders write one log.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// idsFrom makes ids from the test's clock, in order.
func idsFrom(c *clock) models.IDSource {
	var n atomic.Uint64
	return func(prefix string) models.ID {
		var uuid [16]byte
		binary.BigEndian.PutUint64(uuid[:8], uint64(c.now().UnixMilli())<<16|0x7000)
		binary.BigEndian.PutUint64(uuid[8:], 1<<63|n.Add(1))
		id, err := models.IDFromUUID(prefix, uuid)
		if err != nil {
			panic(err)
		}
		return id
	}
}

func client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *world) partner(t *testing.T, kind models.PartnerKind, parent models.ID) models.Partner {
	t.Helper()
	p := models.Partner{
		ID: w.ids(models.PrefixPartner), Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "E", Currency: models.CNY, CreatedAt: w.now(), UpdatedAt: w.now(),
	}
	_, err := w.db.NewInsert().Model(&p).Exec(t.Context())
	must(t, err)
	return p
}

// endpoint makes one for the caller that asks for what the patterns say, everything by default.
func (w *world) endpoint(t *testing.T, who models.Principal, url string, patterns ...string) webhooks.CreatedWebhookEndpoint {
	t.Helper()
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	created, err := w.Create(t.Context(), who, webhooks.CreateWebhookEndpoint{URL: url, EventTypes: patterns})
	must(t, err)
	return created
}

// happen records events, and gives them their time.
func (w *world) happen(t *testing.T, happened ...models.Event) []models.Event {
	t.Helper()
	for i := range happened {
		if happened[i].SubjectID == "" {
			happened[i].SubjectID = string(w.ids(models.PrefixOrder))
		}
	}
	must(t, w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return w.Events.Record(ctx, tx, models.SystemPrincipal("test"), happened...)
	}))
	return happened
}

// paid is an order that was paid with the partner's money.
func paid(partner models.Partner) models.Event {
	return models.Event{
		Type: models.EventOrderPaid, PartnerID: partner.ID, CustomerID: "cus_01h455vb4pex5vsknk084sn02q",
		Data: map[string]any{"total": "12.00", "currency": "CNY", "transferId": "trf_01h455vb4pex5vsknk084sn02q"},
	}
}

// relayed hands everything in the outbox to the room.
func (w *world) relayed(t *testing.T) {
	t.Helper()
	relay := w.relay()
	for more := true; more; {
		var err error
		more, err = relay.Deliver(t.Context())
		must(t, err)
	}
}

func (w *world) relay() *events.Relay {
	return &events.Relay{DB: w.db, Consumer: webhooks.Consumer, Handle: w.Enqueue, Now: w.now, Logger: slog.New(slog.DiscardHandler)}
}

// queue records the events and queues them.
func (w *world) queue(t *testing.T, happened ...models.Event) []models.Event {
	t.Helper()
	happened = w.happen(t, happened...)
	w.relayed(t)
	return happened
}

func (w *world) send(t *testing.T) {
	t.Helper()
	must(t, w.SendDue(t.Context()))
}

// deliveries returns all rows, in their order.
func (w *world) deliveries(t *testing.T) []models.WebhookDelivery {
	t.Helper()
	var rows []models.WebhookDelivery
	must(t, w.db.NewSelect().Model(&rows).Order("whd.id").Scan(t.Context()))
	return rows
}

// only returns the one delivery that there is.
func (w *world) only(t *testing.T) models.WebhookDelivery {
	t.Helper()
	rows := w.deliveries(t)
	if len(rows) != 1 {
		t.Fatalf("%d deliveries: %+v", len(rows), rows)
	}
	return rows[0]
}

func (w *world) stored(t *testing.T, id models.ID) models.WebhookEndpoint {
	t.Helper()
	var endpoint models.WebhookEndpoint
	must(t, w.db.NewSelect().Model(&endpoint).Where("whe.id = ?", id).Scan(t.Context()))
	return endpoint
}

// eventsOf counts the events of a type in the record.
func (w *world) eventsOf(t *testing.T, kind models.EventType) int {
	t.Helper()
	n, err := w.db.NewSelect().Model((*models.Event)(nil)).Where("type = ?", kind).Count(t.Context())
	must(t, err)
	return int(n)
}

// message is what a receiver got.
type message struct {
	header http.Header
	body   []byte
}

// receiver is a partner's server.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	got []message
}

// receive serves answers by status, the last one over and over.
func receive(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	return receiveBy(t, func(n int, w http.ResponseWriter) {
		if len(statuses) > 0 {
			w.WriteHeader(statuses[min(n, len(statuses))-1])
		}
	})
}

// receiveBy lets a function answer, which is told which message it is, from 1 on.
func receiveBy(t *testing.T, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		rec.mu.Lock()
		rec.got = append(rec.got, message{r.Header, body})
		n := len(rec.got)
		rec.mu.Unlock()
		answer(n, w)
	}))
	t.Cleanup(rec.Close)
	return rec
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.got...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
