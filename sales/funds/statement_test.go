package funds_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// posted is one entry as the test remembers it.
type posted struct {
	Transfer models.ID
	Account  models.AccountKind
	Minor    int64
	At       time.Time
}

// M12: whatever moved in whatever order of clocks, the pages of a statement put together are the entries, each line's balance
// follows from the one before it, opening and sum make closing, and the balance at any moment is the oracle's.
func TestStatementAgreesWithItsOracle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			b.now = b.now.Add(time.Hour)
			opened := b.now
			partner, customer := b.partner(models.SolutionProvider), models.ID("")
			customer = b.shop.customer(partner, models.NotFrozen)
			remembered := b.trade(rt, partner, customer)
			b.now = b.now.Add(time.Minute) // a server's clock that was set back must not make the end the future
			for owner, q := range map[models.ID]funds.StatementQuery{
				partner: {PartnerID: &partner}, customer: {StatementFilter: funds.StatementFilter{CustomerID: &customer}},
			} {
				compare(rt, b, owner, q, remembered[owner], opened)
			}
		})
		b.sound()
	})
}

// trade moves money at random and returns what each owner's entries are, the oldest first.
func (b *books) trade(rt *rapid.T, partner, customer models.ID) map[models.ID][]posted {
	remembered := map[models.ID][]posted{}
	balance := map[models.ID]map[models.AccountKind]int64{partner: {}, customer: {}}
	top := b.now
	for range rapid.IntRange(0, 12).Draw(rt, "transfers") {
		b.now = b.now.Add(time.Duration(rapid.IntRange(-2, 3).Draw(rt, "seconds")) * time.Second)
		top = latest(top, b.now)
		minor := rapid.Int64Range(1, 90).Draw(rt, "minor")
		above, below := cash(models.OwnerPartner, partner), cash(models.OwnerCustomer, customer)
		var from, to ledger.AccountSpec
		kind := rapid.SampledFrom([]models.TransferKind{
			models.TransferRecharge, models.TransferFund, models.TransferReclaim, models.TransferAdjust, models.TransferPayment,
		}).Draw(rt, "kind")
		switch kind {
		case models.TransferRecharge:
			from, to = outside(), purse(models.OwnerPartner, partner, rapid.SampledFrom([]models.AccountKind{
				models.AccountBalance, models.AccountBonus, models.AccountDeposit,
			}).Draw(rt, "account"))
		case models.TransferFund:
			from, to = above, below
		case models.TransferReclaim:
			from, to = below, above
		case models.TransferAdjust:
			from, to = outside(), below
		case models.TransferPayment:
			from, to = below, outside()
		}
		if from.Kind != models.AccountWorld && balance[models.ID(from.OwnerID)][from.Kind] < minor {
			continue
		}
		done := b.move(ledger.Posting{Kind: kind}, from, to, minor)
		for spec, amount := range map[ledger.AccountSpec]int64{bare(from): -minor, bare(to): minor} {
			if owner := models.ID(spec.OwnerID); spec.Kind != models.AccountWorld {
				balance[owner][spec.Kind] += amount
				remembered[owner] = append(remembered[owner], posted{done.ID, spec.Kind, amount, done.CreatedAt})
			}
		}
	}
	b.now = top
	return remembered
}

func bare(spec ledger.AccountSpec) ledger.AccountSpec {
	spec.Floor = nil
	return spec
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func compare(rt *rapid.T, b *books, owner models.ID, q funds.StatementQuery, want []posted, opened time.Time) {
	size := rapid.IntRange(1, 5).Draw(rt, "page size")
	entries := b.whole(operator(), q, size, false)
	if diff := cmp.Diff(ids(entries), ids(b.whole(operator(), q, size, true))); diff != "" {
		rt.Fatalf("the statement differs when read from the end: %s", diff)
	}
	// Put together, the pages are the entries, each once.
	var got []posted
	for _, e := range slices.Backward(entries) {
		got = append(got, posted{e.Transfer.ID, e.AccountType, e.Amount.Minor, e.CreatedAt.UTC()})
	}
	slices.SortStableFunc(want, func(x, y posted) int { return x.At.Compare(y.At) })
	if !slices.IsSortedFunc(got, func(x, y posted) int { return x.At.Compare(y.At) }) {
		rt.Fatalf("the lines are not in the order of time: %v", got)
	}
	if diff := cmp.Diff(perAccount(want), perAccount(got)); diff != "" {
		rt.Fatalf("lines (-want +got): %s", diff)
	}
	// Within an account each line's balance follows from the one below it, so that opening and sum make closing.
	running := map[models.AccountKind]int64{}
	for _, e := range slices.Backward(entries) {
		if running[e.AccountType] += e.Amount.Minor; e.BalanceAfter.Minor != running[e.AccountType] {
			rt.Fatalf("%s after a balance of %d", brief(e), running[e.AccountType]-e.Amount.Minor)
		}
	}
	between(rt, b, q, entries, opened)
	past(rt, b, owner, want, opened)
}

// between asks for the lines between two moments, of which one may be that of lines, with and without a filter, and for how many they are.
func between(rt *rapid.T, b *books, q funds.StatementQuery, all []models.StatementEntry, opened time.Time) {
	moment := func(name string) time.Time {
		if len(all) > 0 && rapid.Bool().Draw(rt, name+" at a line") {
			return rapid.SampledFrom(all).Draw(rt, name).CreatedAt
		}
		return opened.Add(time.Duration(rapid.Int64Range(-1000, b.now.Sub(opened).Milliseconds()).Draw(rt, name)) * time.Millisecond)
	}
	from, to := moment("from"), moment("to").Add(time.Microsecond)
	if !from.Before(to) {
		from, to = to, from.Add(time.Microsecond)
	}
	q.From, q.To = &from, &to
	if rapid.Bool().Draw(rt, "open") {
		q.To = nil
	}
	if rapid.Bool().Draw(rt, "with income only") {
		q.Direction = ptr(models.Income)
	}
	if rapid.Bool().Draw(rt, "of one account") {
		q.AccountTypes = []models.AccountKind{models.AccountBalance}
	}
	var want []models.StatementEntry
	for _, e := range all {
		if !e.CreatedAt.Before(from) && (q.To == nil || e.CreatedAt.Before(to)) && (q.Direction == nil || e.Amount.Minor > 0) &&
			(q.AccountTypes == nil || e.AccountType == models.AccountBalance) {
			want = append(want, e)
		}
	}
	size := rapid.IntRange(1, 5).Draw(rt, "page size between")
	for _, backward := range []bool{false, true} {
		if diff := cmp.Diff(ids(want), ids(b.whole(operator(), q, size, backward))); diff != "" {
			rt.Fatalf("from %s to %v, backward %t (-want +got):\n%s", from, q.To, backward, diff)
		}
	}
	args := models.PageArgs{WantTotal: true}
	// A cursor may be of a line that the filter leaves out.
	if len(all) > 0 {
		at := rapid.IntRange(0, len(all)-1).Draw(rt, "cursor")
		args.After = ptr(models.NumberedCursor("statement", all[at].AccountID, all[at].Version))
		older := all[at+1:]
		want = slices.DeleteFunc(want, func(e models.StatementEntry) bool {
			return !slices.ContainsFunc(older, func(o models.StatementEntry) bool { return o.ID == e.ID })
		})
	}
	unpaged, err := b.Statement(context.Background(), operator(), q, models.PageArgs{WantTotal: true})
	if err != nil || *unpaged.TotalCount != len(unpaged.Edges) {
		rt.Fatalf("%v, %d of %d lines", err, len(unpaged.Edges), *unpaged.TotalCount)
	}
	page, err := b.Statement(context.Background(), operator(), q, args)
	if diff := cmp.Diff(ids(want), ids(page.Nodes())); err != nil || diff != "" || *page.TotalCount != len(unpaged.Edges) {
		rt.Fatalf("%v, %d in all, after a line (-want +got):\n%s", err, *page.TotalCount, diff)
	}
}

// past asks for the balance at a random moment, and at one of the very moments of the entries.
func past(rt *rapid.T, b *books, owner models.ID, entries []posted, opened time.Time) {
	at := opened.Add(time.Duration(rapid.Int64Range(-1000, b.now.Sub(opened).Milliseconds()).Draw(rt, "moment")) * time.Millisecond)
	if len(entries) > 0 && rapid.Bool().Draw(rt, "at an entry") {
		at = rapid.SampledFrom(entries).Draw(rt, "entry").At
	}
	want := map[models.AccountKind]int64{}
	var total int64
	for _, e := range entries {
		if !e.At.After(at) {
			want[e.Account] += e.Minor
			total += e.Minor
		}
	}
	ask := b.PartnerBalancesAt
	if owner.Prefix() == models.PrefixCustomer {
		ask = b.CustomerBalancesAt
	}
	found, err := ask(context.Background(), operator(), []models.ID{owner}, at)
	if err != nil {
		rt.Fatal(err)
	}
	got := map[models.AccountKind]int64{}
	for _, account := range found[owner].Accounts {
		got[account.Type] = account.Amount.Minor
	}
	if diff := cmp.Diff(want, got); diff != "" || found[owner].Total != cny(total) || !found[owner].AsOf.Equal(at) {
		rt.Fatalf("balance at %s: %s, want %d: %s", at, found[owner].Total, total, diff)
	}
}

func perAccount(entries []posted) map[models.AccountKind][]posted {
	by := map[models.AccountKind][]posted{}
	for _, e := range entries {
		by[e.Account] = append(by[e.Account], e)
	}
	return by
}

func ids(entries []models.StatementEntry) []models.ID {
	var all []models.ID
	for _, e := range entries {
		all = append(all, e.ID)
	}
	return all
}

// ledgerOfOne gives the distributor and its resale customer one movement of each kind, a day apart, the first on the 10th of
// November, with one 13 months earlier.
func ledgerOfOne(b *books) (order models.ID) {
	order = b.IDs(models.PrefixOrder)
	d, r, c := cash(models.OwnerPartner, b.distributor), cash(models.OwnerPartner, b.reseller), cash(models.OwnerCustomer, b.resale)
	b.now = noon.AddDate(0, -13, 0)
	b.move(ledger.Posting{Kind: models.TransferRecharge, Reason: "long ago"}, outside(), d, 10_000)
	b.now = time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		posting  ledger.Posting
		from, to ledger.AccountSpec
		minor    int64
	}{
		{ledger.Posting{Kind: models.TransferRecharge}, outside(), purse(models.OwnerPartner, b.distributor, models.AccountBonus), 700},
		{ledger.Posting{Kind: models.TransferFund, Reason: "start"}, d, c, 3000},
		{ledger.Posting{Kind: models.TransferPayment, OrderID: order}, c, outside(), 1000},
		{ledger.Posting{Kind: models.TransferRefund, OrderID: order}, outside(), c, 400},
		{ledger.Posting{Kind: models.TransferReclaim}, c, d, 500},
		{ledger.Posting{Kind: models.TransferRecall, Reason: "end"}, c, d, 100},
		{ledger.Posting{Kind: models.TransferFund}, d, r, 2000},
		{ledger.Posting{Kind: models.TransferReclaim}, r, d, 250},
		{ledger.Posting{Kind: models.TransferWithdrawal}, d, outside(), 50},
		{ledger.Posting{Kind: models.TransferAdjust}, outside(), d, 7},
	} {
		b.now = b.now.AddDate(0, 0, 1)
		b.move(step.posting, step.from, step.to, step.minor)
	}
	b.now = noon
	return order
}

func TestStatementFilters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		order := ledgerOfOne(b)
		day := func(n int) *time.Time { return ptr(time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC)) }
		all := []string{
			"ADJUST 0.07 CNY -> 58.07 CNY", "WITHDRAWAL -0.50 CNY -> 58.00 CNY", "RECLAIM 2.50 CNY -> 58.50 CNY", "FUND -20.00 CNY -> 56.00 CNY",
			"RECALL 1.00 CNY -> 76.00 CNY", "RECLAIM 5.00 CNY -> 75.00 CNY", "FUND -30.00 CNY -> 70.00 CNY", "RECHARGE 7.00 CNY -> 7.00 CNY",
		}
		ofCustomer := []string{
			"RECALL -1.00 CNY -> 18.00 CNY", "RECLAIM -5.00 CNY -> 19.00 CNY", "ORDER_REFUND 4.00 CNY -> 24.00 CNY", "ORDER_PAYMENT -10.00 CNY -> 20.00 CNY",
			"FUND 30.00 CNY -> 30.00 CNY",
		}
		for name, tt := range map[string]struct {
			q    funds.StatementQuery
			want []string
		}{
			"nothing said: the last year (M12)": {funds.StatementQuery{PartnerID: &b.distributor}, all},
			"a customer's":                      {funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.resale}}, ofCustomer},
			"from long ago": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{From: ptr(noon.AddDate(-2, 0, 0))}},
				append(slices.Clone(all), "RECHARGE 100.00 CNY -> 100.00 CNY")},
			"until, a year before that": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{To: ptr(noon.AddDate(0, -12, 0))}},
				[]string{"RECHARGE 100.00 CNY -> 100.00 CNY"}},
			"from inclusive, to exclusive": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{From: day(11), To: day(14)}}, all[6:7]},
			"one account": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{AccountTypes: []models.AccountKind{models.AccountBonus}}},
				all[7:]},
			"an account that no owner has": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{AccountTypes: []models.AccountKind{models.AccountWorld}}}, nil},
			"no account at all":            {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{AccountTypes: []models.AccountKind{}}}, nil},
			"two trade types": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{TradeTypes: []models.TransferKind{models.TransferAdjust, models.TransferRecall}}},
				[]string{all[0], all[4]}},
			"no trade type at all": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{TradeTypes: []models.TransferKind{}}}, nil},
			"expenses": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{Direction: ptr(models.Expense)}},
				[]string{all[1], all[3], all[6]}},
			"income": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{Direction: ptr(models.Income)}},
				[]string{all[0], all[2], all[4], all[5], all[7]}},
			"with one customer": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{CustomerID: &b.resale}}, all[4:7]},
			"with another":      {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{CustomerID: &b.other}}, nil},
			"of one order":      {funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.resale, OrderID: &order}}, ofCustomer[2:4]},
			"of another order":  {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{OrderID: &order}}, nil},
			"everything at once": {funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{
				AccountTypes: []models.AccountKind{models.AccountBalance}, TradeTypes: []models.TransferKind{models.TransferFund}, Direction: ptr(models.Expense),
				From: day(9), To: day(20), CustomerID: &b.resale,
			}}, all[6:7]},
		} {
			t.Run(name, func(t *testing.T) {
				page, err := b.Statement(context.Background(), operator(), tt.q, models.PageArgs{WantTotal: true})
				if err != nil || page.TotalCount == nil || *page.TotalCount != len(tt.want) {
					t.Errorf("%v, total %v, want %d", err, page.TotalCount, len(tt.want))
				}
				if diff := cmp.Diff(tt.want, briefs(page.Nodes())); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.want, briefs(b.whole(operator(), tt.q, 1, false))); diff != "" {
					t.Errorf("line by line (-want +got):\n%s", diff)
				}
			})
		}
		b.sound()
	})
}

func TestBadStatementsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerPartner, b.stranger, models.AccountBalance, "CNY", 100, 0)
		theirs, err := b.Statement(context.Background(), b.as(b.stranger), funds.StatementQuery{}, models.PageArgs{})
		b.want(err, "")
		for name, tt := range map[string]struct {
			who     models.Principal
			q       funds.StatementQuery
			args    models.PageArgs
			refused string
		}{
			"nobody":                          {models.Principal{}, funds.StatementQuery{}, models.PageArgs{}, "UNAUTHENTICATED"},
			"without the permission":          {models.Principal{Kind: models.PartnerKey, PartnerID: b.distributor}, funds.StatementQuery{}, models.PageArgs{}, "FORBIDDEN"},
			"an operator that says not whose": {operator(), funds.StatementQuery{}, models.PageArgs{}, "INVALID partnerId"},
			"a partner that is none":          {operator(), funds.StatementQuery{PartnerID: &b.resale}, models.PageArgs{}, "INVALID partnerId"},
			"a customer that is none":         {operator(), funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.reseller}}, models.PageArgs{}, "INVALID customerId"},
			"a filter by no customer":         {b.as(b.distributor), funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{CustomerID: &b.reseller}}, models.PageArgs{}, "INVALID customerId"},
			"an order that is none":           {b.as(b.distributor), funds.StatementQuery{StatementFilter: funds.StatementFilter{OrderID: &b.resale}}, models.PageArgs{}, "INVALID orderId"},
			"from after to":                   {b.as(b.distributor), funds.StatementQuery{StatementFilter: funds.StatementFilter{From: ptr(noon), To: ptr(noon)}}, models.PageArgs{}, "INVALID from"},
			"too many at once":                {b.as(b.distributor), funds.StatementQuery{}, models.PageArgs{First: ptr(101)}, "INVALID first"},
			"a cursor of somebody else's":     {b.as(b.distributor), funds.StatementQuery{}, models.PageArgs{After: theirs.PageInfo.EndCursor}, "INVALID after"},
			"a cursor of another list":        {b.as(b.distributor), funds.StatementQuery{}, models.PageArgs{Before: ptr(models.Cursor("orders", b.resale))}, "INVALID before"},
		} {
			_, err := b.Statement(context.Background(), tt.who, tt.q, tt.args)
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
	})
}

// M02, C01: a statement is seen by whoever sees the balance, and by a partner only since its customer is its customer.
func TestWhoReadsWhoseStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		partners := map[string]models.ID{"distributor": b.distributor, "reseller": b.reseller, "stranger": b.stranger}
		customers := map[string]models.ID{"resale": b.resale, "advisory": b.advisory, "reseller's": b.resellers, "other": b.other}
		for _, id := range partners {
			b.give(models.OwnerPartner, id, models.AccountBalance, "CNY", 100, 0)
		}
		for _, id := range customers {
			b.give(models.OwnerCustomer, id, models.AccountBalance, "CNY", 100, 0)
		}
		for name, tt := range map[string]struct {
			who       models.Principal
			partners  []string
			customers []string
		}{
			"an operator":          {operator(), []string{"distributor", "reseller", "stranger"}, []string{"advisory", "other", "resale", "reseller's"}},
			"the distributor":      {b.as(b.distributor), []string{"distributor", "reseller"}, []string{"resale", "reseller's"}},
			"the reseller":         {b.as(b.reseller), []string{"reseller"}, []string{"reseller's"}},
			"the stranger":         {b.as(b.stranger), []string{"stranger"}, []string{"other"}},
			"an advisory customer": {user(b.advisory), nil, []string{"advisory"}},
		} {
			ctx := context.Background()
			ofPartners, err := b.PartnerStatements(ctx, tt.who, values(partners), funds.StatementFilter{}, models.PageArgs{})
			b.want(err, "")
			ofCustomers, err := b.CustomerStatements(ctx, tt.who, values(customers), funds.StatementFilter{}, models.PageArgs{})
			b.want(err, "")
			if diff := cmp.Diff(tt.partners, names(partners, ofPartners)); diff != "" {
				t.Errorf("%s reads partners' statements (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(tt.customers, names(customers, ofCustomers)); diff != "" {
				t.Errorf("%s reads customers' statements (-want +got):\n%s", name, diff)
			}
			pastPartners, err := b.PartnerBalancesAt(ctx, tt.who, values(partners), b.now)
			b.want(err, "")
			pastCustomers, err := b.CustomerBalancesAt(ctx, tt.who, values(customers), b.now)
			b.want(err, "")
			if diff := cmp.Diff([][]string{tt.partners, tt.customers}, [][]string{names(partners, pastPartners), names(customers, pastCustomers)}); diff != "" {
				t.Errorf("%s reads past balances (-want +got):\n%s", name, diff)
			}
			for who, id := range partners {
				page, err := b.Statement(ctx, tt.who, funds.StatementQuery{PartnerID: &id}, models.PageArgs{WantTotal: true})
				if seen := slices.Contains(tt.partners, who); err != nil || (len(page.Edges) == 1) != seen || (*page.TotalCount == 1) != seen {
					t.Errorf("%s asks for the statement of the %s: %v, %d lines", name, who, err, len(page.Edges))
				}
			}
			for who, id := range customers {
				page, err := b.Statement(ctx, tt.who, funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &id}}, models.PageArgs{})
				if seen := slices.Contains(tt.customers, who); err != nil || (len(page.Edges) == 1) != seen {
					t.Errorf("%s asks for the statement of the %s customer: %v, %d lines", name, who, err, len(page.Edges))
				}
			}
		}
		// Nobody named: the caller's own.
		for id, who := range map[models.ID]models.Principal{b.reseller: b.as(b.reseller), b.advisory: user(b.advisory)} {
			page, err := b.Statement(context.Background(), who, funds.StatementQuery{}, models.PageArgs{})
			if err != nil || len(page.Edges) != 1 || page.Edges[0].Node.OwnerID != id {
				t.Errorf("the own statement of %s: %v, %v", id, err, page.Edges)
			}
		}
	})
}

func TestAPartnerReadsItsCustomerSinceTheAssociation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.now = noon.Add(-2 * time.Hour)
		b.give(models.OwnerCustomer, b.resale, models.AccountBalance, "CNY", 100, 0)
		b.associate(b.resale, b.distributor, noon.Add(-time.Hour))
		b.now = noon
		b.give(models.OwnerCustomer, b.resale, models.AccountBalance, "CNY", 11, 0)
		for name, tt := range map[string]struct {
			who   models.Principal
			lines int
		}{
			"its partner": {b.as(b.distributor), 1}, "itself": {user(b.resale), 2}, "an operator": {operator(), 2},
		} {
			page, err := b.Statement(context.Background(), tt.who, funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.resale}}, models.PageArgs{WantTotal: true})
			if err != nil || len(page.Edges) != tt.lines || *page.TotalCount != tt.lines {
				t.Errorf("%s reads %v: %v, want %d lines", name, briefs(page.Nodes()), err, tt.lines)
			}
			for moment, seen := range map[time.Duration]bool{-90 * time.Minute: tt.lines == 2, -time.Hour: true, 0: true} {
				past, err := b.CustomerBalancesAt(context.Background(), tt.who, []models.ID{b.resale}, noon.Add(moment))
				if balance, there := past[b.resale]; err != nil || there != seen || there && balance.Total.Minor < 100 {
					t.Errorf("%s at %s: %v, %v; want it %t", name, moment, past, err, seen)
				}
			}
		}
	})
}

// C15: the customer is named in FUND, RECLAIM and RECALL of a partner's statement only, and not when its account was cancelled.
func TestAPartnersStatementNamesItsCustomers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		ledgerOfOne(b)
		named := func(q funds.StatementQuery) map[string]int {
			count := map[string]int{}
			for _, e := range b.whole(operator(), q, 3, false) {
				switch {
				case e.Customer != nil:
					count[string(e.TradeType())+" "+e.Customer.Name+e.Customer.ID.String()]++
				case e.Partner != nil:
					count[string(e.TradeType())+" "+e.Partner.ID.String()]++
				}
			}
			return count
		}
		both := string(b.resale) + string(b.resale) // the shop names customers by their ids
		want := map[string]int{"FUND " + both: 1, "RECLAIM " + both: 1, "RECALL " + both: 1, "FUND " + string(b.reseller): 1, "RECLAIM " + string(b.reseller): 1}
		if diff := cmp.Diff(want, named(funds.StatementQuery{PartnerID: &b.distributor})); diff != "" {
			t.Errorf("the distributor's (-want +got):\n%s", diff)
		}
		if got := named(funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.resale}}); len(got) != 0 {
			t.Errorf("the customer's names %v", got)
		}
		if _, err := db.NewDelete().Model((*models.Customer)(nil)).Where("id = ?", b.resale).Exec(context.Background()); err != nil {
			t.Fatal(err)
		}
		want = map[string]int{"FUND " + string(b.reseller): 1, "RECLAIM " + string(b.reseller): 1}
		if diff := cmp.Diff(want, named(funds.StatementQuery{PartnerID: &b.distributor})); diff != "" {
			t.Errorf("after the customer's account was cancelled (-want +got):\n%s", diff)
		}
	})
}

// However many partners, customers and accounts: owners, lines, names. One more where moments have to be found, of which totals, bounds and cursors are made, and one
// more to count what a filter leaves.
func TestStatementsTakeTheSameStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		ledgerOfOne(b)
		for _, partners := range [][]models.ID{{b.distributor}, {b.distributor, b.reseller, b.stranger}} {
			ctx, counter := store.CountStatements(context.Background())
			_, err := b.PartnerStatements(ctx, operator(), partners, funds.StatementFilter{}, models.PageArgs{})
			if err != nil || counter.Count() != 3 {
				t.Errorf("%d partners: %v, %v", len(partners), err, counter.Statements())
			}
			ctx, counter = store.CountStatements(context.Background())
			_, err = b.PartnerStatements(ctx, operator(), partners, funds.StatementFilter{}, models.PageArgs{WantTotal: true})
			if err != nil || counter.Count() != 4 {
				t.Errorf("%d partners with totals: %v, %v", len(partners), err, counter.Statements())
			}
			ctx, counter = store.CountStatements(context.Background())
			_, err = b.PartnerBalancesAt(ctx, operator(), partners, noon)
			if err != nil || counter.Count() != 2 {
				t.Errorf("past balances of %d partners: %v, %v", len(partners), err, counter.Statements())
			}
		}
		of := b.whole(operator(), funds.StatementQuery{PartnerID: &b.distributor}, 100, false)
		line := ptr(models.NumberedCursor("statement", of[2].AccountID, of[2].Version))
		cash, bonus := []models.AccountKind{models.AccountBalance}, []models.AccountKind{models.AccountBonus}
		for name, tt := range map[string]struct {
			filter funds.StatementFilter
			args   models.PageArgs
			want   int
		}{
			"since a moment":                    {funds.StatementFilter{From: ptr(noon.AddDate(0, 0, -5))}, models.PageArgs{}, 3},
			"since a moment, the oldest":        {funds.StatementFilter{From: ptr(noon.AddDate(0, 0, -5))}, models.PageArgs{Last: ptr(2)}, 4},
			"between two":                       {funds.StatementFilter{From: ptr(noon.AddDate(0, 0, -5)), To: &noon}, models.PageArgs{}, 4},
			"between two, with the total":       {funds.StatementFilter{From: ptr(noon.AddDate(0, 0, -5)), To: &noon}, models.PageArgs{WantTotal: true}, 4},
			"of a kind":                         {funds.StatementFilter{TradeTypes: []models.TransferKind{models.TransferFund}}, models.PageArgs{}, 4},
			"of a kind, with the total":         {funds.StatementFilter{TradeTypes: []models.TransferKind{models.TransferFund}}, models.PageArgs{WantTotal: true}, 5},
			"with a customer":                   {funds.StatementFilter{CustomerID: &b.resale}, models.PageArgs{}, 4},
			"after a line":                      {funds.StatementFilter{}, models.PageArgs{After: line}, 4},
			"after a line of the only account":  {funds.StatementFilter{AccountTypes: cash}, models.PageArgs{After: line}, 3},
			"after a line of another account":   {funds.StatementFilter{AccountTypes: bonus}, models.PageArgs{After: line}, 3}, // and nobody to name
			"before a line of the only account": {funds.StatementFilter{AccountTypes: cash}, models.PageArgs{Before: line}, 2},
		} {
			ctx, counter := store.CountStatements(context.Background())
			_, err := b.Statement(ctx, operator(), funds.StatementQuery{PartnerID: &b.distributor, StatementFilter: tt.filter}, tt.args)
			if err != nil || counter.Count() != tt.want {
				t.Errorf("%s: %v, %v, want %d", name, err, counter.Statements(), tt.want)
			}
		}
		ctx, counter := store.CountStatements(context.Background())
		_, err := b.CustomerStatements(ctx, operator(), []models.ID{b.resale, b.resellers, b.other}, funds.StatementFilter{}, models.PageArgs{})
		if err != nil || counter.Count() != 2 {
			t.Errorf("customers: %v, %v", err, counter.Statements())
		}
	})
}

func TestThereIsNoBalanceOfTheFuture(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		for who, refused := range map[*models.Principal]string{
			ptr(operator()): "INVALID at", {}: "UNAUTHENTICATED", {Kind: models.PartnerKey, PartnerID: b.distributor}: "FORBIDDEN",
		} {
			_, err := b.PartnerBalancesAt(context.Background(), *who, []models.ID{b.distributor}, noon.Add(time.Microsecond))
			b.want(err, refused)
			_, err = b.CustomerBalancesAt(context.Background(), *who, nil, noon.Add(time.Microsecond))
			b.want(err, refused)
		}
		past, err := b.PartnerBalancesAt(context.Background(), b.as(b.distributor), []models.ID{b.distributor}, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || past[b.distributor].Total != cny(0) || fmt.Sprint(past[b.distributor].Accounts) != "[]" {
			t.Errorf("before the first entry: %+v, %v", past, err)
		}
	})
}
