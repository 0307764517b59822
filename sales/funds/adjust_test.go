package funds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestOperatorsAdjustBalances(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		ctx := context.Background()
		up := funds.AdjustBalance{PartnerID: &b.distributor, Amount: amount("12.30"), Reason: "ticket 1", IdempotencyKey: "1"}
		done, err := b.AdjustBalance(ctx, operator(), up)
		b.want(err, "")
		if done.Balance.Available.String() != "12.30 CNY" || done.Transfer.Kind != models.TransferAdjust || done.Balance.Version != 1 {
			t.Errorf("%+v", done)
		}
		again, err := b.AdjustBalance(ctx, operator(), up)
		b.want(err, "")
		if diff := cmp.Diff(done, again); diff != "" || b.cash(b.distributor) != 1230 {
			t.Errorf("the second answer differs, or moved again: %d %s", b.cash(b.distributor), diff)
		}
		up.Reason = "ticket 2"
		_, err = b.AdjustBalance(ctx, operator(), up)
		b.want(err, "CONFLICT")

		// An advisory customer has money of its own, which may be wrong as well; its partner is not told (C01).
		for i, customer := range []models.ID{b.resale, b.advisory} {
			_, err = b.AdjustBalance(ctx, operator(), funds.AdjustBalance{CustomerID: &customer, Amount: amount("5"), Reason: "r", IdempotencyKey: fmt.Sprint("c", i)})
			b.want(err, "")
			_, err = b.AdjustBalance(ctx, operator(), funds.AdjustBalance{CustomerID: &customer, Amount: amount("-2.5"), Reason: "r", IdempotencyKey: fmt.Sprint("d", i)})
			b.want(err, "")
			if b.cash(customer) != 250 {
				t.Errorf("%d is left", b.cash(customer))
			}
		}
		var happened []models.Event
		b.want(db.NewSelect().Model(&happened).Order("id").Scan(ctx), "")
		got := map[string]int{}
		for _, e := range happened {
			got[fmt.Sprint(e.Type, " ", e.PartnerID, " ", e.CustomerID, " ", e.SubjectID, " ", e.Data["amount"])]++
		}
		want := map[string]int{}
		for _, kind := range []models.EventType{models.EventBalanceAdjusted, models.EventBalanceChanged} {
			want[fmt.Sprint(kind, " ", b.distributor, "  ", b.distributor, " 12.30")] = 1
			for _, minor := range []string{"5.00", "-2.50"} {
				want[fmt.Sprint(kind, " ", b.distributor, " ", b.resale, " ", b.resale, " ", minor)] = 1
				want[fmt.Sprint(kind, "  ", b.advisory, " ", b.advisory, " ", minor)] = 1
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		statement, err := b.Statement(ctx, b.as(b.distributor), funds.StatementQuery{}, models.PageArgs{})
		b.want(err, "")
		if len(statement.Edges) != 1 || *statement.Edges[0].Node.ReasonOrNil() != "ticket 1" {
			t.Errorf("the statement says %v", statement.Nodes())
		}
		b.sound()
	})
}

func TestAdjustmentsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerPartner, b.distributor, models.AccountBalance, "CNY", 1000, 400)
		before := b.everything()
		ours := func(change func(*funds.AdjustBalance)) funds.AdjustBalance {
			cmd := funds.AdjustBalance{PartnerID: &b.distributor, Amount: amount("1"), Reason: "r", IdempotencyKey: "k"}
			change(&cmd)
			return cmd
		}
		as := func(cmd *funds.AdjustBalance) { _ = cmd }
		for name, tt := range map[string]struct {
			who     models.Principal
			cmd     funds.AdjustBalance
			refused string
		}{
			"nobody":                           {models.Principal{}, ours(as), "UNAUTHENTICATED"},
			"the partner itself":               {b.as(b.distributor), ours(as), "FORBIDDEN"},
			"a customer":                       {user(b.resale), ours(as), "FORBIDDEN"},
			"an operator without MONEY_MOVE":   {models.Principal{Kind: models.Operator, Permissions: []models.Permission{models.ReadBalances}}, ours(as), "FORBIDDEN"},
			"nobody's balance":                 {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID = nil }), "INVALID partnerId"},
			"two balances":                     {operator(), ours(func(c *funds.AdjustBalance) { c.CustomerID = &b.resale }), "INVALID partnerId"},
			"a partner that is none":           {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID = &b.resale }), "INVALID partnerId"},
			"a customer that is none":          {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID, c.CustomerID = nil, &b.reseller }), "INVALID customerId"},
			"an unknown partner":               {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID = ptr(b.IDs(models.PrefixPartner)) }), "NOT_FOUND"},
			"an unknown customer":              {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID, c.CustomerID = nil, ptr(b.IDs(models.PrefixCustomer)) }), "NOT_FOUND"},
			"zero":                             {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = decimal.Zero }), "INVALID amount"},
			"three digits":                     {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = amount("-1.005") }), "INVALID amount"},
			"a huge exponent":                  {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = decimal.New(1, 50_000_000) }), "INVALID amount"},
			"a tiny exponent":                  {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = decimal.New(1, -50_000_000) }), "INVALID amount"},
			"more than any amount":             {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = amount("10000000000000.01") }), "INVALID amount"},
			"without a reason":                 {operator(), ours(func(c *funds.AdjustBalance) { c.Reason = "" }), "INVALID reason"},
			"blanks for a reason":              {operator(), ours(func(c *funds.AdjustBalance) { c.Reason = " \t " }), "INVALID reason"},
			"two lines of reason":              {operator(), ours(func(c *funds.AdjustBalance) { c.Reason = "a\nb" }), "INVALID reason"},
			"a long reason":                    {operator(), ours(func(c *funds.AdjustBalance) { c.Reason = strings.Repeat("因", 501) }), "INVALID reason"},
			"no text":                          {operator(), ours(func(c *funds.AdjustBalance) { c.Reason = "\xff" }), "INVALID reason"},
			"without a key":                    {operator(), ours(func(c *funds.AdjustBalance) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
			"below the floor":                  {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = amount("-10.01") }), "INSUFFICIENT_BALANCE"},
			"into what is held":                {operator(), ours(func(c *funds.AdjustBalance) { c.Amount = amount("-6.01") }), "INSUFFICIENT_BALANCE"},
			"from a customer that has nothing": {operator(), ours(func(c *funds.AdjustBalance) { c.PartnerID, c.CustomerID, c.Amount = nil, &b.empty, amount("-0.01") }), "INSUFFICIENT_BALANCE"},
		} {
			_, err := b.AdjustBalance(context.Background(), tt.who, tt.cmd)
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
		if diff := cmp.Diff(before, b.everything()); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		longest := ours(func(c *funds.AdjustBalance) { c.Amount, c.Reason = amount("-6"), strings.Repeat("因", 500) })
		_, err := b.AdjustBalance(context.Background(), operator(), longest)
		b.want(err, "")
		b.sound()
	})
}

// Many operators take a tenth at once: ten get it, and one key takes once.
func TestAdjustmentsAtOnceStopAtTheFloor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerPartner, b.distributor, models.AccountBalance, "CNY", 1000, 0)
		answers := atOnce(24, func(i int) string {
			_, err := b.AdjustBalance(context.Background(), operator(), funds.AdjustBalance{
				PartnerID: &b.distributor, Amount: amount("-1"), Reason: "r", IdempotencyKey: fmt.Sprint(i / 2),
			})
			return refusal(err)
		})
		got := map[string]int{}
		for _, answer := range answers {
			got[answer]++
		}
		if diff := cmp.Diff(map[string]int{"": 20, "INSUFFICIENT_BALANCE": 4}, got); diff != "" || b.cash(b.distributor) != 0 {
			t.Errorf("%d is left; answers (-want +got):\n%s", b.cash(b.distributor), diff)
		}
		b.sound()
	})
}
