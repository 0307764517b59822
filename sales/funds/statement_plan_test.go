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
	"github.com/partnergraph/partnergraph/sales/ledger"
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

// A page deep in a long statement costs what the first one costs, whether it is found by a line or by moments, and these cost less: descents of the index, and
// no sort or scan of what lies before. What is counted by moments is not read at all.
func TestAPageDeepDownCostsWhatTheFirstOneCosts(t *testing.T) {
	t.Parallel()
	const lines = 20_000
	storetest.EachInText(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		manyLines(b, lines)
		last := storetest.HookLast(db)
		texts := map[string]string{}
		page := func(name string, filter funds.StatementFilter, args models.PageArgs, statements int) {
			ctx, counter := store.CountStatements(context.Background())
			found, err := b.Statement(ctx, operator(), funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: filter}, args)
			b.want(err, "")
			if len(found.Edges) != models.DefaultPageSize || counter.Count() != statements {
				t.Fatalf("%s: %d lines, %v", name, len(found.Edges), counter.Statements())
			}
			if args.WantTotal && *found.TotalCount != lines/2 {
				t.Errorf("%s: %d in all", name, *found.TotalCount)
			}
			texts[name] = last.Text
		}
		page("first", funds.StatementFilter{}, models.PageArgs{}, 2)
		var deep, middle models.Entry
		b.want(db.NewSelect().Model(&deep).Where("e.version = ?", 100).Where("e.balance_after_minor = ?", 100).Scan(context.Background()), "")
		b.want(db.NewSelect().Model(&middle).Where("e.version = ?", lines/2+100).Where("e.balance_after_minor = ?", lines/2+100).Scan(context.Background()), "")
		cursor := ptr(models.NumberedCursor("statement", deep.AccountID, deep.Version))
		page("deep", funds.StatementFilter{}, models.PageArgs{After: cursor}, 2)
		page("oldest", funds.StatementFilter{}, models.PageArgs{Last: ptr(models.DefaultPageSize)}, 3)
		half := funds.StatementFilter{From: &deep.CreatedAt, To: &middle.CreatedAt}
		page("between", half, models.PageArgs{}, 3)
		page("between, counted", half, models.PageArgs{WantTotal: true}, 3)
		half.Direction = ptr(models.Income)
		page("of a direction", half, models.PageArgs{}, 3)
		_, err := b.PartnerBalancesAt(context.Background(), operator(), []models.ID{b.distributor}, deep.CreatedAt)
		b.want(err, "")
		texts["past"] = last.Text
		_, err = b.Ledger.VersionsAt(context.Background(), db, []ledger.Moment{{AccountID: deep.AccountID, At: deep.CreatedAt}})
		b.want(err, "")
		texts["moment"] = last.Text
		costs := map[string]int{}
		for name, text := range texts {
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
		for name, cost := range costs {
			most := 2*costs["first"] + 8
			if name == "past" || name == "moment" {
				most = costs["first"]
			}
			if cost > most {
				t.Errorf("%s is too dear; blocks read: %v", name, costs)
			}
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
