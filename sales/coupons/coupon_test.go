package coupons_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestIssueAnswersForEveryCustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "25.00", &coupons.Limits{ServiceTypes: []string{"a", "b"}})
		frozen, dollars := w.customer("frozen", w.provider.ID, models.Resale), w.customer("dollars", w.provider.ID, models.Resale)
		second, third := w.customer("second", w.provider.ID, models.Resale), w.customer("third", w.provider.ID, models.Resale)
		for id, change := range map[models.ID]string{frozen.ID: "frozen = 'ACCOUNT'", dollars.ID: "currency = 'USD'"} {
			if _, err := db.NewUpdate().Table("customers").Set(change).Where("id = ?", id).Exec(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		cmd := coupons.IssueCoupons{
			QuotaID: quota.ID, FaceValue: amount("10.00"), Limits: &coupons.Limits{ServiceTypes: []string{"b"}}, Memo: ptr("welcome"), IdempotencyKey: "issue",
			EffectiveAt: ptr(w.Now().Add(time.Hour)), ExpiresAt: ptr(w.Now().Add(2 * time.Hour)),
			CustomerIDs: []models.ID{w.ofProvider.ID, w.advised.ID, frozen.ID, dollars.ID, w.ofReseller.ID, w.IDs(models.PrefixCustomer), second.ID, third.ID},
		}
		done, err := w.Issue(w.ctx, asPartner(w.provider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, r := range done.Results {
			if r.CustomerID != cmd.CustomerIDs[i] || (r.Coupon == nil) == (r.Error == nil) {
				t.Errorf("item %d: %+v", i, r)
			}
			got = append(got, item(r.Error))
		}
		want := []string{"", "ADVISORY_CUSTOMER", "CUSTOMER_FROZEN", "COUPON_CURRENCY", "NOT_FOUND", "NOT_FOUND", "", "INSUFFICIENT_BALANCE"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if details := done.Results[7].Error.Details; details["available"] != "5.00" || details["required"] != "10.00" {
			t.Errorf("details: %v", details)
		}
		coupon := *done.Results[0].Coupon
		if coupon.Status != models.CouponNotActivated || !cmp.Equal(coupon.Limits.ServiceTypes, []string{"b"}) || coupon.Memo != "welcome" || coupon.Version != 2 ||
			!w.jobs.due[coupon.ID].Equal(coupon.EffectiveAt) || done.CouponQuota.BalanceMinor != 500 {
			t.Errorf("%+v, quota %+v", coupon, done.CouponQuota)
		}
		again, err := w.Issue(w.ctx, asPartner(w.provider), cmd)
		if err != nil || again.Results[0].Coupon.ID != coupon.ID || item(again.Results[1].Error) != "ADVISORY_CUSTOMER" || w.quota(quota.ID).BalanceMinor != 500 {
			t.Errorf("the same key: %+v %v", again, err)
		}
		cmd.FaceValue = amount("11")
		if _, err := w.Issue(w.ctx, asPartner(w.provider), cmd); reasonOf(err) != "CONFLICT" {
			t.Errorf("the same key for something else: %v", err)
		}
		page, err := w.FindRecords(w.ctx, asPartner(w.provider), coupons.RecordFilter{Operation: []models.CouponOperation{models.CouponIssued}}, models.PageArgs{})
		results := map[string]int{}
		for _, r := range page.Nodes() {
			results[string(r.Result)+" "+r.Failure]++
			if r.CustomerID == w.ofReseller.ID {
				t.Error("a record names a customer that is not the partner's")
			}
		}
		if diff := cmp.Diff(map[string]int{
			"SUCCEEDED ": 2, "FAILED ADVISORY_CUSTOMER": 1, "FAILED CUSTOMER_FROZEN": 1, "FAILED COUPON_CURRENCY": 1, "FAILED NOT_FOUND": 2, "FAILED INSUFFICIENT_BALANCE": 1,
		}, results); err != nil || diff != "" {
			t.Errorf("records: %v %s", err, diff)
		}
		theirs, err := w.FindRecords(w.ctx, asCustomer(frozen), coupons.RecordFilter{}, models.PageArgs{})
		if err != nil || len(theirs.Edges) != 0 {
			t.Errorf("a customer sees what failed: %v %v", theirs, err)
		}
		w.audit()
	})
}

func TestWhoMayIssueAndReclaim(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", &coupons.Limits{Regions: []string{"north"}})
		root := w.grant(w.distributor, "100.00", nil)
		child := w.give(root, w.reseller, "50.00")
		issue := func(change func(cmd *coupons.IssueCoupons)) coupons.IssueCoupons {
			cmd := coupons.IssueCoupons{QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID}, FaceValue: amount("1.00"), IdempotencyKey: w.key()}
			if change != nil {
				change(&cmd)
			}
			return cmd
		}
		resellers := func(acting *models.ID) coupons.IssueCoupons {
			return issue(func(c *coupons.IssueCoupons) {
				c.QuotaID, c.CustomerIDs, c.ActingForPartnerID = child.ID, []models.ID{w.ofReseller.ID}, acting
			})
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  coupons.IssueCoupons
			want string
		}{
			{"the partner", asPartner(w.provider), issue(nil), ""},
			{"without the right", without(asPartner(w.provider), models.WriteCoupons), issue(nil), "FORBIDDEN"},
			{"another partner", asPartner(w.distributor), issue(nil), "NOT_FOUND"},
			{"an operator", operator(), issue(nil), "FORBIDDEN"},
			{"a customer", asCustomer(w.ofProvider), issue(nil), "FORBIDDEN"},
			{"nobody", models.Principal{}, issue(nil), "UNAUTHENTICATED"},
			{"the reseller itself", asPartner(w.reseller), resellers(nil), ""},
			{"its distributor for it", asPartner(w.distributor), resellers(&w.reseller.ID), ""},
			{"its distributor in its own name", asPartner(w.distributor), resellers(nil), "NOT_FOUND"},
			{"its distributor for another reseller", asPartner(w.distributor), resellers(&w.second.ID), "NOT_FOUND"},
			{"a stranger for it", asPartner(w.provider), resellers(&w.reseller.ID), "NOT_FOUND"},
			{"a partner for itself", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.ActingForPartnerID = &w.provider.ID }), "NOT_FOUND"},
			{"nothing at all", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.FaceValue = amount("0") }), "INVALID faceValue"},
			{"half a fen", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.FaceValue = amount("0.005") }), "INVALID faceValue"},
			{"to nobody", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.CustomerIDs = nil }), "INVALID customerIds"},
			{"to one twice", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.CustomerIDs = append(c.CustomerIDs, c.CustomerIDs[0]) }), "INVALID customerIds"},
			{"to a hundred and one", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.CustomerIDs = make([]models.ID, 101) }), "INVALID customerIds"},
			{"beyond the quota's regions", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.Limits = &coupons.Limits{Regions: []string{"south"}} }), "INVALID limits.regions"},
			{"beyond the quota's time", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.ExpiresAt = ptr(quota.ExpiresAt.Add(1000)) }), "INVALID expiresAt"},
			{"for the past", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.ExpiresAt = ptr(w.Now()) }), "INVALID expiresAt"},
			{"with a long memo", asPartner(w.provider), issue(func(c *coupons.IssueCoupons) { c.Memo = ptr(string(make([]rune, 257))) }), "INVALID memo"},
		} {
			done, err := w.Issue(w.ctx, row.who, row.cmd)
			if reasonOf(err) != row.want || err == nil && done.Results[0].Error != nil {
				t.Errorf("issue as %s: %v %v, want %q", row.name, err, done.Results, row.want)
			}
		}
		mine, theirs := w.issue(quota, w.ofProvider, "2.00"), w.issue(child, w.ofReseller, "2.00")
		for _, row := range []struct {
			name   string
			who    models.Principal
			coupon models.ID
			acting *models.ID
			want   string // of the call, else of its item
		}{
			{"another partner", asPartner(w.distributor), mine.ID, nil, "NOT_FOUND"},
			{"an operator", operator(), mine.ID, nil, "FORBIDDEN"},
			{"the customer", asCustomer(w.ofProvider), mine.ID, nil, "FORBIDDEN"},
			{"its distributor in its own name", asPartner(w.distributor), theirs.ID, nil, "NOT_FOUND"},
			{"its distributor for it", asPartner(w.distributor), theirs.ID, &w.reseller.ID, ""},
			{"the partner", asPartner(w.provider), mine.ID, nil, ""},
			{"the partner again", asPartner(w.provider), mine.ID, nil, "COUPON_RECLAIMED"},
		} {
			done, err := w.Reclaim(w.ctx, row.who, coupons.ReclaimCoupons{CouponIDs: []models.ID{row.coupon}, ActingForPartnerID: row.acting, IdempotencyKey: w.key()})
			got := reasonOf(err)
			if err == nil {
				got = item(done.Results[0].Error)
			}
			if got != row.want {
				t.Errorf("reclaim as %s: %q, want %q", row.name, got, row.want)
			}
		}
		w.audit()
	})
}

func TestWhoSeesCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		root := w.grant(w.distributor, "100.00", nil)
		child := w.give(root, w.reseller, "50.00")
		coupon := w.issue(child, w.ofReseller, "5.00")
		for _, row := range []struct {
			name  string
			who   models.Principal
			sees  int
			quota int // by the filter
		}{
			{"the customer", asCustomer(w.ofReseller), 1, 0},
			{"the reseller", asPartner(w.reseller), 1, 1},
			{"the distributor", asPartner(w.distributor), 1, 1},
			{"the other reseller", asPartner(w.second), 0, 0},
			{"another customer", asCustomer(w.ofDistributor), 0, 0},
			{"a stranger", asPartner(w.provider), 0, 0},
			{"an operator", operator(), 1, 1},
		} {
			all, err := w.Find(w.ctx, row.who, coupons.CouponFilter{Status: []models.CouponStatus{models.CouponUsable}}, models.PageArgs{WantTotal: true})
			if err != nil || len(all.Edges) != row.sees || *all.TotalCount != row.sees {
				t.Errorf("%s: %d, %v", row.name, len(all.Edges), err)
			}
			some, err := w.Find(w.ctx, row.who, coupons.CouponFilter{QuotaID: &child.ID}, models.PageArgs{})
			if err != nil || len(some.Edges) != row.quota {
				t.Errorf("%s by quota: %d, %v", row.name, len(some.Edges), err)
			}
			byID, err := w.ByIDs(w.ctx, row.who, []models.ID{coupon.ID})
			if err != nil || len(byID) != row.sees {
				t.Errorf("%s by id: %d, %v", row.name, len(byID), err)
			}
			records, err := w.FindRecords(w.ctx, row.who, coupons.RecordFilter{}, models.PageArgs{})
			if err != nil || len(records.Edges) != row.sees {
				t.Errorf("%s records: %d, %v", row.name, len(records.Edges), err)
			}
			if _, err := w.Find(w.ctx, without(row.who, models.ReadCoupons), coupons.CouponFilter{}, models.PageArgs{}); reasonOf(err) != "FORBIDDEN" {
				t.Errorf("%s without the right: %v", row.name, err)
			}
		}
	})
}

func TestAWhitelistSaysWhoGetsCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", nil)
		other := w.customer("other", w.provider.ID, models.Resale)
		issue := func() (got []string) {
			done, err := w.Issue(w.ctx, asPartner(w.provider), coupons.IssueCoupons{
				QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID, other.ID}, FaceValue: amount("1"), IdempotencyKey: w.key(),
			})
			if err != nil {
				t.Fatal(err)
			}
			return []string{item(done.Results[0].Error), item(done.Results[1].Error)}
		}
		for _, step := range []struct {
			name string
			who  models.Principal
			cmd  coupons.SetCouponWhitelist
			want string
			then []string
		}{
			{"a partner switches", asPartner(w.provider), coupons.SetCouponWhitelist{Enabled: ptr(true)}, "FORBIDDEN", []string{"", ""}},
			{"a partner lists", asPartner(w.provider), coupons.SetCouponWhitelist{CustomerIDs: []models.ID{other.ID}}, "", []string{"", ""}},
			{"an operator switches", operator(), coupons.SetCouponWhitelist{PartnerID: &w.provider.ID, Enabled: ptr(true)}, "", []string{"NOT_WHITELISTED", ""}},
			{"a foreign customer", asPartner(w.provider), coupons.SetCouponWhitelist{CustomerIDs: []models.ID{w.ofReseller.ID}}, "NOT_FOUND", []string{"NOT_WHITELISTED", ""}},
			{"another partner", asPartner(w.distributor), coupons.SetCouponWhitelist{PartnerID: &w.provider.ID, CustomerIDs: []models.ID{}}, "NOT_FOUND", []string{"NOT_WHITELISTED", ""}},
			{"its distributor", asPartner(w.distributor), coupons.SetCouponWhitelist{PartnerID: &w.reseller.ID, CustomerIDs: []models.ID{}}, "NOT_FOUND", []string{"NOT_WHITELISTED", ""}},
			{"a customer", asCustomer(other), coupons.SetCouponWhitelist{CustomerIDs: []models.ID{}}, "FORBIDDEN", []string{"NOT_WHITELISTED", ""}},
			{"an operator without a name", operator(), coupons.SetCouponWhitelist{Enabled: ptr(false)}, "INVALID partnerId", []string{"NOT_WHITELISTED", ""}},
			{"nobody listed", asPartner(w.provider), coupons.SetCouponWhitelist{CustomerIDs: []models.ID{}}, "", []string{"NOT_WHITELISTED", "NOT_WHITELISTED"}},
			{"switched off", operator(), coupons.SetCouponWhitelist{PartnerID: &w.provider.ID, Enabled: ptr(false)}, "", []string{"", ""}},
		} {
			if _, err := w.SetWhitelist(w.ctx, step.who, step.cmd); reasonOf(err) != step.want {
				t.Errorf("%s: %v, want %q", step.name, err, step.want)
			}
			if diff := cmp.Diff(step.then, issue()); diff != "" {
				t.Errorf("%s: %s", step.name, diff)
			}
		}
		found, err := w.WhitelistsFor(w.ctx, asPartner(w.provider), []models.ID{w.provider.ID})
		if err != nil || len(found) != 1 || found[w.provider.ID].Enabled {
			t.Errorf("%v %v", found, err)
		}
	})
}

func TestCouponsBeginAndExpireOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "10.00", nil)
		done, err := w.Issue(w.ctx, asPartner(w.provider), coupons.IssueCoupons{
			QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID}, FaceValue: amount("4"), IdempotencyKey: w.key(),
			EffectiveAt: ptr(w.Now().Add(time.Hour)), ExpiresAt: ptr(w.Now().Add(2 * time.Hour)),
		})
		if err != nil {
			t.Fatal(err)
		}
		id := done.Results[0].Coupon.ID
		reclaimed := func() string {
			done, err := w.Reclaim(w.ctx, asPartner(w.provider), coupons.ReclaimCoupons{CouponIDs: []models.ID{id}, IdempotencyKey: w.key()})
			if err != nil {
				t.Fatal(err)
			}
			return item(done.Results[0].Error)
		}
		if until, ok := models.NotDueUntil(w.ExpireCoupon(w.ctx, id)); !ok || !until.Equal(w.Now().Add(time.Hour)) || reclaimed() != "COUPON_NOT_ACTIVATED" {
			t.Errorf("before its time: %v %v", until, ok)
		}
		w.clock.advance(time.Hour)
		for range 2 {
			if until, ok := models.NotDueUntil(w.ExpireCoupon(w.ctx, id)); !ok || !until.Equal(w.Now().Add(time.Hour)) || w.coupon(id).Status != models.CouponUsable {
				t.Errorf("at its begin: %v %v %s", until, ok, w.coupon(id).Status)
			}
		}
		w.clock.advance(time.Hour)
		if got := reclaimed(); got != "COUPON_EXPIRED" {
			t.Errorf("at its end, before the job: %s", got)
		}
		for range 2 {
			if err := w.ExpireCoupon(w.ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.coupon(id); got.Status != models.CouponExpired || got.BalanceMinor != 0 || got.ReturnedMinor != 400 || w.quota(quota.ID).BalanceMinor != 1000 {
			t.Errorf("%+v", got)
		}
		want := []string{"ISSUE SUCCEEDED 4.00", "RECLAIM FAILED 0.00", "RECLAIM FAILED 0.00", "EXPIRE SUCCEEDED 4.00"}
		if diff := cmp.Diff(want, w.records(id)); diff != "" {
			t.Error(diff)
		}
		if err := w.ExpireCoupon(w.ctx, w.IDs(models.PrefixCoupon)); err != nil {
			t.Error(err)
		}
		w.audit()
	})
}

func TestCouponsArePaidWithLockedAndGivenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", nil)
		coupon := w.issue(quota, w.ofProvider, "10.00")
		first, purchase := w.order(w.ofProvider, 600)
		if err := w.pay(w.ofProvider, purchase, coupon.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.coupon(coupon.ID); got.BalanceMinor != 400 || got.LockedBy != first.ID || got.Status != models.CouponUsable {
			t.Errorf("used: %+v", got)
		}
		second, other := w.order(w.ofProvider, 700)
		if err := w.pay(w.ofProvider, other, coupon.ID); reasonOf(err) != "COUPON_LOCKED" {
			t.Errorf("by another order: %v", err)
		}
		done, err := w.Reclaim(w.ctx, asPartner(w.provider), coupons.ReclaimCoupons{CouponIDs: []models.ID{coupon.ID}, IdempotencyKey: w.key()})
		if err != nil || item(done.Results[0].Error) != "COUPON_LOCKED" {
			t.Errorf("reclaim while locked: %v %v", done, err)
		}
		w.inTx(func(ctx context.Context, tx bun.IDB) error { return w.ReleaseIn(ctx, tx, first.ID) })
		if err := w.pay(w.ofProvider, other, coupon.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.coupon(coupon.ID); got.BalanceMinor != 0 || got.LockedBy != second.ID || got.Status != models.CouponUsed {
			t.Errorf("used up: %+v", got)
		}
		w.audit()
		for range 2 { // the second time nothing is left to come back
			w.back(w.ofProvider, second.ID)
		}
		if got := w.coupon(coupon.ID); got.BalanceMinor != 400 || got.LockedBy != "" || got.Status != models.CouponUsable {
			t.Errorf("given back: %+v", got)
		}
		uses, err := w.FindUses(w.ctx, asCustomer(w.ofProvider), coupons.UseFilter{CouponID: &coupon.ID}, models.PageArgs{})
		var got []string
		for _, use := range uses.Nodes() {
			got = append(got, string(use.OrderID)+" "+use.Amount().String()+" "+use.Returned().String())
		}
		if diff := cmp.Diff([]string{string(second.ID) + " 4.00 CNY 4.00 CNY", string(first.ID) + " 6.00 CNY 0.00 CNY"}, got); err != nil || diff != "" {
			t.Errorf("uses: %v %s", err, diff)
		}
		// After its end what comes back goes on to the quota.
		w.clock.advance(coupon.ExpiresAt.Sub(w.Now()))
		w.back(w.ofProvider, first.ID)
		if got := w.coupon(coupon.ID); got.BalanceMinor != 0 || got.ReturnedMinor != 1000 || got.Status != models.CouponExpired || w.quota(quota.ID).BalanceMinor != 10_000 {
			t.Errorf("given back late: %+v", got)
		}
		want := []string{"ISSUE SUCCEEDED 10.00", "RECLAIM FAILED 0.00", "UNSUBSCRIBE SUCCEEDED 4.00", "UNSUBSCRIBE SUCCEEDED 6.00", "UNSUBSCRIBE SUCCEEDED 10.00"}
		if diff := cmp.Diff(want, w.records(coupon.ID)); diff != "" {
			t.Error(diff)
		}
		w.audit()
	})
}

func TestPayingWithCouponsOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", nil)
		mine := w.issue(quota, w.ofProvider, "10.00")
		neighbour := w.customer("neighbour", w.provider.ID, models.Resale)
		theirs := w.issue(quota, neighbour, "10.00")
		_, purchase := w.order(w.ofProvider, 600)
		unknown := w.IDs(models.PrefixCoupon)
		for name, row := range map[string]struct {
			ids  []models.ID
			want string
		}{
			"a neighbour's":     {[]models.ID{theirs.ID}, "NOT_FOUND"},
			"nobody's":          {[]models.ID{unknown}, "NOT_FOUND"},
			"one twice":         {[]models.ID{mine.ID, mine.ID}, "INVALID couponIds"},
			"four":              {[]models.ID{mine.ID, theirs.ID, unknown, w.IDs(models.PrefixCoupon)}, "INVALID couponIds"},
			"of another kind":   {[]models.ID{quota.ID}, "INVALID couponIds"},
			"one too many":      {[]models.ID{mine.ID, w.issue(quota, w.ofProvider, "1.00").ID}, "COUPON_NOT_NEEDED"},
			"its own and hers":  {[]models.ID{mine.ID, theirs.ID}, "NOT_FOUND"},
			"seen by a partner": {[]models.ID{theirs.ID}, "NOT_FOUND"},
		} {
			if err := w.pay(w.ofProvider, purchase, row.ids...); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		// The partner, who sees both, pays for one customer with that one's coupons alone.
		err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := w.RedeemIn(ctx, tx, asPartner(w.provider), purchase, []models.ID{theirs.ID})
			return err
		})
		if reasonOf(err) != "NOT_FOUND" {
			t.Errorf("by the partner: %v", err)
		}
		if got := w.coupon(mine.ID); got.BalanceMinor != 1000 || got.LockedBy != "" {
			t.Errorf("%+v", got)
		}
		w.audit()
	})
}

func TestCouponsGoBackWhenARelationEndsOrChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for name, row := range map[string]struct {
			end       func(ctx context.Context, tx bun.IDB, customer models.Customer) error
			after     func(c *models.Customer)
			operation models.CouponOperation
		}{
			"leaves":   {func(ctx context.Context, tx bun.IDB, c models.Customer) error { return w.LeaveIn(ctx, tx, system(), c) }, func(c *models.Customer) { c.PartnerID, c.Mode = "", "" }, models.CouponUnbound},
			"switches": {func(ctx context.Context, tx bun.IDB, c models.Customer) error { return w.TurnIn(ctx, tx, system(), c) }, func(c *models.Customer) { c.Mode = models.Advisory }, models.CouponModeSwitched},
			"moves on": {func(ctx context.Context, tx bun.IDB, c models.Customer) error {
				return w.RecallIn(ctx, tx, system(), c, models.CouponResellerTransfers)
			}, func(c *models.Customer) { c.PartnerID = w.distributor.ID }, models.CouponResellerTransfers},
		} {
			quota := w.grant(w.provider, "100.00", nil)
			customer := w.customer("who "+name, w.provider.ID, models.Resale)
			whole, part, gone := w.issue(quota, customer, "10.00"), w.issue(quota, customer, "20.00"), w.issue(quota, customer, "5.00")
			under, purchase := w.order(customer, 1200)
			used, also := w.order(customer, 500)
			for id, p := range map[models.ID]models.CouponPurchase{part.ID: purchase, gone.ID: also} {
				if err := w.pay(customer, p, id); err != nil {
					t.Fatal(err)
				}
			}
			w.inTx(func(ctx context.Context, tx bun.IDB) error { return row.end(ctx, tx, customer) })
			if got := w.quota(quota.ID).BalanceMinor; got != 10_000-1200-500 {
				t.Errorf("%s: the quota has %d", name, got)
			}
			for id, want := range map[models.ID]models.CouponStatus{whole.ID: models.CouponReclaimed, part.ID: models.CouponReclaimed, gone.ID: models.CouponUsed} {
				if got := w.coupon(id); got.Status != want || got.BalanceMinor != 0 {
					t.Errorf("%s: %+v", name, got)
				}
			}
			if diff := cmp.Diff([]string{"ISSUE SUCCEEDED 10.00", string(row.operation) + " SUCCEEDED 10.00"}, w.records(whole.ID)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			// What comes back later is the quota's, not the former customer's.
			row.after(&customer)
			w.back(customer, under.ID)
			w.back(customer, used.ID)
			if got := w.quota(quota.ID).BalanceMinor; got != 10_000 || w.coupon(gone.ID).Status != models.CouponReclaimed {
				t.Errorf("%s: afterwards the quota has %d, %+v", name, got, w.coupon(gone.ID))
			}
			w.audit()
		}
	})
}
