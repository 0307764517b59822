package funds_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// books is a shop whose clock the test moves.
type books struct {
	*shop
	now time.Time
}

func newBooks(t *testing.T, db *store.DB) *books {
	b := &books{shop: newShop(t, db), now: noon}
	now := func() time.Time { return b.now }
	b.Now, b.Ledger.Now, b.Events.Now = now, now, now
	b.IDs, b.Random, b.Origin = models.RandomIDs(), rand.Reader, "https://shop.example"
	return b
}

// move posts one transfer between two accounts, and returns it.
func (b *books) move(p ledger.Posting, from, to ledger.AccountSpec, minor int64) models.Transfer {
	b.t.Helper()
	var done models.Transfer
	b.want(b.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		source, err := b.Ledger.Open(ctx, tx, from)
		if err != nil {
			return err
		}
		target, err := b.Ledger.Open(ctx, tx, to)
		if err != nil {
			return err
		}
		p.Legs = []ledger.Leg{{AccountID: source.ID, AmountMinor: -minor}, {AccountID: target.ID, AmountMinor: minor}}
		done, _, err = b.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), p)
		return err
	}), "")
	return done
}

func purse(kind models.OwnerKind, owner models.ID, account models.AccountKind) ledger.AccountSpec {
	return ledger.AccountSpec{OwnerKind: kind, OwnerID: string(owner), Kind: account, Asset: "CNY", Floor: new(int64)}
}

func cash(kind models.OwnerKind, owner models.ID) ledger.AccountSpec {
	return purse(kind, owner, models.AccountBalance)
}

func outside() ledger.AccountSpec {
	return ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"}
}

// associate says since when a customer belongs to its partner.
func (b *books) associate(customer, partner models.ID, since time.Time) {
	b.t.Helper()
	b.insert(&models.Association{
		ID: b.IDs(models.PrefixAssociation), CustomerID: customer, PartnerID: partner, Mode: models.Resale, Source: models.SourceAPI, Since: since,
	})
}

// whole pages through a statement and returns all of it, newest first.
func (b *books) whole(who models.Principal, q funds.StatementQuery, size int, backward bool) []models.StatementEntry {
	b.t.Helper()
	var all []models.StatementEntry
	var cursor *string
	for pages := 0; ; pages++ {
		if pages > 1000 {
			b.t.Fatal("a statement without an end")
		}
		args := models.PageArgs{First: &size, After: cursor}
		if backward {
			args = models.PageArgs{Last: &size, Before: cursor}
		}
		page, err := b.Statement(context.Background(), who, q, args)
		b.want(err, "")
		more := page.PageInfo.HasNextPage
		cursor = page.PageInfo.EndCursor
		if nodes := page.Nodes(); backward {
			all, more, cursor = append(nodes, all...), page.PageInfo.HasPreviousPage, page.PageInfo.StartCursor
		} else {
			all = append(all, nodes...)
		}
		if !more || err != nil {
			return all
		}
		if len(page.Edges) != size {
			b.t.Fatalf("a page of %d lines, and yet there are more", len(page.Edges))
		}
	}
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, KeyID: "key_operator", Permissions: models.AllPermissions(), RequestID: "test"}
}

// user is somebody of a customer's.
func user(customer models.ID) models.Principal {
	return models.Principal{Kind: models.CustomerUser, UserID: "usr_test", CustomerID: customer, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
}

// brief is what a test says of an entry: "FUND -1.00 CNY -> 9.00 CNY".
func brief(e models.StatementEntry) string {
	return fmt.Sprintf("%s %s -> %s", e.TradeType(), e.Amount, e.BalanceAfter)
}

func briefs(entries []models.StatementEntry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, brief(e))
	}
	return all
}

func ptr[T any](v T) *T { return &v }
