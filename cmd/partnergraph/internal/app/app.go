package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// App is a wired server. Use New, then Run, then Close.
type App struct {
	Rooms   *Rooms
	Handler http.Handler
	Log     *slog.Logger

	cfg      Config
	cache    cache.Cache
	sealer   *seal.Sealer
	sessions *session.Service
	site     *pages.Site
	sp       *sp.Handler
	idp      *idp.Handler
	metrics  *httpMetrics
	traces   trace.TracerProvider
	trusted  map[string]string // trusted documents by hash; nil = any document
	health   *health
	streams  *streams
	jobs     []func(context.Context)
	options  Options
	closers  []func() error
	jobsNow  func() time.Time // the clock of jobs where it is not the real one
}

// Options are what a caller brings that is no setting.
type Options struct {
	Version   string
	LogOutput io.Writer        // required
	Now       func() time.Time // nil = time.Now
	Driver    orders.Driver    // nil = the simulator
	Consumers []Consumer       // told of events, besides the rooms
	// LoaderWait is how long calls of one level of a query wait for each other; zero means what is good for users. A test that
	// counts statements on a busy machine waits longer.
	LoaderWait time.Duration
	// Walk has the ordinary executor answer everything, from whole rows, so that a test can hold the plans' answers against its.
	Walk bool
	// Walked is told of every field of Query or Mutation that the ordinary executor answers although plans are on, and why. May be nil.
	Walked func(field string, why error)
	// Planned is told of every answer of a plan, in whose place the ordinary executor then answers from the same value, so that a test
	// can hold one against the other. May be nil.
	Planned func(ctx context.Context, field string, answer []byte)
	// Providers take online payments, by name; the manual one is always there. One that is a funds.Notifier is told at
	// POST /payments/{name}/notify.
	Providers map[string]funds.Provider
	// SigningEntities say who takes money in which ways. Nil = by the configuration.
	SigningEntities funds.SigningEntities
	// Mailer sends e-mails instead of the configured mail server. Nil = by the configuration.
	Mailer customers.Mailer
	// Objects keep files instead of the configured store. Nil = by the configuration.
	Objects files.Objects
	// Buckets call partners' own buckets. Nil = what is safe to call.
	Buckets exposure.Buckets
	// Traces gets the spans instead of the configured collector; the caller shuts it down. Nil = by the configuration.
	Traces trace.TracerProvider
}

// New checks the configuration, opens the database and the cache, and wires everything. On error nothing stays open.
func New(ctx context.Context, cfg Config, opts Options) (_ *App, err error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	jobsNow := opts.Now
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Driver == nil {
		opts.Driver = cfg.simulator()
	}
	a := &App{cfg: cfg, Log: newLogger(opts.LogOutput, cfg), metrics: newMetrics(), streams: newStreams(), options: opts, jobsNow: jobsNow}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.sealer, err = seal.New(cfg.SealKeys); err != nil {
		return nil, fmt.Errorf("setting seal-keys: %w", err)
	}
	if a.trusted, err = readDocuments(cfg.TrustedDocuments); err != nil {
		return nil, err
	}
	if err := a.openStores(ctx, opts); err != nil {
		return nil, err
	}
	if err := a.wire(opts); err != nil {
		return nil, err
	}
	if a.Handler, err = a.routes(); err != nil {
		return nil, err
	}
	// Without it every event would be kept for endpoints until they are read. A schema that is not there yet has none.
	if err := a.Rooms.Webhooks.RefreshInterest(ctx); err != nil {
		a.Log.DebugContext(ctx, "webhook endpoints not read", slog.Any("error", err))
	}
	a.schedule()
	return a, nil
}

// openStores opens traces, database and cache, and brings the schema up to date when told to.
func (a *App) openStores(ctx context.Context, opts Options) error {
	traces, flush, err := newTracing(ctx, a.cfg.OTLPEndpoint, opts.Version)
	if err != nil {
		return err
	}
	if opts.Traces != nil {
		traces = opts.Traces
	}
	a.traces = traces
	a.closers = append(a.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return flush(ctx)
	})
	db, err := store.Open(ctx, a.cfg.DatabaseURL, store.WithMaxOpen(a.cfg.MaxConns), store.WithLogger(a.Log), store.WithTracerProvider(traces))
	if err != nil {
		return fmt.Errorf("setting database-url: %w", err)
	}
	a.closers = append(a.closers, db.Close)
	a.Rooms = &Rooms{DB: db, Now: opts.Now, IDs: models.RandomIDs(), Cloud: a.cfg.Cloud}
	if a.cfg.Migrate {
		if _, err := migrations.Up(ctx, db); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	a.cache, err = cache.Open(ctx, a.cfg.CacheURL, cache.WithOptions(cache.Options{Logger: a.Log, Tracer: traces}))
	if err != nil {
		return fmt.Errorf("setting cache-url: %w", err)
	}
	a.closers = append(a.closers, a.cache.Close)
	a.health = &health{checks: []check{
		{"database", func(ctx context.Context) error {
			if db.Ping(ctx) != nil {
				return errors.New("does not answer")
			}
			return nil
		}},
		{"schema", func(ctx context.Context) error { return schemaReady(ctx, db) }},
	}}
	return nil
}

// schemaReady says when steps are missing.
func schemaReady(ctx context.Context, db *store.DB) error {
	steps, err := migrations.Status(ctx, db)
	if err != nil {
		return errors.New("cannot be read")
	}
	missing := 0
	for _, step := range steps {
		if !step.Applied() {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("lacks %d migrations; run partnergraph migrate", missing)
	}
	return nil
}

// schedule lists the background jobs that Run starts.
func (a *App) schedule() {
	keys := &keyWatch{room: a.Rooms.Federation, log: a.Log, now: a.Rooms.Now}
	a.metrics.registry.MustRegister(keys)
	for _, relay := range a.Rooms.relays {
		a.jobs = append(a.jobs, func(ctx context.Context) { _ = relay.Run(ctx) })
	}
	a.jobs = append(a.jobs,
		func(ctx context.Context) { a.Rooms.Identity.RunUsage(ctx, time.Minute) },
		a.Rooms.Ledger.RunAnnouncements,
		a.Rooms.Funds.RunWatches,
		a.Rooms.Orders.RunWatches,
		a.Rooms.Resources.RunWatches,
		keys.run(a.every(keysInterval, "signing-keys", keys.look)),
		a.Rooms.Webhooks.Run,
		a.Rooms.Webhooks.RunInterest,
		a.every(15*time.Second, "webhooks-waiting", a.Rooms.Webhooks.ReportWaiting),
		a.every(alertInterval, "balance-alerts", func(ctx context.Context) error { return a.Rooms.watch(a.Rooms.Funds.WatchBalances(ctx)) }),
		a.every(changedInterval, "balance-alerts-changed", func(ctx context.Context) error { return a.Rooms.watch(a.Rooms.Funds.WatchChanged(ctx)) }),
		a.every(changedInterval, "accounts-changed", func(ctx context.Context) error { _, err := a.Rooms.Accounts.SettleChanged(ctx); return err }),
		a.every(changedInterval, "debts-changed", func(ctx context.Context) error { _, err := a.Rooms.Billing.SettleChanged(ctx); return err }),
		a.every(time.Minute, "uploads", func(ctx context.Context) error { _, err := a.Rooms.Files.Sweep(ctx); return err }),
		a.every(10*time.Minute, "downloads", func(ctx context.Context) error { _, err := a.Rooms.Files.SweepDownloads(ctx); return err }),
		a.every(time.Hour, "verification-codes", func(ctx context.Context) error { _, err := a.Rooms.Codes.Sweep(ctx); return err }),
		a.every(15*time.Second, "jobs-waiting", a.reportJobs),
		a.Rooms.Jobs.Run,
	)
}

// every runs a job at an interval until its context ends, and logs what fails.
func (a *App) every(interval time.Duration, name string, job func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := job(ctx); err != nil && ctx.Err() == nil {
					a.Log.WarnContext(ctx, "job failed", slog.String("job", name), slog.Any("error", err))
				}
			}
		}
	}
}

// How often balances are compared with their alerts: all of them, which bounds how long an owner is not told, and those that
// this process has changed.
const (
	alertInterval   = 5 * time.Second
	changedInterval = 250 * time.Millisecond
)

// watch lets those who are told of alerts look now.
func (r *Rooms) watch(told int, err error) error {
	if told > 0 {
		r.wake()
	}
	return err
}

// wake makes every relay look for due rows now.
func (r *Rooms) wake() {
	for _, relay := range r.relays {
		relay.Nudge()
	}
}

// DeliverOutbox hands out everything that is due, in the caller's goroutine; for start-up and tests.
func (r *Rooms) DeliverOutbox(ctx context.Context) error {
	for _, relay := range r.relays {
		for more := true; more; {
			var err error
			if more, err = relay.Deliver(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *App) relay(consumer string, handle events.Handler) {
	a.Rooms.relays = append(a.Rooms.relays, &events.Relay{
		DB: a.Rooms.DB, Consumer: consumer, Handle: handle, Now: a.Rooms.Now, Logger: a.Log,
	})
}

var random = rand.Reader
