package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// round is what one round found.
type round struct {
	load.Figures
	PlaceMs          float64 `json:"placeMs"`          // the mean of placing alone, in milliseconds, as is the next one
	PayMs            float64 `json:"payMs"`            // of paying alone
	CommitsPerSecond float64 `json:"commitsPerSecond"` // of the whole database
	ServerCPU        float64 `json:"serverCpuMs"`      // per order, in milliseconds, as are the next two
	DatabaseCPU      float64 `json:"databaseCpuMs"`
	LoadCPU          float64 `json:"loadCpuMs"`
	Resident         int64   `json:"residentBytes"`
	SpentMinor       int64   `json:"-"` // by all that was acknowledged
}

// meters are counters that only grow.
type meters struct {
	server, database, load time.Duration
	commits                int64
}

func (at *place) read(ctx context.Context) (meters, error) {
	now := meters{server: process.CPU(at.ours.PID()), database: process.CPU(at.postgres.PID()), load: process.Self()}
	// Backends report their commits with a delay of a second at most, at both ends alike.
	err := at.db.NewRaw("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").Scan(ctx, &now.commits)
	return now, err
}

const (
	placeMutation = `mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id number status total { amount currency } payBy } } }`
	payMutation   = `mutation Pay($input: PayOrderInput!) { payOrder(input: $input) { order { id status paidAt } balance { available { amount currency } version } returnUrl } }`
)

var (
	placed  = []byte(`{"data":{"placeOrder":{"order":{"id":"`)
	paidFor = []byte(`{"data":{"payOrder":{"order":{"id":"`)
	codeOf  = []byte(`"code":"`)
)

// orderHole stands in a prepared payment where the order's id goes, which is as long as every order's is.
var orderHole = models.PrefixOrder + "_" + string(bytes.Repeat([]byte{'#'}, 26))

// request is a whole HTTP request.
func (at *place) request(secret, query string, input map[string]any) ([]byte, error) {
	content, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input}})
	if err != nil {
		return nil, err
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n",
		at.oursAt, len(content), secret)
	request.Write(content)
	return request.Bytes(), nil
}

// purchase is an order that is still to be placed: its two requests, prepared because the load shares the processors with what it measures.
type purchase struct {
	place, pay []byte
	hole       int // in pay
}

func (at *place) prepare(quotes []models.Quote) ([]purchase, error) {
	all := make([]purchase, len(quotes))
	for i, quote := range quotes {
		secret := at.buyers[i%len(at.buyers)].secret
		var err error
		if all[i].place, err = at.request(secret, placeMutation, map[string]any{"customerId": quote.CustomerID, "quoteId": quote.ID, "idempotencyKey": "place " + string(quote.ID)}); err != nil {
			return nil, err
		}
		if all[i].pay, err = at.request(secret, payMutation, map[string]any{"orderId": orderHole, "idempotencyKey": "pay " + string(quote.ID)}); err != nil {
			return nil, err
		}
		all[i].hole = bytes.Index(all[i].pay, []byte(orderHole))
	}
	return all, nil
}

// refusal returns "" for an answer that begins as wanted, and else its code.
func refusal(wanted []byte, status int, body []byte, err error) string {
	switch {
	case err != nil:
		return "CONNECTION"
	case status == 200 && bytes.HasPrefix(body, wanted):
		return ""
	}
	if _, rest, found := bytes.Cut(body, codeOf); found {
		code, _, _ := bytes.Cut(rest, []byte{'"'})
		return string(code)
	}
	return "HTTP " + strconv.Itoa(status)
}

// round makes quotes, and lets the clients place and pay an order for each as fast as they can.
func (at *place) round(ctx context.Context, n int) (round, error) {
	quotes, err := at.quote(ctx)
	if err != nil {
		return round{}, err
	}
	purchases, err := at.prepare(quotes)
	if err != nil {
		return round{}, err
	}
	plan := load.Plan{Clients: at.opts.clients, Warm: at.opts.warm, Duration: at.opts.duration}
	profiled := at.startProfile(ctx, plan, n)
	var before, after meters
	var readErr error
	read := func(into *meters) func() {
		return func() {
			var err error
			if *into, err = at.read(ctx); err != nil {
				readErr = err
			}
		}
	}
	var next load.Sequence
	var placing, paying atomic.Int64
	begin := func() {
		read(&before)()
		at.forgetStatements(ctx)
	}
	figures, err := load.Run(plan, begin, read(&after), func(int) (load.Call, error) {
		conn, err := load.Dial(at.oursAt)
		if err != nil {
			return nil, err
		}
		return func() string {
			i := next.Next()
			if i >= int64(len(purchases)) {
				return "OUT OF QUOTES"
			}
			started := time.Now()
			status, body, err := conn.Do(purchases[i].place)
			if why := refusal(placed, status, body, err); why != "" {
				return "place: " + why
			}
			copy(purchases[i].pay[purchases[i].hole:], body[len(placed):len(placed)+len(orderHole)])
			half := time.Now()
			status, body, err = conn.Do(purchases[i].pay)
			placing.Add(int64(half.Sub(started)))
			paying.Add(int64(time.Since(half)))
			if why := refusal(paidFor, status, body, err); why != "" {
				return "pay: " + why
			}
			return ""
		}, nil
	})
	profiled()
	switch {
	case err == nil:
		err = readErr
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	if err == nil && (figures.Done == 0 || len(figures.Refused) > 0) {
		err = fmt.Errorf("%d orders, refused: %v", figures.Done, figures.Refused)
	}
	if err != nil {
		return round{}, err
	}
	per := func(used time.Duration, orders int64) float64 {
		return float64(used) / float64(time.Millisecond) / float64(max(orders, 1))
	}
	one := round{
		Figures: figures, CommitsPerSecond: float64(after.commits-before.commits) / plan.Duration.Seconds(),
		PlaceMs: per(time.Duration(placing.Load()), figures.Done), PayMs: per(time.Duration(paying.Load()), figures.Done),
		ServerCPU: per(after.server-before.server, figures.Accepted), DatabaseCPU: per(after.database-before.database, figures.Accepted),
		LoadCPU: per(after.load-before.load, figures.Accepted), Resident: process.Resident(at.ours.PID()), SpentMinor: figures.Done * at.price(),
	}
	at.log.Info("round", "round", n, "per_second", int(one.PerSecond), "p50_ms", one.P50, "p99_ms", one.P99, "cpu_ms", fmt.Sprintf("%.2f+%.2f", one.ServerCPU, one.DatabaseCPU))
	if at.seen, err = at.statements(ctx, figures.Accepted); err != nil {
		return round{}, err
	}
	return one, at.drain(ctx)
}

// price is what every order costs in minor units: all customers are asked the same.
func (at *place) price() int64 { return at.sample[0].OfficialMinor() }

// drain waits until all that was paid is provisioned, so that each round begins with nothing to do.
func (at *place) drain(ctx context.Context) error {
	for {
		waiting, err := at.db.NewSelect().Model((*models.Order)(nil)).Where("status = ?", models.OrderProcessing).Count(ctx)
		if err != nil || waiting == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// check compares what is in the database with what was acknowledged, and has the books audited.
func (at *place) check(ctx context.Context, rounds []round) error {
	var acknowledged, spent int64
	for _, one := range rounds {
		acknowledged, spent = acknowledged+one.Done, spent+one.SpentMinor
	}
	completed, err := at.db.NewSelect().Model((*models.Order)(nil)).Where("status = ?", models.OrderCompleted).Count(ctx)
	if err != nil {
		return err
	}
	var left int64
	if err := at.db.NewRaw("SELECT CAST(SUM(balance_minor) AS bigint) FROM accounts WHERE owner_kind = ?", models.OwnerCustomer).Scan(ctx, &left); err != nil {
		return err
	}
	if gone := int64(len(at.buyers))*opening - left; completed != acknowledged || gone != spent {
		return fmt.Errorf("%d orders were acknowledged and %d completed; %d were spent and %d are gone", acknowledged, completed, spent, gone)
	}
	audit, err := (&ledger.Service{DB: at.db, Now: time.Now, IDs: at.ids}).Audit(ctx)
	if err != nil {
		return err
	}
	if audit.Breaches() != 0 {
		return fmt.Errorf("the audit of the ledger found %+v", audit)
	}
	return nil
}

// startProfile keeps a processor profile of the product for the counted time, when that is wanted.
func (at *place) startProfile(ctx context.Context, plan load.Plan, n int) (stop func()) {
	if !at.opts.profile {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(plan.Warm)
		file := filepath.Join(at.opts.out, fmt.Sprintf("orders-%d.pprof", n))
		if err := process.Profile(ctx, at.profiles, max(int(plan.Duration.Seconds()), 1), file); err != nil {
			at.log.Warn("no profile", "error", err)
		}
	}()
	return func() { <-done }
}
