package seed_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/seed"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// small shows every kind of partner and every state of an order, and does not fill its last chunk.
func small() seed.Options {
	return seed.Options{Partners: 20, Customers: 400, Orders: 6_000, Seed: 7, Batch: 170, Workers: 3}
}

func run(t *testing.T, db *store.DB, options seed.Options) seed.Result {
	t.Helper()
	result, err := seed.Run(context.Background(), db, options)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return result
}

func count(t *testing.T, db *store.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.NewRaw(query, args...).Scan(context.Background(), &n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestRunMakesWhatTheOptionsSay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		result := run(t, db, small())
		for _, table := range result.Tables {
			if stored := count(t, db, "SELECT COUNT(*) FROM "+table.Table); int64(stored) != table.Rows || stored == 0 {
				t.Errorf("%s: %d rows stored, %d reported", table.Table, stored, table.Rows)
			}
		}
		want := map[string]int{
			"partners": 20, "customers": 400, "orders": 6_000, "order_items": 12_000, "accounts": 485, "transfers": 420, "entries": 840,
			"incentive_statements": 14 * 12, "largest partner's orders": 1_200, "distributors": 2, "resellers": 6,
		}
		got := map[string]int{
			"largest partner's orders": count(t, db, "SELECT COUNT(*) FROM orders WHERE partner_id = ?", result.LargestPartner),
			"distributors":             count(t, db, "SELECT COUNT(*) FROM partners WHERE kind = 'DISTRIBUTOR'"),
			"resellers":                count(t, db, "SELECT COUNT(*) FROM partners WHERE kind = 'CLOUD_RESELLER'"),
		}
		for table := range want {
			if _, done := got[table]; !done {
				got[table] = int(result.Rows(table))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		shares(t, db)
	})
}

// shares checks what is drawn at random within bounds that the fixed seed either keeps or does not.
func shares(t *testing.T, db *store.DB) {
	t.Helper()
	for _, share := range []struct {
		what, query string
		lo, hi      int
	}{
		{"advisory customers", "SELECT COUNT(*) FROM customers WHERE mode = 'ADVISORY'", 40, 80},
		{"past associations", "SELECT COUNT(*) FROM associations WHERE until IS NOT NULL", 10, 32},
		{"completed orders", "SELECT COUNT(*) FROM orders WHERE status = 'COMPLETED'", 5_400, 5_800},
		{"cancelled orders", "SELECT COUNT(*) FROM orders WHERE status = 'CANCELLED'", 250, 450},
		{"orders to pay", "SELECT COUNT(*) FROM orders WHERE status = 'PENDING_PAYMENT'", 5, 40},
		{"orders in progress", "SELECT COUNT(*) FROM orders WHERE status = 'PROCESSING'", 1, 20},
		{"customers with 20 orders", "SELECT COUNT(*) FROM (SELECT customer_id FROM orders GROUP BY customer_id HAVING COUNT(*) >= 20) AS c", 50, 250},
		{"resources in use", "SELECT COUNT(*) FROM resources WHERE status = 'IN_USE'", 3_000, 9_000},
		{"lines about a customer", "SELECT COUNT(*) FROM incentive_lines WHERE customer_id IS NOT NULL", 200, 2_000},
	} {
		if n := count(t, db, share.query); n < share.lo || n > share.hi {
			t.Errorf("%s: %d, want %d to %d", share.what, n, share.lo, share.hi)
		}
	}
}

// breaches are queries that count rows which contradict each other. Times compare alike as timestamps and as SQLite's text.
var breaches = map[string]string{
	"a customer's partner and mode are the association's in force": `SELECT COUNT(*) FROM customers c LEFT JOIN associations a
		ON a.customer_id = c.id AND a.until IS NULL WHERE a.id IS NULL OR a.partner_id <> c.partner_id OR a.mode <> c.mode`,
	"associations follow each other": `SELECT COUNT(*) FROM associations past JOIN associations now ON now.customer_id = past.customer_id
		AND now.until IS NULL WHERE past.until IS NOT NULL AND (past.until <> now.since OR past.since >= past.until OR past.partner_id = now.partner_id)`,
	"nobody orders before the association in force": `SELECT COUNT(*) FROM orders o JOIN associations a ON a.customer_id = o.customer_id
		AND a.until IS NULL WHERE o.created_at <= a.since`,
	"a resale customer's orders are its partner's, no others are": `SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id
		WHERE COALESCE(o.partner_id, '') <> CASE WHEN c.mode = 'RESALE' THEN c.partner_id ELSE '' END`,
	"a reseller alone has a parent, a distributor": `SELECT COUNT(*) FROM partners p LEFT JOIN partners d ON d.id = p.parent_id
		WHERE (p.kind = 'CLOUD_RESELLER') <> (COALESCE(d.kind, '') = 'DISTRIBUTOR') OR (p.parent_id IS NOT NULL) <> (d.id IS NOT NULL)`,
	"a reseller's distributor is its cooperation's in force": `SELECT COUNT(*) FROM partners p LEFT JOIN cooperations c
		ON c.reseller_id = p.id AND c.until IS NULL WHERE COALESCE(p.parent_id, '') <> COALESCE(c.distributor_id, '')`,
	"a distributor has no customers of its own": `SELECT COUNT(*) FROM associations a JOIN partners p ON p.id = a.partner_id WHERE p.kind = 'DISTRIBUTOR'`,
	"an order's total is the sum of its items": `SELECT COUNT(*) FROM (SELECT o.id FROM orders o JOIN order_items i ON i.order_id = o.id
		GROUP BY o.id, o.total_minor HAVING SUM(i.amount_minor) <> o.total_minor OR COUNT(*) <> 2) AS b`,
	"a discount is not a surcharge": `SELECT COUNT(*) FROM orders WHERE total_minor > official_minor OR total_minor <= 0`,
	"the second item is part of the first": `SELECT COUNT(*) FROM order_items i LEFT JOIN order_items p ON p.id = i.parent_id
		WHERE (i.position = 1 AND (i.parent_id IS NOT NULL OR i.resource_type <> 'hws.resource.type.vm'))
		OR (i.position = 2 AND (p.order_id IS NULL OR p.order_id <> i.order_id OR p.position <> 1 OR i.resource_type <> 'hws.resource.type.volume'))`,
	"an order's times tell its state": `SELECT COUNT(*) FROM orders WHERE (paid_at IS NOT NULL) <> (status IN ('PROCESSING', 'COMPLETED'))
		OR (completed_at IS NOT NULL) <> (status = 'COMPLETED') OR paid_at <= created_at OR completed_at <= paid_at OR pay_by IS NULL
		OR paid_at > pay_by OR updated_at < created_at OR transfer_id IS NOT NULL`,
	"an open order may still be paid at the end": `SELECT COUNT(*) FROM orders WHERE status = 'PENDING_PAYMENT' AND pay_by <= ?end`,
	"nothing happens after the end": `SELECT (SELECT COUNT(*) FROM orders WHERE updated_at > ?end) + (SELECT COUNT(*) FROM resources WHERE updated_at > ?end)
		+ (SELECT COUNT(*) FROM customers WHERE updated_at > ?end) + (SELECT COUNT(*) FROM incentive_statements WHERE updated_at > ?end)`,
	"a completed order runs each of its items, no other order any": `SELECT COUNT(*) FROM order_items i JOIN orders o ON o.id = i.order_id
		LEFT JOIN resources r ON r.order_item_id = i.id WHERE (r.id IS NOT NULL) <> (o.status = 'COMPLETED')`,
	"a resource is what was ordered": `SELECT COUNT(*) FROM resources r JOIN order_items i ON i.id = r.order_item_id JOIN orders o ON o.id = r.order_id
		WHERE i.order_id <> r.order_id OR r.customer_id <> o.customer_id OR COALESCE(r.partner_id, '') <> COALESCE(o.partner_id, '')
		OR r.spec_code <> i.spec_code OR r.region <> i.region OR r.resource_type <> i.resource_type OR r.effective_at <> o.completed_at
		OR r.expires_at <= r.effective_at OR r.updated_at < r.created_at OR (r.status = 'IN_USE') > (r.expires_at >= ?end)`,
	"a disk belongs to the server of its order": `SELECT COUNT(*) FROM resources r JOIN order_items i ON i.id = r.order_item_id
		LEFT JOIN resources m ON m.id = r.parent_id WHERE (i.parent_id IS NULL) <> (r.parent_id IS NULL)
		OR (m.id IS NOT NULL AND (m.order_item_id <> i.parent_id OR m.status <> r.status))`,
	"every owner has one balance account": `SELECT COUNT(*) FROM (SELECT id, 'PARTNER' AS kind FROM partners UNION ALL SELECT id, 'CUSTOMER' FROM customers) AS o
		LEFT JOIN accounts a ON a.owner_id = o.id AND a.owner_kind = o.kind AND a.kind = 'BALANCE' WHERE a.id IS NULL OR a.balance_minor <= 0`,
	"a statement is the sum of its lines": `SELECT COUNT(*) FROM (SELECT s.id FROM incentive_statements s LEFT JOIN incentive_lines l ON l.statement_id = s.id
		GROUP BY s.id, s.total_minor, s.performance_minor HAVING COUNT(*) NOT BETWEEN 3 AND 8 OR SUM(l.amount_minor) <> s.total_minor
		OR SUM(l.performance_minor) <> s.performance_minor) AS b`,
	"a reseller earns no incentives": `SELECT COUNT(*) FROM incentive_statements s JOIN partners p ON p.id = s.partner_id WHERE p.kind = 'CLOUD_RESELLER'`,
	"a line is about a customer of the partner or of its reseller": `SELECT COUNT(*) FROM incentive_lines l
		JOIN incentive_statements s ON s.id = l.statement_id JOIN customers c ON c.id = l.customer_id JOIN partners p ON p.id = c.partner_id
		WHERE (p.id <> s.partner_id AND COALESCE(p.parent_id, '') <> s.partner_id) OR c.updated_at > s.created_at`,
	"lists sorted by id are sorted by time": `SELECT COUNT(*) FROM (SELECT created_at, LAG(created_at) OVER (ORDER BY id) AS earlier FROM orders) AS o
		WHERE created_at <= earlier`,
}

func TestRowsAgreeWithEachOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, small())
		end := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
		for rule, query := range breaches {
			quoted := string(db.Dialect().AppendTime(nil, end))
			if n := count(t, db, strings.ReplaceAll(query, "?end", quoted)); n != 0 {
				t.Errorf("%s: broken %d times", rule, n)
			}
		}
		var lines []models.IncentiveLine
		if err := db.NewSelect().Model(&lines).Scan(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if want := models.IncentiveAmountMinor(line.PerformanceMinor, line.Rate); line.AmountMinor != want {
				t.Errorf("line %s: %d, want %d", line.ID, line.AmountMinor, want)
			}
		}
	})
}

func TestLedgerIsSound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		// More owners than one block of the sums that find the world's balance, and a chunk that starts within one.
		run(t, db, seed.Options{Partners: 3, Customers: 2_600, Orders: 10, Batch: 900})
		report, err := (&ledger.Service{DB: db, Now: time.Now, IDs: models.RandomIDs()}).Audit(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want := ledger.Report{Accounts: 2_668, Transfers: 2_603, Entries: 5_206}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Error(diff)
		}
	})
}

// digest is a hash over the rows of all tables as the rooms read them, which is the same on every engine.
func digest(t *testing.T, db *store.DB) string {
	t.Helper()
	hash := sha256.New()
	each(t, db, hash.Write, new([]models.Partner), new([]models.Customer), new([]models.Association), new([]models.Account), new([]models.Transfer),
		new([]models.Entry), new([]models.Order), new([]models.OrderItem), new([]models.Resource), new([]models.IncentiveStatement), new([]models.IncentiveLine))
	return fmt.Sprintf("%x", hash.Sum(nil))
}

func each(t *testing.T, db *store.DB, write func([]byte) (int, error), tables ...any) {
	t.Helper()
	for _, rows := range tables {
		if err := db.NewSelect().Model(rows).Order("id").Scan(context.Background()); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) < 10 {
			t.Fatalf("no rows of %T", rows)
		}
		_, _ = write(text) // a hash does not fail
	}
}

func TestSameOptionsMakeTheSameRows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]string{}
	t.Run("seed", func(t *testing.T) {
		for name, change := range map[string]func(*seed.Options){
			"once": func(*seed.Options) {}, "again, cut and spread otherwise": func(o *seed.Options) { o.Batch, o.Workers = 1_000, 1 },
			"another seed": func(o *seed.Options) { o.Seed = 8 },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				storetest.Each(t, func(t *testing.T, db *store.DB) {
					options := small()
					options.Orders = 500
					change(&options)
					run(t, db, options)
					sum := digest(t, db)
					mu.Lock()
					defer mu.Unlock()
					seen[name+" "+string(db.Engine())] = sum
				})
			})
		}
	})
	first := seen["once sqlite"]
	for _, name := range []string{"once postgres", "again, cut and spread otherwise sqlite", "again, cut and spread otherwise postgres"} {
		if seen[name] != first {
			t.Errorf("%s: digest %s, want %s", name, seen[name], first)
		}
	}
	if other := seen["another seed sqlite"]; other == first || other != seen["another seed postgres"] {
		t.Errorf("another seed: digests %s and %s, the first seed's is %s", other, seen["another seed postgres"], first)
	}
}

func TestRunRefusesADatabaseInUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		options := seed.Options{Partners: 1, Customers: 1, Orders: 1}
		run(t, db, options)
		if _, err := seed.Run(context.Background(), db, options); !errors.Is(err, seed.ErrNotEmpty) {
			t.Errorf("second run: %v", err)
		}
		if n := count(t, db, "SELECT COUNT(*) FROM orders"); n != 1 {
			t.Errorf("%d orders after the refusal", n)
		}
	})
}

func TestRunRefusesImpossibleOptions(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	db := storetest.SQLite(t)
	for field, options := range map[string]seed.Options{
		"partners":      {Partners: -1},
		"customers":     {Partners: 10, Customers: 9},
		"orders":        {Orders: -1},
		"itemsPerOrder": {ItemsPerOrder: 17},
		"batch":         {Batch: 100_001},
		"workers":       {Workers: -1},
		"end":           {Start: day, End: day.AddDate(0, 0, 29)},
		"currency":      {Currency: "EUR"},
	} {
		_, err := seed.Run(context.Background(), db, options)
		var invalid *models.Error
		if !errors.As(err, &invalid) || invalid.Code != models.CodeInvalid || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestPersonalDataIsSealedAndCarriesItsContext(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		options := seed.Options{
			Partners: 1, Customers: 5, Orders: 1,
			SealPersonal: func(plain []byte, context string) []byte { return []byte(context + "|" + string(plain)) },
			BlindEmail:   func(email string) string { return "blind " + email },
		}
		run(t, db, options)
		var customers []models.Customer
		if err := db.NewSelect().Model(&customers).Scan(context.Background()); err != nil || len(customers) != 5 {
			t.Fatalf("%d customers, %v", len(customers), err)
		}
		for _, c := range customers {
			email := c.Name + "@customers.example"
			if want := "customers.email:" + string(c.ID) + "|" + email; string(c.EmailSealed) != want {
				t.Errorf("sealed %q, want %q", c.EmailSealed, want)
			}
			if c.EmailBlind != "blind "+email || len(c.RealNameSealed) == 0 || len(c.PhoneSealed) == 0 {
				t.Errorf("customer %+v", c)
			}
			if err := models.CheckAccountName(c.Name, "name"); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestProgressAndBarReachTheEndOfEveryStage(t *testing.T) {
	t.Parallel()
	var drawn bytes.Buffer
	bar, last := seed.Bar(&drawn), map[string]string{}
	options := small()
	options.Orders = 400
	options.Progress = func(stage string, done, total int64) {
		bar(stage, done, total)
		last[stage] = fmt.Sprintf("%d/%d", done, total)
	}
	run(t, storetest.SQLite(t), options)
	want := map[string]string{"partners": "20/20", "customers": "400/400", "orders": "400/400", "incentives": "20/20"}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	for stage := range want {
		if !strings.Contains(drawn.String(), stage) {
			t.Errorf("the bar never showed %q", stage)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		options := small()
		options.Progress = func(stage string, done, _ int64) {
			if stage == "orders" && done > 0 {
				cancel()
			}
		}
		if _, err := seed.Run(ctx, db, options); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}
