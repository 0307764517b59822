package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/store"
)

// options are the flags.
type options struct {
	lines     int
	partners  int
	customers int // of each partner
	services  int // that each of them uses; one of ten does not count
	batch     int // lines that are counted at once
	workers   int // transactions that do
	most      time.Duration
	only      string

	dashboards bool
	duration   time.Duration // how long the dashboard is asked for
	clients    int
	profile    string // the file for what the program does meanwhile; empty = none
}

func main() {
	var o options
	flag.IntVar(&o.lines, "lines", 1_000_000, "bill lines of the month")
	flag.IntVar(&o.partners, "partners", 100, "partners that they belong to")
	flag.IntVar(&o.customers, "customers", 100, "customers of each partner")
	flag.IntVar(&o.services, "services", 8, "service types that each customer uses")
	flag.IntVar(&o.batch, "batch", 4000, "lines that are counted at once, by all workers")
	flag.IntVar(&o.workers, "workers", 2, "transactions that count at the same time, each for partners of its own; SQLite lets one after the other")
	flag.DurationVar(&o.most, "most", time.Minute, "fail when the accrual takes longer")
	flag.StringVar(&o.only, "only", "", "postgres or sqlite; empty = both")
	flag.BoolVar(&o.dashboards, "dashboards", true, "ask for the dashboard of a year too")
	flag.DurationVar(&o.duration, "duration", 10*time.Second, "how long the dashboard of a year is asked for, after a second that does not count")
	flag.IntVar(&o.clients, "clients", 2, "clients that ask for it, each as a partner of its own")
	flag.StringVar(&o.profile, "profile", "", "keep here what the program's processors do while the dashboard is asked for; go tool pprof -top shows it")
	flag.Parse()
	process.Main("bench-incentives", func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) (err error) {
	if o.lines < 1 || o.partners < 1 || o.batch < 1 || o.workers < 1 || o.customers < 1 || o.services < 1 || o.clients < 1 || o.duration <= 0 {
		return errors.New("-lines, -partners, -customers, -services, -batch, -workers, -clients and -duration are above zero")
	}
	dir, err := os.MkdirTemp("", "bench-incentives")
	if err != nil {
		return err
	}
	var program string
	if o.dashboards {
		if program, err = process.Build(ctx, dir, "github.com/partnergraph/partnergraph/cmd/partnergraph"); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	started := &servers.Servers{}
	defer func() { err = errors.Join(err, started.Stop(), os.RemoveAll(dir)) }()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "engine\tlines\tpartners\tfill\tcount\tprocessors here\tPostgreSQL's\taccrue\tafter a cut\tlargest heap\tmonthly sums\tdashboards/s\tp50\tp99\tprogram\tdatabase\t")
	for _, engine := range []string{"postgres", "sqlite"} {
		if o.only != "" && o.only != engine {
			continue
		}
		database := 0
		url := "sqlite://" + filepath.Join(dir, "bench.db")
		if engine == "postgres" {
			postgres, err := started.Postgres(ctx, servers.PostgresOptions{Settings: []string{"shared_buffers=1GB"}})
			if err != nil {
				return err
			}
			url, database = postgres.URL(), postgres.PID()
		}
		if err := measure(ctx, o, engine, url, dir, program, database, table); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", engine, err), table.Flush())
		}
	}
	return table.Flush()
}

// month is what is measured: a database with the month's bill lines, and what the statements must come to.
type month struct {
	*incentives.Service
	partners  []models.ID
	customers []models.ID // by partner
	services  int
	now       time.Time
	performed [][]int64 // by partner and service type
}

// other is a service type that does not count.
const other = "hws.service.type.cdn"

// dashboardMost is what the slowest dashboard of a hundred may take.
const dashboardMost = 50 * time.Millisecond

func measure(ctx context.Context, o options, engine, url, dir, program string, postgres int, table *tabwriter.Writer) (err error) {
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return err
	}
	m := &month{now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	ids := models.RandomIDs()
	now := func() time.Time { return m.now }
	m.Service = &incentives.Service{DB: db, Now: now, IDs: ids, Cloud: "hws", Events: &events.Recorder{IDs: ids, Now: now}}
	if err := m.found(ctx, o); err != nil {
		return err
	}
	heap := watchHeap()
	defer heap.stop()
	spent, err := m.count(ctx, o, postgres)
	if err != nil {
		return err
	}
	accruing, err := m.accrue(ctx)
	if err != nil {
		return err
	}
	again, err := m.cutShort(ctx, accruing/2)
	if err != nil {
		return err
	}
	heap.stop()
	_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d MiB\t", engine, o.lines, o.partners, short(spent.filling), short(spent.counting), short(spent.here),
		short(spent.server), short(accruing), short(again), heap.most()>>20)
	if spent.counting+accruing > o.most {
		err = fmt.Errorf("counting took %s and accruing %s", spent.counting, accruing)
	}
	if !o.dashboards {
		_, _ = fmt.Fprintln(table)
		return err
	}
	sums, failed := m.year(ctx)
	if failed != nil {
		return errors.Join(err, failed)
	}
	dashboard, failed := m.dashboards(ctx, o, url, dir, program, postgres)
	if failed != nil {
		return errors.Join(err, failed)
	}
	_, _ = fmt.Fprintf(table, "%d\t%.0f\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t\n", sums, dashboard.PerSecond, dashboard.P50, dashboard.P99,
		dashboard.program.Seconds()*1000, dashboard.database.Seconds()*1000)
	if slowest := time.Duration(dashboard.P99 * float64(time.Millisecond)); slowest > dashboardMost {
		err = errors.Join(err, fmt.Errorf("a dashboard of a hundred took %s", slowest))
	}
	return err
}

// cost is what the counting took: time, and processor time here and in the database's server.
type cost struct {
	filling, counting, here, server time.Duration
}

// count bills the month's lines and counts them, transaction by transaction.
func (m *month) count(ctx context.Context, o options, postgres int) (spent cost, err error) {
	for from := 0; from < o.lines; from += o.batch {
		lines := m.batch(from, min(from+o.batch, o.lines))
		began := time.Now()
		if err := insert(ctx, m.DB, lines); err != nil {
			return spent, err
		}
		spent.filling += time.Since(began)
		consumptions := consumed(lines)
		there := process.CPU(postgres)
		here, began := process.Self(), time.Now()
		if err := m.countAtOnce(ctx, consumptions, o.workers); err != nil {
			return spent, err
		}
		spent.counting += time.Since(began)
		spent.here += process.Self() - here
		spent.server += process.CPU(postgres) - there
	}
	return spent, nil
}

// countAtOnce counts in a transaction for each worker, which has partners of its own, as whoever settles the use of customers at once has.
func (m *month) countAtOnce(ctx context.Context, consumptions []models.Consumption, workers int) error {
	parts := make(map[models.ID]int, len(m.partners))
	for i, partner := range m.partners {
		parts[partner] = i % workers
	}
	shares := make([][]models.Consumption, workers)
	for _, c := range consumptions {
		share := &shares[parts[c.PartnerID]]
		*share = append(*share, c)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, share := range shares {
		group.Go(func() error {
			return m.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return m.CountIn(ctx, tx, share) })
		})
	}
	return group.Wait()
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// found makes the partners, a customer and the policies.
func (m *month) found(ctx context.Context, o options) error {
	m.performed = make([][]int64, o.partners)
	for i := range m.performed {
		m.performed[i] = make([]int64, o.services)
	}
	var partners []models.Partner
	var customers []models.Customer
	for i := range o.partners {
		p := models.Partner{
			ID: m.IDs(models.PrefixPartner), Cloud: "hws", Kind: models.SolutionProvider, Name: fmt.Sprint("P", i), Level: models.LevelLeading,
			State: models.PartnerActive, Currency: models.CNY, CreatedAt: m.now, UpdatedAt: m.now,
		}
		partners, m.partners = append(partners, p), append(m.partners, p.ID)
	}
	if err := insert(ctx, m.DB, partners); err != nil {
		return err
	}
	for i := range o.partners * o.customers {
		c := models.Customer{
			ID: m.IDs(models.PrefixCustomer), Cloud: "hws", Name: fmt.Sprint("customer ", i), Currency: models.CNY, CreatedAt: m.now, UpdatedAt: m.now,
			PartnerID: m.partners[i%len(m.partners)], Mode: models.Resale,
		}
		customers, m.customers = append(customers, c), append(m.customers, c.ID)
	}
	for some := range slices.Chunk(customers, 1000) {
		if err := insert(ctx, m.DB, some); err != nil {
			return err
		}
	}
	m.services = o.services
	_, err := m.Load(ctx, models.SystemPrincipal("bench"), incentives.LoadPolicies{Content: `{"schema": 1, "cloud": "hws", "version": "bench", "effectiveFrom": "2026-01-01T00:00:00Z",
		"policies": [` + strings.Join(m.policies(), ", ") + `, {"serviceType": "` + other + `", "from": "2026-11", "currency": "CNY", "incentive": 2}]}`})
	return err
}

func insert[Row any](ctx context.Context, db *store.DB, rows []Row) error {
	return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		script := store.NewScript(tx)
		script.Insert(&rows)
		return script.Exec(ctx)
	})
}

// service is one of those that count.
func service(n int) string { return fmt.Sprint("hws.service.type.s", n) }

func (m *month) policies() []string {
	all := make([]string, m.services)
	for n := range all {
		all[n] = fmt.Sprintf(`{"serviceType": %q, "from": "2026-11", "currency": "CNY", "incentive": 0, "tiers": [{"from": "0", "rate": "0.05"}, {"from": "1000", "rate": "0.08"}]}`, service(n))
	}
	return all
}

// batch makes lines of all partners in turn; every tenth is of a product that does not count.
func (m *month) batch(from, to int) []models.BillLine {
	lines := make([]models.BillLine, 0, to-from)
	for i := from; i < to; i++ {
		at := time.Date(2026, 11, 1+i%19, 0, 0, 0, 0, time.UTC)
		line := models.BillLine{
			ID: m.IDs(models.PrefixBillLine), Cloud: "hws", SourceID: fmt.Sprint("line ", i), Kind: models.BillNew, CustomerID: m.customers[i%len(m.customers)],
			PartnerID: m.partners[i%len(m.partners)], Mode: models.Resale, ServiceType: service(i / len(m.customers) % m.services), Quantity: 1, UsedAt: at, Currency: models.CNY, CreatedAt: m.now,
			BilledAt: &at, Cycle: "2026-11", PayableMinor: int64(1 + i%997), CashMinor: int64(1 + i%997),
		}
		if i%10 == 9 {
			line.ServiceType = other
		} else {
			m.performed[i%len(m.partners)][i/len(m.customers)%m.services] += line.CashMinor
		}
		lines = append(lines, line)
	}
	return lines
}

func consumed(lines []models.BillLine) []models.Consumption {
	all := make([]models.Consumption, len(lines))
	for i, l := range lines {
		all[i] = models.Consumption{
			SourceID: string(l.ID), LineID: l.ID, Cause: models.CausePurchase, Cloud: l.Cloud, CustomerID: l.CustomerID, PartnerID: l.PartnerID, Mode: l.Mode,
			ServiceType: l.ServiceType, Currency: l.Currency, PaidMinor: l.CashMinor, At: l.UsedAt,
		}
	}
	return all
}

// accrue works all statements out and compares them.
func (m *month) accrue(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	if _, err := m.Accrue(ctx); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, m.check(ctx)
}

// cutShort ends an accrual after a while, or sooner when it would be over by then, and begins it again, which must come to the same.
func (m *month) cutShort(ctx context.Context, after time.Duration) (time.Duration, error) {
	for ; after > 0; after /= 2 {
		within, cancel := context.WithTimeout(ctx, after)
		_, err := m.Accrue(within)
		cancel()
		if err != nil {
			return m.accrue(ctx)
		}
	}
	return 0, errors.New("no accrual could be cut short")
}

func (m *month) check(ctx context.Context) error {
	var statements []models.IncentiveStatement
	if err := m.DB.NewSelect().Model(&statements).Scan(ctx); err != nil {
		return err
	}
	byPartner := map[models.ID]models.IncentiveStatement{}
	for _, s := range statements {
		byPartner[s.PartnerID] = s
	}
	for i, partner := range m.partners {
		var performed, want int64
		for _, one := range m.performed[i] {
			performed += one
		}
		rate := rateOf(performed)
		for _, one := range m.performed[i] {
			want += models.IncentiveAmountMinor(one, rate)
		}
		if got := byPartner[partner]; got.PerformanceMinor != performed || got.TotalMinor != want {
			return fmt.Errorf("partner %d: performance %d and total %d, want %d and %d", i, got.PerformanceMinor, got.TotalMinor, performed, want)
		}
	}
	return nil
}

// rateOf is what the policies say of a partner's performance.
func rateOf(performed int64) decimal.Decimal {
	if performed >= 100_000 {
		return decimal.RequireFromString("0.08")
	}
	return decimal.RequireFromString("0.05")
}

// heapWatch looks at the heap every tenth of a second.
type heapWatch struct {
	largest atomic.Uint64
	done    chan struct{}
	once    sync.Once
}

func watchHeap() *heapWatch {
	w := &heapWatch{done: make(chan struct{})}
	go func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-w.done:
				return
			case <-ticker.C:
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				w.largest.Store(max(w.largest.Load(), stats.HeapInuse))
			}
		}
	}()
	return w
}

func (w *heapWatch) most() uint64 { return w.largest.Load() }
func (w *heapWatch) stop()        { w.once.Do(func() { close(w.done) }) }
