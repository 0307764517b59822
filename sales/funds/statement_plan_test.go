package funds_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// manyLines writes a long ledger of one account, a minute apart, without the postings that a real one would have.
func manyLines(b *books, lines int) {
	b.now = noon.Add(-time.Duration(lines+1) * time.Minute)
	b.give(models.OwnerPartner, b.distributor, models.AccountBalance, "CNY", 1, 0)
	b.now = noon
	accounts, err := b.Ledger.Accounts(context.Background(), b.DB, []string{string(b.distributor)})
	b.want(err, "")
	for written := 0; written < lines; written += 1000 {
		var transfers []models.Transfer
		var entries []models.Entry
		for i := range 1000 {
			at := noon.Add(-time.Duration(lines-written-i) * time.Minute)
			transfers = append(transfers, models.Transfer{
				ID: b.IDs(models.PrefixTransfer), Kind: models.TransferRecharge, ActorID: "test", RequestID: "test", CreatedAt: at,
			})
			entries = append(entries, models.Entry{
				ID: b.IDs(models.PrefixEntry), TransferID: transfers[i].ID, AccountID: accounts[0].ID, Asset: "CNY", AmountMinor: 1,
				Version: int64(2 + written + i), BalanceAfterMinor: int64(2 + written + i), CreatedAt: at,
			})
		}
		b.insert(&transfers)
		b.insert(&entries)
	}
	_, err = b.DB.NewUpdate().Model((*models.Account)(nil)).Set("version = version + ?, balance_minor = balance_minor + ?", lines, lines).
		Where("id = ?", accounts[0].ID).Exec(context.Background())
	b.want(err, "")
	_, err = b.DB.ExecContext(context.Background(), "ANALYZE")
	b.want(err, "")
}

// A page deep in a long statement costs what the first one costs: a descent of the index, and no sort of what lies before it.
func TestAPageDeepDownCostsWhatTheFirstOneCosts(t *testing.T) {
	t.Parallel()
	const lines = 20_000
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		manyLines(b, lines)
		last := storetest.HookLast(db)
		page := func(cursor *string) (models.PageInfo, string) {
			found, err := b.Statement(context.Background(), operator(), funds.StatementQuery{PartnerID: &b.distributor}, models.PageArgs{After: cursor})
			b.want(err, "")
			if len(found.Edges) != models.DefaultPageSize {
				t.Fatalf("%d lines", len(found.Edges))
			}
			return found.PageInfo, last.Text
		}
		_, first := page(nil)
		var deep models.Entry
		b.want(db.NewSelect().Model(&deep).Where("e.version = ?", 100).Where("e.balance_after_minor = ?", 100).Scan(context.Background()), "")
		_, far := page(ptr(models.NumberedCursor("statement", deep.AccountID, deep.Version)))
		_, err := b.PartnerBalancesAt(context.Background(), operator(), []models.ID{b.distributor}, deep.CreatedAt)
		b.want(err, "")
		costs := map[string]int{}
		for name, text := range map[string]string{"first": first, "deep": far, "past": last.Text} {
			plan := storetest.Explain(t, db, text, "ANALYZE", "BUFFERS") // PostgreSQL does it, to count the blocks
			if !strings.Contains(plan, "entries_account_version") {
				t.Errorf("%s does not use the index:\n%s", name, plan)
			}
			for _, dear := range []string{"Seq Scan on entries", "SCAN e", "TEMP B-TREE", "Sort Key"} {
				if strings.Contains(plan, dear) {
					t.Errorf("%s: %s in\n%s", name, dear, plan)
				}
			}
			costs[name] = blocks(plan)
		}
		if costs["deep"] > 2*costs["first"]+8 || costs["past"] > costs["first"] {
			t.Errorf("blocks read: %v", costs)
		}
	})
}

var hits = regexp.MustCompile(`Buffers: shared hit=(\d+)(?: read=(\d+))?`)

// blocks is how many blocks the whole plan of PostgreSQL read, which its first line says; 0 on SQLite.
func blocks(plan string) int {
	found := hits.FindStringSubmatch(plan)
	if found == nil {
		return 0
	}
	hit, _ := strconv.Atoi(found[1])
	read, _ := strconv.Atoi(found[2])
	return hit + read
}
