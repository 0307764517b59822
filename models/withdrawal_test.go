package models_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestWithdrawalStates(t *testing.T) {
	t.Parallel()
	legal := map[models.WithdrawalState][]models.WithdrawalState{
		models.WithdrawalSubmitted:      {models.WithdrawalReviewing, models.WithdrawalCancelled},
		models.WithdrawalReviewing:      {models.WithdrawalRejected, models.WithdrawalApproved},
		models.WithdrawalApproved:       {models.WithdrawalPaying},
		models.WithdrawalPaying:         {models.WithdrawalRejected, models.WithdrawalDone, models.WithdrawalFailedOriginal},
		models.WithdrawalFailedOriginal: {models.WithdrawalSubmitted},
	}
	for _, from := range models.WithdrawalStates() {
		for _, to := range models.WithdrawalStates() {
			w := models.Withdrawal{State: from, EndedAt: &today}
			err := w.Become(to, today)
			if !slices.Contains(legal[from], to) {
				var refused *models.Error
				if !errors.As(err, &refused) || refused.Reason() != "WITHDRAWAL_STATE" || refused.Details["state"] != string(from) || w.State != from {
					t.Errorf("%s to %s: %v, now %s; want a refusal", from, to, err, w.State)
				}
				continue
			}
			if err != nil || w.State != to || (w.EndedAt == nil) != to.InFlight() {
				t.Errorf("%s to %s: %v, now %s, ended %v", from, to, err, w.State, w.EndedAt)
			}
		}
	}
}

func TestAFailedPayout(t *testing.T) {
	t.Parallel()
	for _, state := range models.WithdrawalStates() {
		for _, route := range models.WithdrawalRoutes() {
			w := models.Withdrawal{State: state, Route: route}
			err := w.Fail("it came back", today)
			if state != models.WithdrawalPaying {
				if models.CodeOf(err) != models.CodePreconditionFailed || w.State != state || w.ReasonText != "" {
					t.Errorf("%s fails: %v, now %s", state, err, w.State)
				}
				continue
			}
			want := models.Withdrawal{State: models.WithdrawalRejected, RejectionCode: models.RejectedPayoutFailed}
			if route == models.OriginalRoute { // it becomes eligible for a bank card (M11)
				want = models.Withdrawal{State: models.WithdrawalFailedOriginal, FailedAt: &today}
			}
			want.Route, want.ReasonText, want.EndedAt, want.UpdatedAt = route, "it came back", &today, today
			if diff := cmp.Diff(want, w); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", route, err, diff)
			}
		}
	}
}

func TestHowLongTheOriginalRouteIsOpen(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind    models.TransferKind
		channel models.RechargeChannel
		at      time.Time
		want    models.WithdrawalRoute
	}{
		"M11 Alipay of 11 months":            {models.TransferRecharge, models.ChannelAlipay, time.Date(2025, 12, 21, 12, 0, 0, 0, time.UTC), models.OriginalRoute},
		"M11 Alipay a moment older":          {models.TransferRecharge, models.ChannelAlipay, time.Date(2025, 12, 21, 11, 59, 59, 0, time.UTC), models.BankCardRoute},
		"M11 WeChat of 11 months":            {models.TransferRecharge, models.ChannelWeChat, time.Date(2025, 12, 21, 12, 0, 0, 0, time.UTC), models.OriginalRoute},
		"M11 WeChat a moment older":          {models.TransferRecharge, models.ChannelWeChat, time.Date(2025, 12, 21, 11, 59, 59, 0, time.UTC), models.BankCardRoute},
		"M11 UnionPay of 3 months":           {models.TransferRecharge, models.ChannelUnionPay, time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC), models.OriginalRoute},
		"M11 UnionPay a moment older":        {models.TransferRecharge, models.ChannelUnionPay, time.Date(2026, 8, 21, 11, 59, 59, 0, time.UTC), models.BankCardRoute},
		"an old bank transfer":               {models.TransferRecharge, "", time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), models.OriginalRoute},
		"an unknown channel":                 {models.TransferRecharge, "", time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), models.OriginalRoute},
		"M11 a recall, a relation changed":   {models.TransferRecall, "", today, models.BankCardRoute},
		"a reclaim":                          {models.TransferReclaim, "", today, models.BankCardRoute},
		"O09 a refund":                       {models.TransferRefund, "", today, models.BankCardRoute},
		"a refund never has a channel's age": {models.TransferRefund, models.ChannelAlipay, today, models.BankCardRoute},
	} {
		r := models.Receipt{Kind: tt.kind, Channel: tt.channel, At: tt.at, AmountMinor: 1}
		if got := r.RouteAt(today); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestWhatIsLeftOfReceipts compares the judgement from receipts and payouts alone with a purse that lives through every
// movement in turn.
func TestWhatIsLeftOfReceipts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var purse, received []models.Receipt
		var payouts []models.Payout
		now := today
		total := func(route models.WithdrawalRoute) (sum int64) {
			for _, r := range purse {
				if route == "" || r.RouteAt(now) == route {
					sum += r.AmountMinor
				}
			}
			return sum
		}
		for range rapid.IntRange(0, 40).Draw(t, "movements") {
			now = now.Add(time.Duration(rapid.IntRange(1, 60*24).Draw(t, "hours")) * time.Hour)
			switch rapid.SampledFrom([]string{"receive", "spend", "pay out"}).Draw(t, "movement") {
			case "receive":
				r := models.Receipt{
					Kind:    rapid.SampledFrom([]models.TransferKind{models.TransferRecharge, models.TransferRecall}).Draw(t, "kind"),
					Channel: rapid.SampledFrom([]models.RechargeChannel{models.ChannelAlipay, models.ChannelUnionPay, ""}).Draw(t, "channel"),
					At:      now, AmountMinor: rapid.Int64Range(1, 100).Draw(t, "received"),
				}
				purse, received = append(purse, r), append(received, r)
			case "spend":
				spent := rapid.Int64Range(0, total("")).Draw(t, "spent")
				for i := range purse { // the oldest first
					taken := min(spent, purse[i].AmountMinor)
					purse[i].AmountMinor -= taken
					spent -= taken
				}
			case "pay out":
				p := models.Payout{Route: rapid.SampledFrom([]models.WithdrawalRoute{models.OriginalRoute, models.BankCardRoute}).Draw(t, "route"), At: now}
				p.AmountMinor = rapid.Int64Range(0, total(p.Route)).Draw(t, "paid out")
				payouts = append(payouts, p)
				rest := p.AmountMinor
				for i := len(purse) - 1; i >= 0; i-- { // the newest of its route first
					if purse[i].RouteAt(now) == p.Route {
						taken := min(rest, purse[i].AmountMinor)
						purse[i].AmountMinor -= taken
						rest -= taken
					}
				}
			}
		}
		left := total("")
		want := slices.DeleteFunc(purse, func(r models.Receipt) bool { return r.AmountMinor == 0 })
		if diff := cmp.Diff(want, models.LeftOf(received, payouts, left)); diff != "" && len(want) > 0 {
			t.Fatalf("from all receipts (-want +got):\n%s", diff)
		}
		// The newest receipts that can matter say the same.
		wanted, from := left, len(received)
		for _, p := range payouts {
			wanted += p.AmountMinor
		}
		for from > 0 && wanted > 0 {
			from--
			wanted -= received[from].AmountMinor
		}
		if diff := cmp.Diff(want, models.LeftOf(received[from:], payouts, left)); diff != "" && len(want) > 0 {
			t.Fatalf("from the newest receipts (-want +got):\n%s", diff)
		}
	})
}

func TestRoutesAddUp(t *testing.T) {
	t.Parallel()
	recharge := func(minor int64, channel models.RechargeChannel, at time.Time) models.Receipt {
		return models.Receipt{Kind: models.TransferRecharge, Channel: channel, AmountMinor: minor, At: at}
	}
	left := []models.Receipt{
		recharge(10, models.ChannelAlipay, today.AddDate(-1, 0, 0)),
		{Kind: models.TransferRecall, AmountMinor: 20, At: today.AddDate(0, -2, 0)},
		recharge(40, models.ChannelWeChat, today.AddDate(0, -1, 0)),
		recharge(80, "", today),
	}
	failed := []models.Payout{{Route: models.OriginalRoute, AmountMinor: 50, At: today.AddDate(0, 0, -1)}}
	want := models.RouteSums{OriginalMinor: 80, BankCardMinor: 70, TooOldMinor: 10, NeverMinor: 20, FailedMinor: 40}
	if diff := cmp.Diff(want, models.RoutesOf(left, failed, today)); diff != "" {
		t.Errorf("a failure counts for what was there before it (-want +got):\n%s", diff)
	}
	if left[2].AmountMinor != 40 {
		t.Error("the receipts were changed")
	}
}

func TestEligibility(t *testing.T) {
	t.Parallel()
	cny := func(minor int64) *models.Money { return &models.Money{Minor: minor, Currency: models.CNY} }
	young := models.Receipt{Kind: models.TransferRecharge, Channel: models.ChannelAlipay, AmountMinor: 100, At: today.AddDate(0, -1, 0)}
	old := models.Receipt{Kind: models.TransferRecharge, Channel: models.ChannelAlipay, AmountMinor: 30, At: today.AddDate(-1, 0, 0)}
	base := models.WithdrawalFacts{
		OwnerKind: models.OwnerPartner, PartnerKind: models.Distributor, Currency: models.CNY, CashMinor: 130, BonusMinor: 50,
		Receipts: []models.Receipt{old, young},
	}
	with := func(change func(*models.WithdrawalFacts)) models.WithdrawalFacts {
		facts := base
		change(&facts)
		return facts
	}
	restricted := func(reason models.RestrictionReason, minor int64) models.WithdrawalFacts {
		return with(func(f *models.WithdrawalFacts) {
			f.Restrictions = []models.WithdrawalRestriction{{ID: "wrs_1", Reason: reason, AmountMinor: minor, Currency: models.CNY}}
		})
	}
	customer := func(since *time.Time) models.WithdrawalFacts {
		return with(func(f *models.WithdrawalFacts) {
			f.OwnerKind, f.PartnerKind, f.ResaleSince = models.OwnerCustomer, "", since
		})
	}
	ages := func(t time.Time) *time.Time { return &t }
	type found struct {
		Reason models.BlockReason
		All    bool
		Amount *models.Money
	}
	tooOld := found{models.BlockTooOld, false, cny(30)}
	for name, tt := range map[string]struct {
		facts        models.WithdrawalFacts
		route        models.WithdrawalRoute
		withdrawable int64
		want         []found
	}{
		"M11 the original route takes what is young enough": {base, models.OriginalRoute, 100, []found{tooOld}},
		"M11 a bank card takes the rest":                    {base, models.BankCardRoute, 30, []found{{models.BlockOriginalRouteOnly, false, cny(100)}}},
		"M10 rebates come from the bonus account":           {base, models.IncentiveRebate, 50, nil},
		"M10 one at a time":                                 {with(func(f *models.WithdrawalFacts) { f.InFlight = true }), models.IncentiveRebate, 0, []found{{models.BlockInFlight, true, nil}}},
		"M06 a reseller's money goes to its distributor":    {with(func(f *models.WithdrawalFacts) { f.PartnerKind = models.CloudReseller }), models.IncentiveRebate, 0, []found{{models.BlockReseller, true, nil}}},
		"only partners have rebates":                        {customer(nil), models.IncentiveRebate, 0, []found{{models.BlockRoute, true, nil}}},
		"C21 a frozen customer":                             {with(func(f *models.WithdrawalFacts) { f.OwnerKind, f.Frozen = models.OwnerCustomer, true }), models.BankCardRoute, 0, []found{{models.BlockFrozen, true, nil}, {models.BlockOriginalRouteOnly, false, cny(100)}}},
		"an advisory customer":                              {customer(nil), models.OriginalRoute, 100, []found{tooOld}},
		"C02 a resale customer":                             {customer(ages(today.AddDate(-2, 0, 0))), models.OriginalRoute, 0, []found{{models.BlockResale, true, cny(130)}}},
		"C10 a resale customer's own money from before":     {customer(ages(today.AddDate(0, -2, 0))), models.BankCardRoute, 30, []found{{models.BlockResale, false, cny(100)}}},
		"O09 all its own":                                   {customer(ages(today)), models.OriginalRoute, 100, []found{tooOld}},
		"M11 the contract":                                  {restricted(models.RestrictContract, 0), models.IncentiveRebate, 0, []found{{models.BlockContract, true, nil}}},
		"M11 invoice debt":                                  {restricted(models.RestrictDebt, 45), models.OriginalRoute, 85, []found{{models.BlockDebt, false, cny(45)}, tooOld}},
		"M11 invoice debt above the amount":                 {restricted(models.RestrictDebt, 51), models.IncentiveRebate, 0, []found{{models.BlockDebt, false, cny(51)}}},
		"M11 gifts":                                         {restricted(models.RestrictGifts, 120), models.OriginalRoute, 10, []found{{models.BlockGifts, false, cny(120)}, tooOld}},
		"M11 gifts are given for cash":                      {restricted(models.RestrictGifts, 120), models.IncentiveRebate, 50, nil},
		"M11 arrears of customers":                          {with(func(f *models.WithdrawalFacts) { f.ArrearsMinor = 7 }), models.OriginalRoute, 0, []found{{models.BlockArrears, true, cny(7)}, tooOld}},
		"M11 a failure sends it to a card":                  {with(func(f *models.WithdrawalFacts) { f.Failed = []models.Payout{{models.OriginalRoute, 60, today}} }), models.BankCardRoute, 90, []found{{models.BlockOriginalRouteOnly, false, cny(40)}}},
		"and not back again":                                {with(func(f *models.WithdrawalFacts) { f.Failed = []models.Payout{{models.OriginalRoute, 60, today}} }), models.OriginalRoute, 40, []found{tooOld, {models.BlockOriginalFailed, false, cny(60)}}},
		"what is held is not there":                         {with(func(f *models.WithdrawalFacts) { f.CashMinor = 90 }), models.OriginalRoute, 90, nil},
		"less than nothing is nothing":                      {with(func(f *models.WithdrawalFacts) { f.CashMinor, f.BonusMinor = -5, -5 }), models.IncentiveRebate, 0, nil},
		"an overdrawn account":                              {with(func(f *models.WithdrawalFacts) { f.CashMinor = -5 }), models.BankCardRoute, 0, nil},
	} {
		e := tt.facts.Eligibility(tt.route, today)
		var got []found
		for _, b := range e.Blockers {
			got = append(got, found{b.Reason, b.BlocksAll, b.Amount})
			if len(b.Message) < 10 || len(b.SuggestedAction) < 10 {
				t.Errorf("%s: %s has no words", name, b.Reason)
			}
			if restriction := b.RestrictionID != nil; restriction != (len(tt.facts.Restrictions) > 0 && (b.Reason == models.BlockContract || b.Reason == models.BlockDebt || b.Reason == models.BlockGifts)) {
				t.Errorf("%s: %s, restriction %v", name, b.Reason, b.RestrictionID)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || e.Withdrawable != *cny(tt.withdrawable) {
			t.Errorf("%s: %s may be withdrawn, want %d; blockers (-want +got):\n%s", name, e.Withdrawable, tt.withdrawable, diff)
		}
	}
}

func TestCheckNamesTheBlocker(t *testing.T) {
	t.Parallel()
	part := func(reason models.BlockReason, minor int64) models.WithdrawalBlocker {
		return models.WithdrawalBlocker{Reason: reason, Amount: &models.Money{Minor: minor, Currency: models.CNY}}
	}
	for name, tt := range map[string]struct {
		blockers []models.WithdrawalBlocker
		amount   int64
		want     string
	}{
		"all of it":                  {nil, 40, ""},
		"below what is kept back":    {[]models.WithdrawalBlocker{part(models.BlockDebt, 60)}, 40, ""},
		"the one that keeps most":    {[]models.WithdrawalBlocker{part(models.BlockDebt, 10), part(models.BlockTooOld, 50), part(models.BlockGifts, 50)}, 41, "TOO_OLD_FOR_ORIGINAL_ROUTE"},
		"one that keeps all":         {[]models.WithdrawalBlocker{part(models.BlockDebt, 60), {Reason: models.BlockFrozen, BlocksAll: true}}, 1, "CUSTOMER_FROZEN"},
		"more than there is":         {[]models.WithdrawalBlocker{part(models.BlockDebt, 60)}, 101, ""},
		"a fen more without blocker": {nil, 41, ""},
	} {
		e := models.WithdrawalEligibility{Withdrawable: models.NewMoney(40, models.CNY), Free: models.NewMoney(100, models.CNY), Blockers: tt.blockers}
		err := e.Check(models.NewMoney(tt.amount, models.CNY))
		var refused *models.Error
		switch {
		case tt.want != "" && (!errors.As(err, &refused) || refused.Reason() != tt.want || refused.Details["withdrawable"] != "0.40"):
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		case tt.want == "" && tt.amount <= 40 && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want == "" && tt.amount > 40 && models.CodeOf(err) != models.CodeInsufficientBalance:
			t.Errorf("%s: %v, want INSUFFICIENT_BALANCE", name, err)
		}
	}
}
