package main

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

// shape is one way to ask for money to move.
type shape struct {
	name    string
	flushes bool // whether the disk's flush time matters; the others run once
	long    bool // runs only when it is named
	run     func(ctx context.Context, at *place) ([]row, error)
}

func shapes() []shape {
	return []shape{
		{name: "cold", flushes: true, run: cold},
		{name: "hot", flushes: true, run: hot},
		{name: "rooms", flushes: true, run: rooms},
		{name: "overload", run: overload},
		{name: "sqlite", run: sqlite},
		{name: "balances", run: balances},
		{name: "memory", long: true, run: memory},
	}
}

func names() []string {
	var all []string
	for _, s := range shapes() {
		all = append(all, s.name)
	}
	return all
}

func (o options) plan(clients int) load.Plan {
	return load.Plan{Clients: clients, Warm: o.warm, Duration: o.duration}
}

// cold funds other pairs with every request: nobody waits for anybody's lock.
func cold(ctx context.Context, at *place) ([]row, error) {
	floor, ours, err := at.contest(ctx, "cold", at.data.cold)
	if err != nil {
		return nil, err
	}
	ratio := ours.PerSecond / floor.PerSecond
	return []row{{
		Shape: fmt.Sprintf("cold pairs, %d clients", at.opts.clients), Flush: at.flush.Name, Floor: &floor, Ours: ours, Ratio: ratio,
		Wanted: ">= 0.50 x floor", Met: ratio >= 0.5,
	}}, nil
}

// hot funds the customers of one partner: every request wants the same account's row.
func hot(ctx context.Context, at *place) ([]row, error) {
	floor, ours, err := at.contest(ctx, "hot", at.data.hot)
	if err != nil {
		return nil, err
	}
	ratio := ours.PerSecond / floor.PerSecond
	one := row{Shape: fmt.Sprintf("hot account, %d clients", at.opts.clients), Flush: at.flush.Name, Floor: &floor, Ours: ours, Ratio: ratio}
	if at.flush.Name == flushSlow {
		one.Wanted, one.Met = ">= 5 x floor, >= 4000/s", ratio >= 5 && ours.PerSecond >= 4000
	}
	return []row{one}, nil
}

// contest lets floor and ours fund these pairs over HTTP in turns, and proves the ledger afterwards.
func (at *place) contest(ctx context.Context, name string, pairs []pair) (floor, ours round, err error) {
	if err := at.agree(pairs[0]); err != nil {
		return floor, ours, err
	}
	before, err := received(ctx, at.db)
	if err != nil {
		return floor, ours, err
	}
	floorAsks, oursAsks := make([]prepared, len(pairs)), make([]prepared, len(pairs))
	for i, p := range pairs {
		if floorAsks[i], err = at.askFloor(p, fundMinor); err != nil {
			return floor, ours, err
		}
		if oursAsks[i], err = at.askOurs(p, "0.01"); err != nil {
			return floor, ours, err
		}
	}
	medians, acknowledged, err := at.compete(ctx, at.opts.plan(at.opts.clients), name,
		contestant{"floor", at.floor.PID(), at.overHTTP("floor", at.floorAt, floorAnswer, floorAsks)},
		contestant{"ours", at.ours.PID(), at.overHTTP("ours", at.oursAt, graphQLAnswer, oursAsks)})
	if err != nil {
		return floor, ours, err
	}
	return medians[0], medians[1], sound(ctx, at.db, before, acknowledged)
}

// rooms funds the hot partner's customers without HTTP and GraphQL, from far more callers than there are connections.
func rooms(ctx context.Context, at *place) ([]row, error) {
	service, stop, err := newRooms(ctx, at.log, at.db, at.redis)
	if err != nil {
		return nil, err
	}
	defer stop()
	ours, err := at.fundIn(ctx, "rooms", service, at.data.hot, at.opts.inFlight)
	if err != nil {
		return nil, err
	}
	return []row{{
		Shape: fmt.Sprintf("hot account, %d in flight, in one process", at.opts.inFlight), Flush: at.flush.Name, Ours: ours,
		Wanted: ">= 20000/s", Met: ours.PerSecond >= 20_000,
	}}, nil
}

// fundIn funds the pairs' customers through the room, in this process.
func (at *place) fundIn(ctx context.Context, name string, service *funds.Service, pairs []pair, callers int) (round, error) {
	before, err := received(ctx, service.DB)
	if err != nil {
		return round{}, err
	}
	who := make([]models.Principal, len(pairs))
	for i, p := range pairs {
		who[i] = p.principal()
	}
	amount := decimal.New(fundMinor, -2)
	medians, acknowledged, err := at.compete(ctx, at.opts.plan(callers), name, contestant{name: "ours", open: func(int) (load.Call, error) {
		return func() string {
			n := at.asked.Next()
			i := n % int64(len(pairs))
			_, err := service.FundCustomer(ctx, who[i], funds.CustomerMove{
				CustomerID: pairs[i].customer, Amount: amount, IdempotencyKey: at.key(name, n),
			})
			if err != nil {
				return string(models.CodeOf(err))
			}
			return ""
		}, nil
	}})
	if err != nil {
		return round{}, err
	}
	return medians[0], sound(ctx, service.DB, before, acknowledged)
}

// overload asks for far more than can be done at once. What is accepted must still be answered soon; the rest is refused.
func overload(ctx context.Context, at *place) ([]row, error) {
	before, err := received(ctx, at.db)
	if err != nil {
		return nil, err
	}
	asks := make([]prepared, len(at.data.cold))
	for i, p := range at.data.cold {
		if asks[i], err = at.askOurs(p, "0.01"); err != nil {
			return nil, err
		}
	}
	medians, acknowledged, err := at.compete(ctx, at.opts.plan(at.opts.crowd), "overload",
		contestant{"ours", at.ours.PID(), at.overHTTP("ours", at.oursAt, graphQLAnswer, asks)})
	if err != nil {
		return nil, err
	}
	ours := medians[0]
	return []row{{
		Shape: fmt.Sprintf("overload, %d clients", at.opts.crowd), Flush: at.flush.Name, Ours: ours, Wanted: "p99 <= 1000 ms", Met: ours.P99 <= 1000,
	}}, sound(ctx, at.db, before, acknowledged)
}
