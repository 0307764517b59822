package funds_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func operatorOfLimits() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions(), RequestID: "test"}
}

// TestLimitsBoundWhatMayBeSpentAndHandedOn is M03: earmarked money is not allocatable, and a credit line is only for orders.
func TestLimitsBoundWhatMayBeSpentAndHandedOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		fund := func(text, key string) string {
			_, err := s.FundCustomer(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount(text), IdempotencyKey: key})
			return refusal(err)
		}
		earmark := funds.SetLimit{PartnerID: &s.distributor, Amount: amount("30"), Reason: "tender", IdempotencyKey: "e1"}
		first, err := s.EarmarkBalance(ctx, operatorOfLimits(), earmark)
		s.want(err, "")
		again, err := s.EarmarkBalance(ctx, operatorOfLimits(), earmark)
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second answer differs:\n%s", diff)
		}
		line, err := s.SetCreditLine(ctx, operatorOfLimits(), funds.SetLimit{PartnerID: &s.distributor, Amount: amount("500.00"), Reason: "contract", IdempotencyKey: "c1"})
		s.want(err, "")
		b := line.Balance
		if diff := cmp.Diff([]string{"570.00 CNY", "100.00 CNY", "30.00 CNY", "70.00 CNY"},
			[]string{b.Available.String(), b.Total.String(), b.Earmarked.String(), b.Allocatable.String()}); diff != "" {
			t.Errorf("available, total, earmarked, allocatable (-want +got):\n%s", diff)
		}
		if b.Version <= first.Balance.Version {
			t.Errorf("version %d after %d", b.Version, first.Balance.Version)
		}
		if got := fund("70.01", "1"); got != "INSUFFICIENT_BALANCE" {
			t.Errorf("more than what is allocatable: %s", got)
		}
		if got := fund("70", "2"); got != "" {
			t.Errorf("what is allocatable: %s", got)
		}
		earmark.Amount, earmark.IdempotencyKey = amount("0"), "e2"
		_, err = s.EarmarkBalance(ctx, operatorOfLimits(), earmark)
		s.want(err, "")
		if got := fund("30", "3"); got != "" {
			t.Errorf("what was earmarked before: %s", got)
		}
		if got := fund("0.01", "4"); got != "INSUFFICIENT_BALANCE" {
			t.Errorf("the credit line handed on: %s", got)
		}
		s.sound()
	})
}

func TestLimitsThatAreInUseStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1_000, 0)
		set := func(verb func(context.Context, models.Principal, funds.SetLimit) (funds.Limited, error), text, key string) string {
			_, err := verb(ctx, operatorOfLimits(), funds.SetLimit{CustomerID: &s.resale, Amount: amount(text), Reason: "r", IdempotencyKey: key})
			return refusal(err)
		}
		if got := set(s.EarmarkBalance, "10.01", "1"); got != "LIMIT_IN_USE" {
			t.Errorf("more earmarked than there is: %s", got)
		}
		if got := set(s.SetCreditLine, "20", "2"); got != "" {
			t.Errorf("a line: %s", got)
		}
		// 25 are spent: 15 of the line.
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			floor := int64(0)
			from, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: string(s.resale), Kind: models.AccountBalance, Asset: "CNY", Floor: &floor})
			if err != nil {
				return err
			}
			to, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountRevenue, Asset: "CNY"})
			if err != nil {
				return err
			}
			_, _, err = s.Ledger.Post(ctx, tx, operatorOfLimits(), ledger.Posting{Kind: models.TransferPayment, Legs: []ledger.Leg{
				{AccountID: from.ID, AmountMinor: -2_500}, {AccountID: to.ID, AmountMinor: 2_500},
			}})
			return err
		})
		s.want(err, "")
		if got := set(s.SetCreditLine, "14.99", "3"); got != "LIMIT_IN_USE" {
			t.Errorf("less than is in use: %s", got)
		}
		if got := set(s.SetCreditLine, "15", "4"); got != "" {
			t.Errorf("what is in use: %s", got)
		}
		s.sound()
		// I4: paid back, the line may go again; what had been spent of it stays right.
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 2_000, 0)
		for i, text := range []string{"40", "1", "0"} {
			if got := set(s.SetCreditLine, text, fmt.Sprint("after", i)); got != "" {
				t.Errorf("%s after it was paid back: %s", text, got)
			}
			s.sound()
		}
	})
}

func TestLimitsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		good := funds.SetLimit{PartnerID: &s.distributor, Amount: amount("1"), Reason: "r", IdempotencyKey: "k"}
		with := func(change func(*funds.SetLimit)) funds.SetLimit {
			cmd := good
			change(&cmd)
			return cmd
		}
		unknown := models.ID("par_01h455vb4pex5vsknk084sn02q")
		for name, c := range map[string]struct {
			who     models.Principal
			cmd     funds.SetLimit
			refused string
		}{
			"anonymous":        {models.Principal{}, good, "UNAUTHENTICATED"},
			"the partner":      {s.as(s.distributor), good, "FORBIDDEN"},
			"no permission":    {models.Principal{Kind: models.Operator, UserID: "usr_x"}, good, "FORBIDDEN"},
			"both owners":      {operatorOfLimits(), with(func(c *funds.SetLimit) { c.CustomerID = &s.resale }), "INVALID partnerId"},
			"no owner":         {operatorOfLimits(), with(func(c *funds.SetLimit) { c.PartnerID = nil }), "INVALID partnerId"},
			"no such partner":  {operatorOfLimits(), with(func(c *funds.SetLimit) { c.PartnerID = &unknown }), "NOT_FOUND"},
			"a customer's id":  {operatorOfLimits(), with(func(c *funds.SetLimit) { c.PartnerID = &s.resale }), "INVALID partnerId"},
			"below zero":       {operatorOfLimits(), with(func(c *funds.SetLimit) { c.Amount = amount("-0.01") }), "INVALID amount"},
			"an exponent":      {operatorOfLimits(), with(func(c *funds.SetLimit) { c.Amount = amount("1e9") }), "INVALID amount"},
			"too many digits":  {operatorOfLimits(), with(func(c *funds.SetLimit) { c.Amount = amount("0.001") }), "INVALID amount"},
			"no reason":        {operatorOfLimits(), with(func(c *funds.SetLimit) { c.Reason = "" }), "INVALID reason"},
			"no key":           {operatorOfLimits(), with(func(c *funds.SetLimit) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
			"more than is had": {operatorOfLimits(), good, "LIMIT_IN_USE"},
		} {
			_, err := s.EarmarkBalance(context.Background(), c.who, c.cmd)
			if got := refusal(err); got != c.refused {
				t.Errorf("%s: %v, want %s", name, err, c.refused)
			}
		}
		if got, err := db.NewSelect().Model((*models.IdempotencyKey)(nil)).Count(context.Background()); err != nil || got != 0 {
			t.Errorf("%d keys are taken, %v", got, err)
		}
	})
}
