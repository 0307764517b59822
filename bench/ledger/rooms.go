package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// newRooms introduces the rooms of a move to each other, as cmd/partnergraph does, with the cache at this url, and looks after their announcements: else
// another replica would, and make each a second time. Call stop at the end.
func newRooms(ctx context.Context, log *slog.Logger, db *store.DB, cacheURL string) (service *funds.Service, stop func(), err error) {
	front, err := cache.Open(ctx, cacheURL, cache.WithOptions(cache.Options{Logger: log}))
	if err != nil {
		return nil, nil, err
	}
	ids := models.RandomIDs()
	books := &ledger.Service{DB: db, Now: time.Now, IDs: ids, Logger: log}
	service = &funds.Service{
		DB: db, Now: time.Now, IDs: ids, Random: rand.Reader, Ledger: books, Events: &events.Recorder{IDs: ids, Now: time.Now}, Cache: front, Bus: front,
	}
	books.Changed = service.Changed
	announcing, end := context.WithCancel(ctx)
	var announcer sync.WaitGroup
	announcer.Go(func() { books.RunAnnouncements(announcing) })
	return service, func() {
		end()
		announcer.Wait()
		_ = front.Close()
	}, nil
}

// sqlite funds cold pairs in an embedded database, which waits for the disk at every commit.
func sqlite(ctx context.Context, at *place) (_ []row, err error) {
	db, err := store.Open(ctx, "sqlite://"+filepath.Join(at.dir, "bench.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return nil, err
	}
	pairs, err := fill(ctx, db, min(at.opts.pairs, 1000))
	if err != nil {
		return nil, err
	}
	service, stop, err := newRooms(ctx, at.log, db, "memory:")
	if err != nil {
		return nil, err
	}
	defer stop()
	callers := at.opts.inFlight
	ours, err := at.fundIn(ctx, "sqlite", service, pairs.cold, callers)
	if err != nil {
		return nil, err
	}
	return []row{{
		Shape: fmt.Sprintf("SQLite, synchronous=FULL, %d in flight, in one process", callers), Flush: at.flush.Name, Ours: ours,
		Wanted: ">= 5000/s", Met: ours.PerSecond >= 5000,
	}}, nil
}

// balances reads a customer's own balance through the room, beside a bare GET of the same bytes from Redis.
func balances(ctx context.Context, at *place) (_ []row, err error) {
	service, stop, err := newRooms(ctx, at.log, at.db, at.redis)
	if err != nil {
		return nil, err
	}
	defer stop()
	address, _, _ := strings.Cut(at.redis, "?")
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	bare := redis.NewClient(options)
	defer func() { err = errors.Join(err, bare.Close()) }()
	customer := at.data.cold[0].customer
	who := models.Principal{
		Kind: models.CustomerUser, CustomerID: customer, Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
	found, err := service.CustomerBalances(ctx, who, []models.ID{customer})
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(found[customer])
	if err != nil {
		return nil, err
	}
	if err := bare.Set(ctx, "bench:balance", raw, time.Hour).Err(); err != nil {
		return nil, err
	}
	getting := contestant{name: "floor", open: func(int) (load.Call, error) {
		return func() string {
			if got, err := bare.Get(ctx, "bench:balance").Bytes(); err != nil || len(got) != len(raw) {
				return "REDIS"
			}
			return ""
		}, nil
	}}
	looking := contestant{name: "ours", open: func(int) (load.Call, error) {
		return func() string {
			got, err := service.CustomerBalances(ctx, who, []models.ID{customer})
			if err != nil || got[customer].Version != found[customer].Version {
				return "WRONG"
			}
			return ""
		}, nil
	}}
	var rows []row
	for _, readers := range []int{1, 8} {
		medians, _, err := at.compete(ctx, at.opts.plan(readers), "balances", getting, looking)
		if err != nil {
			return nil, err
		}
		ratio := medians[1].P50 / medians[0].P50
		rows = append(rows, row{
			Shape: fmt.Sprintf("balance lookup, %d at once, in one process", readers), Flush: at.flush.Name, Floor: &medians[0], Ours: medians[1],
			Ratio: medians[1].PerSecond / medians[0].PerSecond, Wanted: fmt.Sprintf("p50 <= 2 x floor's (is %.1f x)", ratio), Met: ratio <= 2,
		})
	}
	return rows, nil
}
