package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

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
	lines    int
	partners int
	batch    int // lines of one transaction
	most     time.Duration
	only     string
}

func main() {
	var o options
	flag.IntVar(&o.lines, "lines", 1_000_000, "bill lines of the month")
	flag.IntVar(&o.partners, "partners", 100, "partners that they belong to")
	flag.IntVar(&o.batch, "batch", 2000, "lines that one transaction counts")
	flag.DurationVar(&o.most, "most", time.Minute, "fail when the accrual takes longer")
	flag.StringVar(&o.only, "only", "", "postgres or sqlite; empty = both")
	flag.Parse()
	process.Main("bench-incentives", func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) (err error) {
	if o.lines < 1 || o.partners < 1 || o.batch < 1 {
		return errors.New("-lines, -partners and -batch are above zero")
	}
	dir, err := os.MkdirTemp("", "bench-incentives")
	if err != nil {
		return err
	}
	started := &servers.Servers{}
	defer func() { err = errors.Join(err, started.Stop(), os.RemoveAll(dir)) }()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "engine\tlines\tpartners\tfill\tcount\taccrue\tafter a cut\tlargest heap\t")
	for _, engine := range []string{"postgres", "sqlite"} {
		if o.only != "" && o.only != engine {
			continue
		}
		url := "sqlite://" + filepath.Join(dir, "bench.db")
		if engine == "postgres" {
			postgres, err := started.Postgres(ctx, servers.PostgresOptions{})
			if err != nil {
				return err
			}
			url = postgres.URL()
		}
		if err := measure(ctx, o, engine, url, table); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return table.Flush()
}

// month is what is measured: a database with the month's bill lines, and what the statements must come to.
type month struct {
	*incentives.Service
	partners  []models.ID
	customer  models.ID
	now       time.Time
	performed []int64 // by partner
}

const (
	service = "hws.service.type.ec2"
	other   = "hws.service.type.cdn"
)

func measure(ctx context.Context, o options, engine, url string, table *tabwriter.Writer) (err error) {
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
	var filling, counting time.Duration
	for from := 0; from < o.lines; from += o.batch {
		lines := m.batch(from, min(from+o.batch, o.lines))
		began := time.Now()
		if err := insert(ctx, db, lines); err != nil {
			return err
		}
		filling += time.Since(began)
		began = time.Now()
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return m.CountIn(ctx, tx, consumed(lines)) })
		if err != nil {
			return err
		}
		counting += time.Since(began)
	}
	accruing, err := m.accrue(ctx)
	if err != nil {
		return err
	}
	again, err := m.cutShort(ctx, accruing/2)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d MiB\t\n", engine, o.lines, o.partners, short(filling), short(counting), short(accruing), short(again), heap.most()>>20)
	if accruing > o.most {
		return fmt.Errorf("the accrual took %s", accruing)
	}
	return nil
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// found makes the partners, a customer and the policies.
func (m *month) found(ctx context.Context, o options) error {
	m.performed = make([]int64, o.partners)
	var partners []models.Partner
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
	m.customer = m.IDs(models.PrefixCustomer)
	customers := []models.Customer{{ID: m.customer, Cloud: "hws", Name: "customer", Currency: models.CNY, CreatedAt: m.now, UpdatedAt: m.now}}
	if err := insert(ctx, m.DB, customers); err != nil {
		return err
	}
	_, err := m.Load(ctx, models.SystemPrincipal("bench"), incentives.LoadPolicies{Content: `{"schema": 1, "cloud": "hws", "version": "bench", "effectiveFrom": "2026-01-01T00:00:00Z",
		"policies": [{"serviceType": "` + service + `", "from": "2026-11", "currency": "CNY", "incentive": 0, "tiers": [{"from": "0", "rate": "0.05"}, {"from": "1000", "rate": "0.08"}]},
		{"serviceType": "` + other + `", "from": "2026-11", "currency": "CNY", "incentive": 2}]}`})
	return err
}

func insert[Row any](ctx context.Context, db *store.DB, rows []Row) error {
	return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		script := store.NewScript(tx)
		script.Insert(&rows)
		return script.Exec(ctx)
	})
}

// batch makes lines of all partners in turn; every tenth is of a product that does not count.
func (m *month) batch(from, to int) []models.BillLine {
	lines := make([]models.BillLine, 0, to-from)
	for i := from; i < to; i++ {
		at := time.Date(2026, 11, 1+i%19, 0, 0, 0, 0, time.UTC)
		line := models.BillLine{
			ID: m.IDs(models.PrefixBillLine), Cloud: "hws", SourceID: fmt.Sprint("line ", i), Kind: models.BillNew, CustomerID: m.customer,
			PartnerID: m.partners[i%len(m.partners)], Mode: models.Resale, ServiceType: service, Quantity: 1, UsedAt: at, Currency: models.CNY, CreatedAt: m.now,
			BilledAt: &at, Cycle: "2026-11", PayableMinor: int64(1 + i%997), CashMinor: int64(1 + i%997),
		}
		if i%10 == 9 {
			line.ServiceType = other
		} else {
			m.performed[i%len(m.partners)] += line.CashMinor
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

// cutShort ends an accrual after a while and begins it again, which must come to the same.
func (m *month) cutShort(ctx context.Context, after time.Duration) (time.Duration, error) {
	within, cancel := context.WithTimeout(ctx, max(after, time.Millisecond))
	defer cancel()
	if _, err := m.Accrue(within); err == nil {
		return 0, errors.New("the accrual was over before it was cut short")
	}
	return m.accrue(ctx)
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
		rate := decimal.RequireFromString("0.05")
		if m.performed[i] >= 100_000 {
			rate = decimal.RequireFromString("0.08")
		}
		want := models.IncentiveAmountMinor(m.performed[i], rate)
		if got := byPartner[partner]; got.PerformanceMinor != m.performed[i] || got.TotalMinor != want {
			return fmt.Errorf("partner %d: performance %d and total %d, want %d and %d", i, got.PerformanceMinor, got.TotalMinor, m.performed[i], want)
		}
	}
	return nil
}

// heapWatch looks at the heap every tenth of a second.
type heapWatch struct {
	largest atomic.Uint64
	done    chan struct{}
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
func (w *heapWatch) stop()        { close(w.done) }
