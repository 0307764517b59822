package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

const (
	cloud = "hws"
	// opening is what every customer has at first, in minor units: more than any run spends.
	opening int64 = 100_000_000
)

// buyer is a customer with its API key.
type buyer struct {
	customer models.Customer
	secret   string
}

// place is where orders are placed: a durable PostgreSQL, a Redis, the data, and the product.
type place struct {
	opts     options
	log      *slog.Logger
	dir      string
	servers  servers.Servers
	postgres *servers.Postgres
	db       *store.DB
	ids      models.IDSource
	buyers   []buyer
	sample   []models.Quote // one of each buyer, which the others are like
	seen     []statement    // of the last round

	ours             *process.Process
	oursAt, profiles string // addresses
}

func newPlace(ctx context.Context, log *slog.Logger, opts options) (_ *place, err error) {
	at := &place{opts: opts, log: log, servers: servers.Servers{Logger: log}, ids: models.RandomIDs()}
	defer func() {
		if err != nil {
			err = errors.Join(err, at.close())
		}
	}()
	if at.dir, err = os.MkdirTemp("", "bench-orders-"); err != nil {
		return nil, err
	}
	settings := []string{"shared_buffers=512MB", "autovacuum=off"}
	if opts.texts {
		settings = append(settings, "shared_preload_libraries=pg_stat_statements")
	}
	if at.postgres, err = at.servers.Postgres(ctx, servers.PostgresOptions{Durable: true, Settings: settings}); err != nil {
		return nil, err
	}
	redis, err := at.servers.Redis(ctx)
	if err != nil {
		return nil, err
	}
	if at.db, err = store.Open(ctx, at.postgres.URL(), store.WithMaxOpen(4)); err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, at.db); err != nil {
		return nil, err
	}
	if err := at.watchStatements(ctx); err != nil {
		return nil, err
	}
	log.Info("filling the database", "customers", opts.customers)
	if err := at.fill(ctx); err != nil {
		return nil, err
	}
	err = at.start(ctx, redis.URL())
	return at, err
}

// fill makes a partner with customers that have money and a discount, and loads a catalogue.
func (at *place) fill(ctx context.Context) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	partner := models.Partner{
		ID: at.ids(models.PrefixPartner), Cloud: cloud, Kind: models.SolutionProvider, Name: "Bench", Level: models.LevelStandard, State: models.PartnerActive,
		Country: "CN", Currency: models.CNY, CreatedAt: now, UpdatedAt: now,
	}
	if _, err := at.db.NewInsert().Model(&partner).Exec(ctx); err != nil {
		return err
	}
	people, keys := make([]models.Customer, at.opts.customers), make([]models.APIKey, at.opts.customers)
	for i := range people {
		people[i] = models.Customer{
			ID: at.ids(models.PrefixCustomer), Cloud: cloud, Name: fmt.Sprintf("bench-%d", i), Kind: models.Enterprise, VerifiedStatus: models.Verified,
			Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner.ID, Mode: models.Resale, CreatedAt: now, UpdatedAt: now,
		}
		secret := fmt.Sprintf("pgk_bench%038d", i)
		hash := sha256.Sum256([]byte(secret))
		keys[i] = models.APIKey{
			ID: at.ids(models.PrefixAPIKey), Name: "bench", Kind: models.CustomerUser, CustomerID: people[i].ID, Hash: hash[:], Prefix: secret[:10],
			Scopes: models.DefaultPermissions(models.CustomerUser, ""), CreatedAt: now,
		}
		at.buyers = append(at.buyers, buyer{people[i], secret})
	}
	for from := 0; from < len(people); from += 1000 {
		some, theirs := people[from:min(from+1000, len(people))], keys[from:min(from+1000, len(keys))]
		if _, err := at.db.NewInsert().Model(&some).Exec(ctx); err != nil {
			return err
		}
		if _, err := at.db.NewInsert().Model(&theirs).Exec(ctx); err != nil {
			return err
		}
	}
	if err := at.endow(ctx, people); err != nil {
		return err
	}
	return at.stock(ctx)
}

// endow gives each customer money from the outside world, so that the audit finds books that balance.
func (at *place) endow(ctx context.Context, people []models.Customer) error {
	books := &ledger.Service{DB: at.db, Now: time.Now, IDs: at.ids}
	floor := int64(0)
	return at.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		world, err := books.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: cloud, Kind: models.AccountWorld, Asset: string(models.CNY)})
		if err != nil {
			return err
		}
		for _, one := range people {
			account, err := books.Open(ctx, tx, ledger.AccountSpec{
				OwnerKind: models.OwnerCustomer, OwnerID: string(one.ID), Kind: models.AccountBalance, Asset: string(models.CNY), Floor: &floor,
			})
			if err != nil {
				return err
			}
			_, _, err = books.Post(ctx, tx, models.SystemPrincipal("bench"), ledger.Posting{
				Kind: models.TransferRecharge, Legs: []ledger.Leg{{AccountID: world.ID, AmountMinor: -opening}, {AccountID: account.ID, AmountMinor: opening}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// stock loads the example catalogue, and asks it for one price for each customer: a server with its disk for a month.
func (at *place) stock(ctx context.Context) error {
	who, recorder := models.SystemPrincipal("bench"), &events.Recorder{IDs: at.ids, Now: time.Now}
	shop := &catalog.Service{
		DB: at.db, Now: time.Now, IDs: at.ids, Events: recorder, Cloud: cloud, Customers: &customers.Service{DB: at.db, Now: time.Now, IDs: at.ids, Events: recorder},
	}
	if _, err := shop.Load(ctx, who, catalog.LoadCatalogue{Content: catalogue.JSON}); err != nil {
		return err
	}
	for _, one := range at.buyers {
		quoted, err := shop.Purchase(ctx, who, catalog.QuotePurchase{CustomerID: &one.customer.ID, Products: []catalog.PurchaseProduct{{
			Product:    catalog.Product{ID: "server", ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4"},
			PeriodType: models.PeriodMonth, PeriodCount: 1,
			Parts: []catalog.Product{{ID: "disk", ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4"}},
		}}})
		if err != nil {
			return err
		}
		if quoted.Quote == nil {
			return fmt.Errorf("no price: %v", quoted.Problems)
		}
		at.sample = append(at.sample, *quoted.Quote)
	}
	return nil
}

// quote makes as many quotes as a round may need, like those of the catalogue, and lets PostgreSQL do now what autovacuum would do in the middle.
func (at *place) quote(ctx context.Context) ([]models.Quote, error) {
	quotes := make([]models.Quote, at.opts.quotes)
	for i := range quotes {
		quotes[i] = at.sample[i%len(at.sample)]
		quotes[i].ID = at.ids(models.PrefixQuote)
	}
	for from := 0; from < len(quotes); from += 1000 {
		some := quotes[from:min(from+1000, len(quotes))]
		if _, err := at.db.NewInsert().Model(&some).Exec(ctx); err != nil {
			return nil, err
		}
	}
	_, err := at.db.ExecContext(ctx, "VACUUM (ANALYZE)")
	return quotes, err
}

// start starts the product as an operator would: with its limits, logs and checks on. The rate limit counts, but lets a benchmark through.
func (at *place) start(ctx context.Context, redis string) (err error) {
	program := at.opts.program
	if program == "" {
		if program, err = process.Build(ctx, at.dir, "github.com/partnergraph/partnergraph/cmd/partnergraph"); err != nil {
			return err
		}
	}
	if at.oursAt, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	if at.profiles, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	seal := make([]byte, 32)
	if _, err := rand.Read(seal); err != nil {
		return err
	}
	at.ours, err = process.Start(ctx, process.LogFile(at.opts.out, at.dir, "orders-partnergraph"), "http://"+at.oursAt+"/readyz", program, "serve",
		"--listen", at.oursAt, "--public-url", "https://bench.example.com", "--database-url", at.postgres.URL(), "--cache-url", redis,
		"--seal-keys", "k1:"+base64.StdEncoding.EncodeToString(seal), "--max-conns", strconv.Itoa(at.opts.conns),
		"--rate-limit", "10000000", "--pprof-listen", at.profiles)
	return err
}

// close stops everything.
func (at *place) close() error { return process.Clear(at.dir, at.db, &at.servers, at.ours) }
