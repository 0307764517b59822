package seed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// ErrNotEmpty is Run's answer to a database that holds partners: made-up rows do not mix with anybody's data.
var ErrNotEmpty = models.Precondition("DATABASE_NOT_EMPTY",
	"This database holds partners already. Seeding needs an empty one: made-up data does not mix with what is there.")

// TableResult is what Run did to one table.
type TableResult struct {
	Table string
	Rows  int64
	Took  time.Duration // spent sending and storing its rows, added up over the workers
}

// Result is what Run made.
type Result struct {
	Tables         []TableResult // in the order of loading
	LargestPartner models.ID     // the partner that a fifth of the orders belongs to
	Took           time.Duration
}

// Rows returns how many rows of a table were made.
func (r Result) Rows(table string) int64 {
	for _, t := range r.Tables {
		if t.Table == table {
			return t.Rows
		}
	}
	return 0
}

// tables are all that Run fills, each after those that it refers to.
var tables = []string{
	"partners", "cooperations", "customers", "associations", "accounts", "transfers", "entries", "orders", "order_items", "resources",
	"incentive_statements", "incentive_lines",
}

// Run fills the database, which must be migrated and hold no partner, else ErrNotEmpty; an option out of range is INVALID. It
// stores in many transactions: when it fails or ctx ends, part of the data stays, and the next run wants a new database.
func Run(ctx context.Context, db *store.DB, options Options) (Result, error) {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return Result{}, err
	}
	if err := requireEmpty(ctx, db); err != nil {
		return Result{}, err
	}
	planned, err := plan(options)
	if err != nil {
		return Result{}, fmt.Errorf("seed: %w", err)
	}
	started, times := time.Now(), &stopwatch{}
	r := &run{network: planned, db: db, loader: loaderFor(db, times)}
	for _, stage := range r.stages() {
		if err := r.run(ctx, stage); err != nil {
			return Result{}, fmt.Errorf("seed %s: %w", stage.name, err)
		}
	}
	if err := r.loader.finish(ctx); err != nil {
		return Result{}, fmt.Errorf("seed: %w", err)
	}
	// Its time stands still: millions of jobs would only be in the way of what is measured.
	err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return jobs.SkipBackfill(ctx, tx, started, models.JobOrderExpire, models.JobResourceExpire, models.JobResourceAutoRenew)
	})
	if err != nil {
		return Result{}, fmt.Errorf("seed: %w", err)
	}
	g := newGenerator(r.network)
	return Result{Tables: times.results(), LargestPartner: g.partnerID(g.seller(0)), Took: time.Since(started)}, nil
}

func requireEmpty(ctx context.Context, db *store.DB) error {
	taken, err := db.NewSelect().Model((*models.Partner)(nil)).Exists(ctx)
	if err != nil {
		return fmt.Errorf("seed: look for partners: %w", store.Translate(err))
	}
	if taken {
		return ErrNotEmpty
	}
	return nil
}

// run is one call of Run.
type run struct {
	*network
	db     *store.DB
	loader loader
}

// stage makes rows from one kind of number. Stages run one after the other, because later rows refer to earlier ones; the
// chunks of a stage refer to none of each other's rows and are stored in any order.
type stage struct {
	name  string
	total int
	chunk int
	rows  func(g *generator, from, to int) []rows
}

func (r *run) stages() []stage {
	return []stage{
		{"partners", r.Partners, r.Partners, r.partnerRows}, // in one chunk: a reseller refers to its distributor
		{"customers", r.Customers, r.Batch, r.customerRows},
		{"orders", r.Orders, r.Batch, r.orderRows},
		{"incentives", r.Partners, max(r.Batch/(8*months), 1), r.incentiveRows},
	}
}

func (r *run) partnerRows(g *generator, from, to int) []rows {
	var partners []models.Partner
	var cooperations []models.Cooperation
	for i := from; i < to; i++ {
		partner := g.partner(i)
		partners = append(partners, partner)
		if partner.ParentID != "" {
			cooperations = append(cooperations, cooperationOf(partner))
		}
	}
	b := g.open(from, to)
	b.accounts = append(g.cloudAccounts(), b.accounts...)
	return append([]rows{rowsOf(r.db, partners), rowsOf(r.db, cooperations)}, r.bookRows(b)...)
}

func (r *run) customerRows(g *generator, from, to int) []rows {
	var customers []models.Customer
	var associations []models.Association
	for i := from; i < to; i++ {
		customer, its := g.customer(i)
		customers, associations = append(customers, customer), append(associations, its...)
	}
	b := g.open(g.Partners+from, g.Partners+to)
	return append([]rows{rowsOf(r.db, customers), rowsOf(r.db, associations)}, r.bookRows(b)...)
}

func (r *run) bookRows(b books) []rows {
	return []rows{rowsOf(r.db, b.accounts), rowsOf(r.db, b.transfers), rowsOf(r.db, b.entries)}
}

func (r *run) orderRows(g *generator, from, to int) []rows {
	var orders []models.Order
	var items []models.OrderItem
	var resources []models.Resource
	for i := from; i < to; i++ {
		order, its, running := g.order(i)
		orders, items, resources = append(orders, order), append(items, its...), append(resources, running...)
	}
	return []rows{rowsOf(r.db, orders), rowsOf(r.db, items), rowsOf(r.db, resources)}
}

func (r *run) incentiveRows(g *generator, from, to int) []rows {
	var statements []models.IncentiveStatement
	var lines []models.IncentiveLine
	for i := from; i < to; i++ {
		its, of := g.statements(i)
		statements, lines = append(statements, its...), append(lines, of...)
	}
	return []rows{rowsOf(r.db, statements), rowsOf(r.db, lines)}
}

// run makes and stores the chunks of a stage, some at once.
func (r *run) run(ctx context.Context, s stage) error {
	var next, done atomic.Int64
	var telling sync.Mutex
	tell := func(n int) {
		telling.Lock()
		defer telling.Unlock()
		if sum := done.Add(int64(n)); r.Progress != nil {
			r.Progress(s.name, sum, int64(s.total))
		}
	}
	tell(0)
	group, ctx := errgroup.WithContext(ctx)
	for range min(r.Workers, (s.total+s.chunk-1)/s.chunk) {
		group.Go(func() error {
			g := newGenerator(r.network)
			for {
				from := int(next.Add(int64(s.chunk))) - s.chunk
				if from >= s.total {
					return nil
				}
				to := min(from+s.chunk, s.total)
				if err := r.loader.load(ctx, s.rows(g, from, to)); err != nil {
					return err
				}
				tell(to - from)
			}
		})
	}
	return group.Wait()
}

// stopwatch adds up what the tables got and how long it took. It is safe for concurrent use.
type stopwatch struct {
	mu    sync.Mutex
	spent map[string]TableResult
}

func (w *stopwatch) add(table string, rows int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spent == nil {
		w.spent = map[string]TableResult{}
	}
	t := w.spent[table]
	w.spent[table] = TableResult{Table: table, Rows: t.Rows + int64(rows), Took: t.Took + took}
}

func (w *stopwatch) results() []TableResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	var results []TableResult
	for _, table := range tables {
		results = append(results, w.spent[table])
	}
	return results
}
