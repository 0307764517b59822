package funds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func worth(text string) *decimal.Decimal {
	d := amount(text)
	return &d
}

func TestRestrictionsKeepMoneyBackUntilTheyAreLifted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		for _, row := range []struct {
			reason models.RestrictionReason
			amount *decimal.Decimal
			asked  string // refused with the restriction
			want   string
		}{
			{models.RestrictContract, nil, "0.01", "CONTRACT_FORBIDS_REFUND"},
			{models.RestrictDebt, worth("30"), "70.01", "INVOICE_DEBT"},
			{models.RestrictGifts, worth("99.99"), "0.02", "RECHARGE_EARNED_GIFTS"},
		} {
			done, err := s.RestrictWithdrawals(ctx, reviewer(), funds.RestrictWithdrawals{
				PartnerID: &s.distributor, Reason: row.reason, Amount: row.amount, Note: "ticket 7",
			})
			s.want(err, "")
			_, err = s.SubmitWithdrawal(ctx, who, withdrawing(row.asked, string(row.reason), models.OriginalRoute))
			s.want(err, row.want)
			// Everybody else's money is as free as before.
			s.wantWithdrawable(s.as(s.stranger), map[models.WithdrawalRoute]string{models.OriginalRoute: "0.00", models.BankCardRoute: "0.00", models.IncentiveRebate: "0.00"})
			for by, note := range map[*models.Principal]string{{Kind: models.Operator, Permissions: models.AllPermissions()}: "ticket 7", &who: ""} {
				all, err := s.WithdrawalEligibility(ctx, *by, funds.EligibilityQuery{PartnerID: &s.distributor})
				s.want(err, "")
				b := all[0].Blockers[0]
				if string(b.Reason) != string(row.reason) || b.RestrictionID == nil || *b.RestrictionID != done.Restriction.ID || (note == "") != (b.Note == nil) {
					t.Errorf("%s reads %+v", by.Kind, b)
				}
			}
			lift := funds.LiftWithdrawalRestriction{RestrictionID: done.Restriction.ID}
			lifted, err := s.LiftWithdrawalRestriction(ctx, reviewer(), lift)
			s.want(err, "")
			if lifted.Restriction.LiftedAt == nil {
				t.Error("lifted without a time")
			}
			_, err = s.LiftWithdrawalRestriction(ctx, reviewer(), lift)
			s.want(err, "RESTRICTION_LIFTED")
			id := s.submitted(who, row.asked, models.OriginalRoute).ID
			s.take(who, id, "cancel")
		}
		var happened []models.Event
		s.want(db.NewSelect().Model(&happened).Where("type LIKE 'withdrawal.restrict%'").Scan(ctx), "")
		for _, e := range happened {
			if e.PartnerID != s.distributor || strings.Contains(fmt.Sprint(e.Data), "ticket") {
				t.Errorf("an event of %s says %v", e.PartnerID, e.Data)
			}
		}
		if len(happened) != 6 {
			t.Errorf("%d events", len(happened))
		}
	})
}

// M11: what came up during the review refuses the approval, changes nothing, and passes when it is gone.
func TestAnApprovalJudgesAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		id := s.submitted(who, "60", models.OriginalRoute).ID
		s.take(who, id, "start")
		before := s.balance(s.distributor)
		approve := s.steps(who)["approve"]
		for reason, worth := range map[models.RestrictionReason]*decimal.Decimal{models.RestrictContract: nil, models.RestrictDebt: worth("40.01")} {
			done, err := s.RestrictWithdrawals(ctx, reviewer(), funds.RestrictWithdrawals{
				PartnerID: &s.distributor, Reason: reason, Amount: worth, Note: "ticket 8",
			})
			s.want(err, "")
			s.want(approve(reviewer(), id, "a"), string(reason))
			if got := s.balance(s.distributor); got != before {
				t.Errorf("%s: %v, before %v", reason, got, before)
			}
			_, err = s.LiftWithdrawalRestriction(ctx, reviewer(), funds.LiftWithdrawalRestriction{RestrictionID: done.Restriction.ID})
			s.want(err, "")
		}
		// A debt of what is left besides keeps nothing of this back.
		_, err := s.RestrictWithdrawals(ctx, reviewer(), funds.RestrictWithdrawals{
			PartnerID: &s.distributor, Reason: models.RestrictDebt, Amount: worth("40"), Note: "ticket 9",
		})
		s.want(err, "")
		s.want(approve(reviewer(), id, "a"), "")
		s.sound()
	})
}

func TestBadRestrictionsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		greedy := s.as(s.distributor)
		greedy.Permissions = models.AllPermissions()
		nobody, other := models.ID("par_01h455vb4pex5vsknk084sn02q"), s.advisory
		good := func() funds.RestrictWithdrawals {
			return funds.RestrictWithdrawals{PartnerID: &s.distributor, Reason: models.RestrictDebt, Amount: worth("1"), Note: "n"}
		}
		before := s.everything()
		for name, tt := range map[string]struct {
			who    models.Principal
			change func(*funds.RestrictWithdrawals)
			want   string
		}{
			"nobody":                    {models.Principal{}, nil, "UNAUTHENTICATED"},
			"the owner":                 {s.as(s.distributor), nil, "FORBIDDEN"},
			"with every permission":     {greedy, nil, "FORBIDDEN"},
			"no owner":                  {reviewer(), func(c *funds.RestrictWithdrawals) { c.PartnerID = nil }, "INVALID partnerId"},
			"two owners":                {reviewer(), func(c *funds.RestrictWithdrawals) { c.CustomerID = &other }, "INVALID customerId"},
			"a customer's id":           {reviewer(), func(c *funds.RestrictWithdrawals) { c.PartnerID = &other }, "INVALID partnerId"},
			"no such partner":           {reviewer(), func(c *funds.RestrictWithdrawals) { c.PartnerID = &nobody }, "NOT_FOUND"},
			"no such reason":            {reviewer(), func(c *funds.RestrictWithdrawals) { c.Reason = "BAD_MOOD" }, "INVALID reason"},
			"debt without an amount":    {reviewer(), func(c *funds.RestrictWithdrawals) { c.Amount = nil }, "INVALID amount"},
			"zero":                      {reviewer(), func(c *funds.RestrictWithdrawals) { c.Amount = worth("0") }, "INVALID amount"},
			"three digits":              {reviewer(), func(c *funds.RestrictWithdrawals) { c.Amount = worth("0.001") }, "INVALID amount"},
			"a contract with an amount": {reviewer(), func(c *funds.RestrictWithdrawals) { c.Reason = models.RestrictContract }, "INVALID amount"},
			"no note":                   {reviewer(), func(c *funds.RestrictWithdrawals) { c.Note = "" }, "INVALID note"},
		} {
			cmd := good()
			if tt.change != nil {
				tt.change(&cmd)
			}
			if _, err := s.RestrictWithdrawals(ctx, tt.who, cmd); refusal(err) != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
		_, err := s.LiftWithdrawalRestriction(ctx, reviewer(), funds.LiftWithdrawalRestriction{RestrictionID: "wrs_01h455vb4pex5vsknk084sn02q"})
		s.want(err, "NOT_FOUND")
		_, err = s.LiftWithdrawalRestriction(ctx, reviewer(), funds.LiftWithdrawalRestriction{RestrictionID: nobody})
		s.want(err, "INVALID restrictionId")
		_, err = s.LiftWithdrawalRestriction(ctx, greedy, funds.LiftWithdrawalRestriction{RestrictionID: "wrs_01h455vb4pex5vsknk084sn02q"})
		s.want(err, "FORBIDDEN")
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
	})
}

// M11, P11: a partner withdraws nothing while a resale customer of its own or of its reseller's is below zero.
func TestArrearsOfCustomersBlock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		for i, customer := range []models.ID{s.resale, s.resellers, s.advisory, s.other} {
			s.overdraw(customer, 7)
			_, err := s.SubmitWithdrawal(ctx, who, withdrawing("1", fmt.Sprint(i), models.OriginalRoute))
			if want := []string{"CUSTOMERS_IN_ARREARS", "CUSTOMERS_IN_ARREARS", "", ""}[i]; refusal(err) != want {
				t.Errorf("customer %d: %v, want %q", i, err, want)
			}
			if err == nil {
				found, err := s.FindWithdrawals(ctx, who, funds.WithdrawalFilter{States: []models.WithdrawalState{models.WithdrawalSubmitted}}, models.PageArgs{})
				s.want(err, "")
				s.take(who, found.Nodes()[0].ID, "cancel")
			}
			s.receive(models.OwnerCustomer, customer, models.TransferAdjust, 7)
		}
	})
}

// overdraw spends on a credit line.
func (s *shop) overdraw(customer models.ID, minor int64) {
	s.t.Helper()
	line := -minor
	s.want(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: models.OwnerCustomer, OwnerID: string(customer), Kind: models.AccountBalance, Asset: "CNY", Floor: &line,
		})
		if err != nil {
			return err
		}
		revenue, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountRevenue, Asset: "CNY"})
		if err != nil {
			return err
		}
		_, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferPayment, Legs: []ledger.Leg{{AccountID: account.ID, AmountMinor: -minor}, {AccountID: revenue.ID, AmountMinor: minor}},
		})
		return err
	}), "")
}

func TestWhoReadsWithdrawalsAndEligibility(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 0)
		s.give(models.OwnerPartner, s.stranger, models.AccountBalance, "CNY", 1000, 0)
		s.give(models.OwnerCustomer, s.advisory, models.AccountBalance, "CNY", 1000, 0)
		ids := map[string]models.ID{
			"distributor's": s.submitted(s.as(s.distributor), "1", models.OriginalRoute).ID,
			"stranger's":    s.submitted(s.as(s.stranger), "1", models.OriginalRoute).ID,
			"advisory's":    s.submitted(buyer(s.advisory), "1", models.OriginalRoute).ID,
		}
		owners := map[string]funds.EligibilityQuery{
			"distributor's": {PartnerID: &s.distributor}, "stranger's": {PartnerID: &s.stranger}, "advisory's": {CustomerID: &s.advisory},
		}
		for name, tt := range map[string]struct {
			who  models.Principal
			sees []string
		}{
			"an operator":               {reviewer(), []string{"advisory's", "distributor's", "stranger's"}},
			"the distributor":           {s.as(s.distributor), []string{"distributor's"}},
			"its reseller":              {s.as(s.reseller), nil},
			"the stranger":              {s.as(s.stranger), []string{"stranger's"}},
			"the distributor's advised": {buyer(s.advisory), []string{"advisory's"}},
			"its resale customer":       {buyer(s.resale), nil},
		} {
			found, err := s.WithdrawalsByIDs(ctx, tt.who, values(ids))
			s.want(err, "")
			if diff := cmp.Diff(tt.sees, names(ids, found)); diff != "" {
				t.Errorf("%s sees (-want +got):\n%s", name, diff)
			}
			page, err := s.FindWithdrawals(ctx, tt.who, funds.WithdrawalFilter{}, models.PageArgs{WantTotal: true})
			s.want(err, "")
			if len(page.Edges) != len(tt.sees) || *page.TotalCount != len(tt.sees) {
				t.Errorf("%s lists %d, counts %d", name, len(page.Edges), *page.TotalCount)
			}
			for owner, query := range owners {
				want, visible := "NOT_FOUND", false
				for _, seen := range tt.sees {
					visible = visible || seen == owner
				}
				if visible {
					want = ""
				}
				all, err := s.WithdrawalEligibility(ctx, tt.who, query)
				if refusal(err) != want || visible != (len(all) == 3) {
					t.Errorf("%s asks about the %s: %v, %v", name, owner, all, err)
				}
			}
		}
		for who, code := range map[*models.Principal]string{{}: "UNAUTHENTICATED", {Kind: models.PartnerKey, PartnerID: s.distributor}: "FORBIDDEN"} {
			_, list := s.FindWithdrawals(ctx, *who, funds.WithdrawalFilter{}, models.PageArgs{})
			_, byID := s.WithdrawalsByIDs(ctx, *who, nil)
			_, may := s.WithdrawalEligibility(ctx, *who, funds.EligibilityQuery{})
			if refusal(list) != code || refusal(byID) != code || refusal(may) != code {
				t.Errorf("%q without the permission: %v, %v, %v", who.Kind, list, byID, may)
			}
		}
		filtered := func(filter funds.WithdrawalFilter) int {
			found, err := s.FindWithdrawals(ctx, reviewer(), filter, models.PageArgs{})
			s.want(err, "")
			return len(found.Edges)
		}
		got := []int{
			filtered(funds.WithdrawalFilter{PartnerID: &s.distributor}), filtered(funds.WithdrawalFilter{CustomerID: &s.advisory}),
			filtered(funds.WithdrawalFilter{States: []models.WithdrawalState{models.WithdrawalSubmitted}}),
			filtered(funds.WithdrawalFilter{States: []models.WithdrawalState{models.WithdrawalDone}}), filtered(funds.WithdrawalFilter{States: []models.WithdrawalState{}}),
		}
		if diff := cmp.Diff([]int{1, 1, 3, 0, 0}, got); diff != "" {
			t.Errorf("filters (-want +got):\n%s", diff)
		}
		bad := models.ID("par_01h455vb4pex5vsknk084sn02q")
		_, err := s.FindWithdrawals(ctx, reviewer(), funds.WithdrawalFilter{CustomerID: &bad}, models.PageArgs{})
		s.want(err, "INVALID customerId")
		_, err = s.FindWithdrawals(ctx, reviewer(), funds.WithdrawalFilter{PartnerID: &s.advisory}, models.PageArgs{})
		s.want(err, "INVALID partnerId")
		_, err = s.WithdrawalEligibility(ctx, reviewer(), funds.EligibilityQuery{PartnerID: &bad})
		s.want(err, "NOT_FOUND")
		none, err := s.WithdrawalEligibility(ctx, reviewer(), funds.EligibilityQuery{})
		if len(none) != 0 || err != nil {
			t.Errorf("an operator has %v of its own, %v", none, err)
		}
		wrong := models.WithdrawalRoute("CASH")
		_, err = s.WithdrawalEligibility(ctx, reviewer(), funds.EligibilityQuery{PartnerID: &s.distributor, Route: &wrong})
		s.want(err, "INVALID route")
		card := models.BankCardRoute
		one, err := s.WithdrawalEligibility(ctx, buyer(s.advisory), funds.EligibilityQuery{Route: &card})
		if err != nil || len(one) != 1 || one[0].Route != card || one[0].Blockers[0].Reason != models.BlockInFlight {
			t.Errorf("one route: %+v, %v", one, err)
		}
	})
}
