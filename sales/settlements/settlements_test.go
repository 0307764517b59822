package settlements_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// december is the first moment of it in UTC+8.
func december() time.Time { return time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC) }

func TestOperatorsGiveLines(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		set := settlements.SetLine{CustomerID: w.resale.ID, Amount: decimal.New(100, 0), Reason: "trusted", IdempotencyKey: "one"}
		with := func(change func(*settlements.SetLine)) settlements.SetLine {
			cmd := set
			cmd.IdempotencyKey = string(w.IDs("k"))
			change(&cmd)
			return cmd
		}
		noPermission := operator()
		noPermission.Permissions = []models.Permission{models.ReadBalances}
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  settlements.SetLine
			want string
		}{
			"its partner":          {asPartner(w.provider), set, "FORBIDDEN"},
			"the customer":         {asCustomer(w.resale), set, "FORBIDDEN"},
			"without the right":    {noPermission, set, "FORBIDDEN"},
			"nobody":               {models.Principal{}, set, "UNAUTHENTICATED"},
			"nothing":              {operator(), with(func(c *settlements.SetLine) { c.Amount = decimal.Zero }), "INVALID"},
			"a tenth of a cent":    {operator(), with(func(c *settlements.SetLine) { c.Amount = decimal.New(1, -3) }), "INVALID"},
			"more than there is":   {operator(), with(func(c *settlements.SetLine) { c.Amount = decimal.New(1, 0).Shift(17) }), "INVALID"},
			"no reason":            {operator(), with(func(c *settlements.SetLine) { c.Reason = "" }), "INVALID"},
			"no customer's id":     {operator(), with(func(c *settlements.SetLine) { c.CustomerID = w.provider.ID }), "INVALID"},
			"no customer":          {operator(), with(func(c *settlements.SetLine) { c.CustomerID = w.IDs(models.PrefixCustomer) }), "NOT_FOUND"},
			"no key":               {operator(), with(func(c *settlements.SetLine) { c.IdempotencyKey = "" }), "INVALID"},
			"an advisory customer": {operator(), with(func(c *settlements.SetLine) { c.CustomerID = w.advised.ID }), ""},
		} {
			if _, err := w.Set(w.ctx, row.who, row.cmd); reasonOf(err) != row.want && (err != nil || row.want != "") {
				t.Errorf("%s: %v, want %q", name, err, row.want)
			}
		}
		for range 2 { // the same key answers the same again
			done, err := w.Set(w.ctx, operator(), set)
			if err != nil || done.Account.Line.Minor != 10_000 || done.Account.Available.Minor != 10_000 {
				t.Errorf("%+v, %v", done, err)
			}
		}
		set.Amount = decimal.New(101, 0)
		if _, err := w.Set(w.ctx, operator(), set); reasonOf(err) != "CONFLICT" {
			t.Errorf("another amount: %v", err)
		}
		if w.buy(w.resale, 6_000) != 6_000 {
			t.Error("the line does not reach")
		}
		if err := w.line(w.resale, 5_999); reasonOf(err) != "LIMIT_IN_USE" {
			t.Errorf("less than is owed: %v", err)
		}
		w.must(w.line(w.resale, 7_000))
		if diff := cmp.Diff([]int64{6_000, 1_000, 0, 0, 0}, w.stands(w.resale)); diff != "" {
			t.Error(diff)
		}
		end := settlements.EndLine{CustomerID: w.resale.ID, Reason: "no more", IdempotencyKey: "end"}
		if _, err := w.End(w.ctx, asPartner(w.provider), end); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("a partner ends it: %v", err)
		}
		done, err := w.End(w.ctx, operator(), end)
		if err != nil || done.Account.EndedAt == nil || done.Account.Line.Minor != 0 || done.Account.Used.Minor != 6_000 || w.buy(w.resale, 1) != 0 {
			t.Errorf("ended: %+v, %v", done, err)
		}
		end.IdempotencyKey = "again"
		if _, err := w.End(w.ctx, operator(), end); reasonOf(err) != "NO_SETTLEMENT_LINE" {
			t.Errorf("ended again: %v", err)
		}
		w.must(w.line(w.resale, 6_500))
		if w.buy(w.resale, 9_000) != 500 {
			t.Error("a line that is given again does not reach")
		}
		w.audit()
	})
}

// Each month is due with the first moment of the next one, in UTC+8, and is paid exactly once, cash before credit, however often the job runs and
// however little there is.
func TestMonthsArePaidOnceAndAsFarAsThereIsMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.must(w.line(w.resale, 10_000))
		w.give(w.resale, 500)
		w.buy(w.resale, 1_000)
		w.buy(w.resale, 400)
		if !w.scheduled[w.resale.ID].Equal(december()) {
			t.Errorf("scheduled for %v", w.scheduled[w.resale.ID])
		}
		type step struct {
			name  string
			do    func()
			until time.Time
			want  []int64 // used, available, due, overdue, balance
		}
		at := func(at time.Time) func() { return func() { w.moveTo(at) } }
		hour := func(at time.Time) time.Time { return at.Add(time.Hour) }
		january := models.BillingCycle("2026-12").Ends()
		later := december().Add(30 * time.Hour)
		for _, s := range []step{
			{"before the month is over", at(december().Add(-time.Microsecond)), december(), []int64{1_400, 8_600, 0, 0, 500}},
			{"all the cash there is", at(december()), hour(december()), []int64{900, 9_100, 900, 0, 0}},
			{"again", func() {}, hour(december()), []int64{900, 9_100, 900, 0, 0}},
			{"a new month begins", func() { w.buy(w.resale, 300) }, hour(december()), []int64{1_200, 8_800, 900, 0, 0}},
			{"the next day", at(later), hour(later), []int64{1_200, 0, 900, 900, 0}},
			{"cash, then credit", func() { w.credit(w.resale, 800); w.give(w.resale, 200) }, january, []int64{300, 9_700, 0, 0, -700}},
			{"once", func() { w.give(w.resale, 5_000) }, january, []int64{300, 9_700, 0, 0, 4_300}},
			{"the second month", at(january), time.Time{}, []int64{0, 10_000, 0, 0, 4_000}},
			{"nothing is left", func() {}, time.Time{}, []int64{0, 10_000, 0, 0, 4_000}},
		} {
			s.do()
			if got := w.settle(w.resale); !got.Equal(s.until) {
				t.Errorf("%s: runs again at %v, want %v", s.name, got, s.until)
			}
			if diff := cmp.Diff(s.want, w.stands(w.resale)); diff != "" {
				t.Errorf("%s: %s", s.name, diff)
			}
			w.audit()
		}
		found, err := w.Find(w.ctx, operator(), settlements.Filter{CustomerID: &w.resale.ID}, models.PageArgs{})
		w.must(err)
		var months [][]int64
		for _, m := range found.Nodes() {
			months = append(months, []int64{m.ChargedMinor, m.RefundedMinor, m.PaidMinor, m.OpenMinor})
			if m.Status != models.SettlementPaid || m.SettledAt == nil {
				t.Errorf("%+v", m)
			}
		}
		if diff := cmp.Diff([][]int64{{300, 0, 300, 0}, {1_400, 0, 1_400, 0}}, months); diff != "" {
			t.Error(diff)
		}
		// The statement has what was bought, and each payment on both sides (M12).
		lines, err := w.funds.Statement(w.ctx, operator(), funds.StatementQuery{StatementFilter: funds.StatementFilter{
			CustomerID: &w.resale.ID, TradeTypes: []models.TransferKind{models.TransferPayment, models.TransferSettlement},
		}}, models.PageArgs{})
		w.must(err)
		var told []string
		for _, line := range lines.Nodes() {
			told = append(told, string(line.TradeType())+" "+string(line.AccountType)+" "+line.Amount.Plain())
		}
		slices.Sort(told)
		if diff := cmp.Diff([]string{
			"MONTHLY_SETTLEMENT BALANCE -3.00", "MONTHLY_SETTLEMENT BALANCE -5.00", "MONTHLY_SETTLEMENT BALANCE -9.00",
			"MONTHLY_SETTLEMENT SETTLEMENT 3.00", "MONTHLY_SETTLEMENT SETTLEMENT 5.00", "MONTHLY_SETTLEMENT SETTLEMENT 9.00",
			"ORDER_PAYMENT SETTLEMENT -10.00", "ORDER_PAYMENT SETTLEMENT -3.00", "ORDER_PAYMENT SETTLEMENT -4.00",
		}, told); diff != "" {
			t.Error(diff)
		}
		past, err := w.funds.CustomerBalancesAt(w.ctx, operator(), []models.ID{w.resale.ID}, later)
		if err != nil || past[w.resale.ID].Total.Minor != 4_300 || len(past[w.resale.ID].Accounts) != 1 {
			t.Errorf("a balance of then has no account: %+v, %v", past, err)
		}
		var events int
		w.must(db.NewSelect().Table("events").ColumnExpr("COUNT(*)").Where("type = ? AND partner_id = ?", models.EventSettlementPaid, w.provider.ID).Scan(w.ctx, &events))
		if events != 3 {
			t.Errorf("%d payments were told of", events)
		}
	})
}

// Money that comes in pays what is due at once, and nothing that is not due.
func TestARechargePaysWhatIsDue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.must(w.line(w.resale, 1_000))
		w.buy(w.resale, 700)
		delete(w.scheduled, w.resale.ID)
		changed := []models.OwnerChange{{Kind: models.OwnerCustomer, ID: string(w.resale.ID)}}
		w.Changed(changed)
		if n, err := w.SettleChanged(w.ctx); err != nil || n != 0 {
			t.Errorf("not due: %d, %v", n, err)
		}
		w.moveTo(december())
		w.Changed(changed)
		if n, err := w.SettleChanged(w.ctx); err != nil || n != 1 {
			t.Errorf("due: %d, %v", n, err)
		}
		if !w.scheduled[w.resale.ID].Equal(december()) {
			t.Errorf("scheduled for %v", w.scheduled[w.resale.ID])
		}
	})
}

// C13, C14: who owes on account neither leaves its partner nor changes its mode; it may pay before the month is over.
func TestWhoOwesOnAccountStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.must(w.line(w.resale, 1_000))
		w.buy(w.resale, 700)
		leave := func() error {
			_, err := w.customers.EndAssociation(w.ctx, operator(), customers.EndAssociation{CustomerID: w.resale.ID, Reason: "over", IdempotencyKey: string(w.IDs("k"))})
			return err
		}
		pay := func(who models.Principal) (settlements.OwedPaid, error) {
			return w.Pay(w.ctx, who, settlements.PayOwed{CustomerID: w.resale.ID, IdempotencyKey: string(w.IDs("k"))})
		}
		if err := leave(); reasonOf(err) != "ARREARS" {
			t.Errorf("leaves with a debt: %v", err)
		}
		eligible, err := w.customers.Eligibility(w.ctx, operator(), customers.EligibilityQuery{CustomerID: &w.resale.ID})
		w.must(err)
		for _, one := range eligible {
			if !slices.ContainsFunc(one.Blockers, func(b models.RelationBlocker) bool { return b.Code == models.BlockOwing }) {
				t.Errorf("%s: the debt is no blocker of %+v", one.Mode, one.Blockers)
			}
		}
		for name, row := range map[string]struct {
			who  models.Principal
			want string
		}{
			"its partner":          {asPartner(w.provider), "FORBIDDEN"},
			"another customer":     {asCustomer(w.advised), "NOT_FOUND"},
			"nobody":               {models.Principal{}, "UNAUTHENTICATED"},
			"without money":        {asCustomer(w.resale), "INSUFFICIENT_BALANCE"},
			"an operator, neither": {operator(), "INSUFFICIENT_BALANCE"},
		} {
			if _, err := pay(row.who); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		w.give(w.resale, 300)
		if done, err := pay(asCustomer(w.resale)); err != nil || done.Paid.Minor != 300 || done.Account.Used.Minor != 400 || done.Balance.Total.Minor != 0 {
			t.Errorf("a part: %+v, %v", done, err)
		}
		w.give(w.resale, 900)
		if done, err := pay(operator()); err != nil || done.Paid.Minor != 400 || done.Account.DueAt != nil || done.Balance.Total.Minor != 500 {
			t.Errorf("the rest: %+v, %v", done, err)
		}
		if _, err := pay(operator()); reasonOf(err) != "NOTHING_OWED" {
			t.Errorf("nothing: %v", err)
		}
		w.audit()
		w.must(leave())
		w.audit()
	})
}

func TestWhoSeesWhatIsOwed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := []models.ID{w.resale.ID, w.advised.ID, w.ofReseller.ID}
		for _, customer := range []models.Customer{w.resale, w.advised, w.ofReseller} {
			w.must(w.line(customer, 1_000))
			w.buy(customer, 100)
		}
		names := map[models.ID]string{w.resale.ID: "resale", w.advised.ID: "advised", w.ofReseller.ID: "of the reseller"}
		for name, row := range map[string]struct {
			who  models.Principal
			want []string
		}{
			"an operator":       {operator(), []string{"advised", "of the reseller", "resale"}},
			"the provider":      {asPartner(w.provider), []string{"resale"}},
			"the distributor":   {asPartner(w.distributor), []string{"of the reseller"}},
			"the reseller":      {asPartner(w.reseller), []string{"of the reseller"}},
			"the advisory one":  {asCustomer(w.advised), []string{"advised"}},
			"the resale's own":  {asCustomer(w.resale), []string{"resale"}},
			"a stranger's part": {asPartner(w.partner(models.SolutionProvider, "")), nil},
		} {
			accounts, err := w.AccountsFor(w.ctx, row.who, ids)
			w.must(err)
			page, err := w.Find(w.ctx, row.who, settlements.Filter{}, models.PageArgs{WantTotal: true})
			w.must(err)
			perCustomer, err := w.FindForCustomers(w.ctx, row.who, ids, models.PageArgs{})
			w.must(err)
			var months []models.ID
			for _, month := range page.Nodes() {
				months = append(months, month.ID)
			}
			byID, err := w.ByIDs(w.ctx, row.who, months)
			w.must(err)
			var seen, listed, nested []string
			for id := range accounts {
				seen = append(seen, names[id])
			}
			for _, month := range byID {
				listed = append(listed, names[month.CustomerID])
			}
			for id, found := range perCustomer {
				if len(found.Edges) > 0 {
					nested = append(nested, names[id])
				}
			}
			for what, got := range map[string][]string{"accounts": seen, "months": listed, "months of customers": nested} {
				slices.Sort(got)
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Errorf("%s: %s: %s", name, what, diff)
				}
			}
			if *page.TotalCount != len(row.want) {
				t.Errorf("%s counts %d", name, *page.TotalCount)
			}
		}
		noPermission := operator()
		noPermission.Permissions = []models.Permission{models.ReadOrders}
		if _, err := w.Find(w.ctx, noPermission, settlements.Filter{}, models.PageArgs{}); reasonOf(err) != "FORBIDDEN" {
			t.Error(err)
		}
		// What a customer owed before its association began is not the partner's business.
		_, err := db.NewUpdate().Table("associations").Set("since = ?", w.now().Add(time.Hour)).Where("customer_id = ?", w.resale.ID).Exec(w.ctx)
		w.must(err)
		if page, err := w.Find(w.ctx, asPartner(w.provider), settlements.Filter{}, models.PageArgs{}); err != nil || len(page.Edges) != 0 {
			t.Errorf("%+v, %v", page, err)
		}
		month, no := models.BillingCycle("2026-11"), false
		for name, row := range map[string]struct {
			filter settlements.Filter
			want   int
		}{
			"of a customer": {settlements.Filter{CustomerID: &w.advised.ID}, 1},
			"of the month":  {settlements.Filter{Month: &month}, 3},
			"paid":          {settlements.Filter{Open: &no}, 0},
		} {
			if page, err := w.Find(w.ctx, operator(), row.filter, models.PageArgs{}); err != nil || len(page.Edges) != row.want {
				t.Errorf("%s: %d, %v", name, len(page.Edges), err)
			}
		}
	})
}
