package torture_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// patience is how long a client goes on asking for one answer before the proof has failed.
const patience = time.Minute

// load is clients that move money and pay orders for as long as they are let, and remember every answer.
type load struct {
	t         *testing.T
	server    *server
	partner   string      // the credential of a partner whose balance all share
	customers []models.ID // of the partner
	bills     chan bill
	before    int64 // transfers that were there

	stop     atomic.Bool
	retried  atomic.Int64
	mu       sync.Mutex
	answered []answered
	count    atomic.Int64 // of answered
}

// bill is an order of 1.00 with the credential of who pays it.
type bill struct {
	order models.ID
	key   string
}

// answered is a call that was acknowledged.
type answered struct {
	call
	data any // what was answered, below the mutation's name
}

// call is one request to move value.
type call struct {
	credential, mutation string
	input                map[string]any
}

// newLoad prepares a world for as many clients, with so many orders to pay.
func newLoad(t *testing.T, w *apitest.World, bills int) *load {
	t.Helper()
	partner := w.Providers[0]
	l := &load{t: t, partner: partner.Key, bills: make(chan bill, bills)}
	for i := range 4 {
		b := w.Empty(t, partner, fmt.Sprintf("load-%d", i))
		l.customers = append(l.customers, b.Customer.ID)
		for _, order := range w.Bills(t, b, bills/4) {
			l.bills <- bill{order.ID, b.Key}
		}
	}
	var err error
	if l.before, err = w.DB.NewSelect().Model((*models.Transfer)(nil)).Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// run starts the clients, lets breaking break things, and returns when every client has the answer to its last call.
func (l *load) run(s *server, clients int, breaking func()) {
	l.t.Helper()
	l.server = s
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() { l.client(client) })
	}
	breaking()
	l.stop.Store(true)
	running.Wait()
}

// busy waits for some more answers, up to most, and then a little: a moment that nobody can foresee, with work under way.
func (l *load) busy(most int) {
	enough := l.count.Load() + 1 + rand.Int64N(int64(most))
	for until := time.Now().Add(patience); l.count.Load() < enough && time.Now().Before(until) && !l.t.Failed(); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
}

func (l *load) client(client int) {
	random := rand.New(rand.NewPCG(uint64(client), uint64(time.Now().UnixNano())))
	for i := 0; !l.stop.Load() && !l.t.Failed(); i++ {
		c := l.next(random)
		c.input["idempotencyKey"] = fmt.Sprintf("%d-%d", client, i)
		if data := l.insist(c); data != nil {
			l.mu.Lock()
			l.answered = append(l.answered, answered{c, data})
			l.mu.Unlock()
			l.count.Add(1)
		}
	}
}

// next is a payment while there are orders to pay, else money on its way down or up.
func (l *load) next(random *rand.Rand) call {
	customer := l.customers[random.IntN(len(l.customers))]
	switch random.IntN(3) {
	case 0:
		select {
		case b := <-l.bills:
			return call{b.key, "payOrder", map[string]any{"orderId": b.order}}
		default:
		}
	case 1:
		return call{l.partner, "reclaimFromCustomer", map[string]any{"customerId": customer, "amount": "0.50"}}
	}
	return call{l.partner, "fundCustomer", map[string]any{"customerId": customer, "amount": "1.00"}}
}

// insist makes a call until it is answered, always with the same key: no answer at all and UNAVAILABLE leave open whether it
// took effect, RATE_LIMITED says that too many wait. Every other error fails the proof, because nothing here may be refused.
func (l *load) insist(c call) any {
	wait := 5 * time.Millisecond
	for until := time.Now().Add(patience); ; time.Sleep(wait) {
		wait = min(2*wait, 100*time.Millisecond)
		answer, err := l.server.ask(context.Background(), c.credential, c.document(), map[string]any{"i": c.input})
		switch {
		case err == nil && len(answer.Errors) == 0:
			return answer.At(c.mutation)
		case err == nil && !later(answer):
			l.t.Errorf("%s(%v): status %d: %s\n%s", c.mutation, c.input, answer.Status, answer.Body, l.server.log.String())
			return nil
		case time.Now().After(until):
			l.t.Errorf("%s(%v): no answer for %s: %v %s\n%s", c.mutation, c.input, patience, err, answer.Body, l.server.log.String())
			return nil
		}
		l.retried.Add(1)
	}
}

// later reports whether an answer asks to come back with the same request.
func later(a apitest.Answer) bool {
	codes := a.Codes()
	return len(codes) == 1 && (codes[0] == string(models.CodeUnavailable) || codes[0] == string(models.CodeRateLimited))
}

func (c call) document() string { return document(c.mutation) }

// document is a mutation of the table with its selection.
func document(mutation string) string {
	input := apitest.Schema().Mutation.Fields.ForName(mutation).Arguments.ForName("input").Type.String()
	return "mutation($i: " + input + "){" + mutation + "(input: $i)" + apitest.MoneyMutations()[mutation].Selection + "}"
}

// prove repeats every call and compares, counts effects against answers in the rows, and audits. It returns the figures.
func (l *load) prove() string {
	l.t.Helper()
	if l.t.Failed() {
		return "failed under way"
	}
	// Every key answers again what it answered.
	differing := 0
	work := make(chan answered)
	var mu sync.Mutex
	var repeating sync.WaitGroup
	for range 8 {
		repeating.Go(func() {
			for a := range work {
				if diff := cmp.Diff(a.data, l.insist(a.call)); diff != "" {
					mu.Lock()
					differing++
					mu.Unlock()
					l.t.Errorf("%s(%v) answers otherwise the second time: %s", a.mutation, a.input, diff)
				}
			}
		})
	}
	for _, a := range l.answered {
		work <- a
	}
	close(work)
	repeating.Wait()
	l.server.kill()

	db := open(l.t, l.server.databaseURL)
	lost, twice := l.effects(db)
	if lost != 0 || twice != 0 || differing != 0 || len(l.answered) == 0 {
		l.t.Errorf("of %d acknowledged: %d lost, %d more effects than answers, %d answered differently", len(l.answered), lost, twice, differing)
	}
	l.server.audit()
	return fmt.Sprintf("%d acknowledged, %d retries, acknowledged but lost %d, duplicates %d, differing answers %d, audit clean: %v",
		len(l.answered), l.retried.Load(), lost, twice, differing, !l.t.Failed())
}

// effects counts answers without an effect in the rows, and effects beyond one for each answer.
func (l *load) effects(db *store.DB) (lost, twice int) {
	l.t.Helper()
	var transfers []models.Transfer
	if err := db.NewSelect().Model(&transfers).Scan(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	known, payments := map[string]bool{}, map[string]int{}
	for _, transfer := range transfers {
		known[string(transfer.ID)] = true
		if transfer.Kind == models.TransferPayment {
			payments[string(transfer.OrderID)]++
		}
	}
	effects := map[string]bool{} // of the answers: ids of transfers, or of orders that were paid
	for _, a := range l.answered {
		payload, _ := a.data.(map[string]any)
		id := idOf(payload["transfer"])
		there := known[id]
		if a.mutation == "payOrder" {
			id = idOf(payload["order"])
			there = payments[id] == 1
		}
		// Two keys that were answered with one effect have lost one.
		if !there || effects[id] {
			lost++
		}
		effects[id] = true
	}
	return lost, len(transfers) - int(l.before) - len(effects)
}

func idOf(object any) string {
	fields, _ := object.(map[string]any)
	id, _ := fields["id"].(string)
	return id
}

// same makes two answers comparable: their data without what is made anew each time.
func same(a apitest.Answer) string {
	text, _ := json.Marshal(a.Data)
	return fmt.Sprint(a.Codes(), string(text))
}

// names returns the names of a table of mutations in order.
func names(rows map[string]apitest.MoneyMutation) []string { return slices.Sorted(maps.Keys(rows)) }
