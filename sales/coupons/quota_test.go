package coupons_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestOperatorsGrantAdjustAndStopQuotas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", &coupons.Limits{ServiceTypes: []string{"hws.service.type.ec2"}, MinOrderAmount: ptr(amount("5"))})
		if quota.RootID != quota.ID || quota.Value().String() != "100.00 CNY" || quota.Balance() != quota.Value() || !w.jobs.due[quota.ID].Equal(quota.ExpiresAt) {
			t.Errorf("granted: %+v, due %v", quota, w.jobs.due[quota.ID])
		}
		if diff := cmp.Diff(quota, w.quota(quota.ID)); diff != "" {
			t.Errorf("stored: %s", diff)
		}
		w.issue(quota, w.ofProvider, "30.00")
		adjust := func(value string) error {
			_, err := w.AdjustQuota(w.ctx, operator(), coupons.AdjustCouponQuota{QuotaID: quota.ID, Value: amount(value), Reason: "asked for", IdempotencyKey: w.key()})
			return err
		}
		set := func(status models.CouponQuotaStatus) error {
			_, err := w.SetQuotaStatus(w.ctx, operator(), coupons.SetCouponQuotaStatus{QuotaID: quota.ID, Status: status, Reason: "asked for"})
			return err
		}
		issue := func() error {
			_, err := w.Issue(w.ctx, asPartner(w.provider), coupons.IssueCoupons{
				QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID}, FaceValue: amount("1"), IdempotencyKey: w.key(),
			})
			return err
		}
		for _, step := range []struct {
			name string
			do   func() error
			want string
		}{
			{"more", func() error { return adjust("150.00") }, ""},
			{"the same", func() error { return adjust("150") }, "QUOTA_UNCHANGED"},
			{"less than is issued", func() error { return adjust("29.99") }, "QUOTA_IN_USE"},
			{"what is issued", func() error { return adjust("30.00") }, ""},
			{"more again", func() error { return adjust("31.00") }, ""},
			{"three digits", func() error { return adjust("31.001") }, "INVALID value"},
			{"nothing", func() error { return adjust("0") }, "INVALID value"},
			{"adjusting", func() error { return set(models.QuotaAdjusting) }, ""},
			{"twice", func() error { return set(models.QuotaAdjusting) }, "QUOTA_STATE"},
			{"issued while adjusting", issue, "QUOTA_ADJUSTING"},
			{"adjusted while adjusting", func() error { return adjust("40.00") }, ""},
			{"frozen", func() error { return set(models.QuotaFrozen) }, ""},
			{"issued while frozen", issue, "QUOTA_FROZEN"},
			{"released", func() error { return set(models.QuotaNormal) }, ""},
			{"issued", issue, ""},
			{"reclaimed by an operator", func() error { return set(models.QuotaReclaimed) }, "QUOTA_STATE"},
			{"ended", func() error { return set(models.QuotaInvalid) }, ""},
			{"issued when ended", issue, "QUOTA_INVALID"},
			{"released when ended", func() error { return set(models.QuotaNormal) }, "QUOTA_STATE"},
			{"adjusted when ended", func() error { return adjust("50.00") }, "QUOTA_INVALID"},
		} {
			if err := step.do(); reasonOf(err) != step.want {
				t.Errorf("%s: %v, want %q", step.name, err, step.want)
			}
		}
		got := w.quota(quota.ID)
		if got.Value().String() != "40.00 CNY" || got.Balance().String() != "9.00 CNY" || got.Status != models.QuotaInvalid {
			t.Errorf("afterwards: %+v", got)
		}
		page, err := w.FindQuotaRecords(w.ctx, asPartner(w.provider), coupons.QuotaRecordFilter{QuotaID: &quota.ID}, models.PageArgs{})
		var records []string
		for _, r := range page.Nodes() {
			records = append(records, string(r.Operation)+" "+r.Amount().String())
		}
		if diff := cmp.Diff([]string{"GRANT 9.00 CNY", "GRANT 1.00 CNY", "RECLAIM 120.00 CNY", "GRANT 50.00 CNY", "GRANT 100.00 CNY"}, records); err != nil || diff != "" {
			t.Errorf("records: %v %s", err, diff)
		}
		w.audit()
	})
}

func TestWhoMayGrantAndHandOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		year := w.Now().AddDate(1, 0, 0)
		grant := func(change func(cmd *coupons.GrantCouponQuota)) coupons.GrantCouponQuota {
			cmd := coupons.GrantCouponQuota{PartnerID: w.provider.ID, Type: models.CouponVoucher, Value: amount("1.00"), ExpiresAt: year, IdempotencyKey: w.key()}
			if change != nil {
				change(&cmd)
			}
			return cmd
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  coupons.GrantCouponQuota
			want string
		}{
			{"an operator", operator(), grant(nil), ""},
			{"an operator without the right", without(operator(), models.WriteCoupons), grant(nil), "FORBIDDEN"},
			{"the partner", asPartner(w.provider), grant(nil), "FORBIDDEN"},
			{"a customer", asCustomer(w.ofProvider), grant(nil), "FORBIDDEN"},
			{"nobody", models.Principal{}, grant(nil), "UNAUTHENTICATED"},
			{"to a reseller", operator(), grant(func(c *coupons.GrantCouponQuota) { c.PartnerID = w.reseller.ID }), "RESELLER_QUOTA"},
			{"to nobody", operator(), grant(func(c *coupons.GrantCouponQuota) { c.PartnerID = w.IDs(models.PrefixPartner) }), "NOT_FOUND"},
			{"to a customer", operator(), grant(func(c *coupons.GrantCouponQuota) { c.PartnerID = w.ofProvider.ID }), "INVALID partnerId"},
			{"of another type", operator(), grant(func(c *coupons.GrantCouponQuota) { c.Type = "DISCOUNT" }), "INVALID type"},
			{"of pickup coupons for everything", operator(), grant(func(c *coupons.GrantCouponQuota) { c.Type = models.CouponPickup }), "INVALID limits.products"},
			{"that has ended", operator(), grant(func(c *coupons.GrantCouponQuota) { c.ExpiresAt = w.Now() }), "INVALID expiresAt"},
			{"that ends before it begins", operator(), grant(func(c *coupons.GrantCouponQuota) { c.EffectiveAt = ptr(year) }), "INVALID expiresAt"},
			{"of less than nothing", operator(), grant(func(c *coupons.GrantCouponQuota) { c.Value = amount("-1") }), "INVALID value"},
			{"of far too much", operator(), grant(func(c *coupons.GrantCouponQuota) { c.Value = amount("1e40") }), "INVALID value"},
			{"with a memo of two lines", operator(), grant(func(c *coupons.GrantCouponQuota) { c.Memo = ptr("a\nb") }), "INVALID memo"},
			{"without a key", operator(), grant(func(c *coupons.GrantCouponQuota) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
		} {
			if _, err := w.GrantQuota(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("grant as %s: %v, want %q", row.name, err, row.want)
			}
		}
		root, other := w.grant(w.distributor, "10.00", nil), w.grant(w.provider, "10.00", nil)
		hand := func(quota models.CouponQuota) coupons.IssueCouponQuotas {
			return coupons.IssueCouponQuotas{
				QuotaID: quota.ID, Items: []coupons.ResellerQuota{{ResellerID: w.reseller.ID, Value: amount("1")}}, IdempotencyKey: w.key(),
			}
		}
		twice := hand(root)
		twice.Items = append(twice.Items, twice.Items[0])
		wider := hand(root)
		wider.ExpiresAt = ptr(root.ExpiresAt.Add(time.Microsecond))
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  coupons.IssueCouponQuotas
			want string
		}{
			{"the distributor", asPartner(w.distributor), hand(root), ""},
			{"without the right", without(asPartner(w.distributor), models.WriteCoupons), hand(root), "FORBIDDEN"},
			{"a reseller", asPartner(w.reseller), hand(root), "FORBIDDEN"},
			{"a solution provider", asPartner(w.provider), hand(other), "FORBIDDEN"},
			{"an operator", operator(), hand(root), "FORBIDDEN"},
			{"somebody else's quota", asPartner(w.distributor), hand(other), "NOT_FOUND"},
			{"one reseller twice", asPartner(w.distributor), twice, "INVALID items"},
			{"beyond the period", asPartner(w.distributor), wider, "INVALID expiresAt"},
		} {
			if _, err := w.IssueQuotas(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("hand on as %s: %v, want %q", row.name, err, row.want)
			}
		}
		w.audit()
	})
}

func TestADistributorGivesQuotasAndTakesThemBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		root := w.grant(w.distributor, "100.00", &coupons.Limits{Regions: []string{"north", "south"}})
		cmd := coupons.IssueCouponQuotas{
			QuotaID: root.ID, Limits: &coupons.Limits{Regions: []string{"north"}}, Memo: ptr(" autumn "), IdempotencyKey: "hand",
			Items: []coupons.ResellerQuota{
				{ResellerID: w.reseller.ID, Value: amount("60")}, {ResellerID: w.provider.ID, Value: amount("1")}, {ResellerID: w.second.ID, Value: amount("40.01")},
			},
		}
		done, err := w.IssueQuotas(w.ctx, asPartner(w.distributor), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if got := []string{item(done.Results[0].Error), item(done.Results[1].Error), item(done.Results[2].Error)}; !cmp.Equal(got, []string{"", "NOT_FOUND", "INSUFFICIENT_BALANCE"}) {
			t.Errorf("items: %v", got)
		}
		again, err := w.IssueQuotas(w.ctx, asPartner(w.distributor), cmd)
		if diff := cmp.Diff(done.CouponQuota, again.CouponQuota); err != nil || diff != "" || again.Results[0].CouponQuota.ID != done.Results[0].CouponQuota.ID {
			t.Errorf("the same key: %v %s", err, diff)
		}
		child := *done.Results[0].CouponQuota
		if child.ParentID != root.ID || child.RootID != root.ID || child.Memo != "autumn" || !cmp.Equal(child.Limits.Regions, []string{"north"}) || !child.ExpiresAt.Equal(root.ExpiresAt) {
			t.Errorf("child: %+v", child)
		}
		if got := w.quota(root.ID); got.BalanceMinor != 4000 || got.ValueMinor != 10000 {
			t.Errorf("parent: %+v", got)
		}
		coupon := w.issue(child, w.ofReseller, "25.00")
		foreign := w.grant(w.provider, "1.00", nil)
		reclaim := func(ids ...models.ID) (results []string) {
			t.Helper()
			done, err := w.ReclaimQuotas(w.ctx, asPartner(w.distributor), coupons.ReclaimCouponQuotas{QuotaIDs: ids, Remark: ptr("the season is over"), IdempotencyKey: w.key()})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range done.Results {
				text := item(r.Error)
				if r.Amount != nil {
					text = r.Amount.String()
				}
				results = append(results, text)
			}
			return results
		}
		set := func(status models.CouponQuotaStatus) {
			t.Helper()
			if _, err := w.SetQuotaStatus(w.ctx, operator(), coupons.SetCouponQuotaStatus{QuotaID: child.ID, Status: status, Reason: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		set(models.QuotaFrozen)
		if diff := cmp.Diff([]string{"QUOTA_FROZEN"}, reclaim(child.ID)); diff != "" {
			t.Error(diff)
		}
		set(models.QuotaAdjusting)
		if diff := cmp.Diff([]string{"QUOTA_ADJUSTING"}, reclaim(child.ID)); diff != "" {
			t.Error(diff)
		}
		set(models.QuotaNormal)
		if diff := cmp.Diff([]string{"35.00 CNY", "QUOTA_NOT_ISSUED", "NOT_FOUND"}, reclaim(child.ID, root.ID, foreign.ID)); diff != "" {
			t.Error(diff)
		}
		if got := w.quota(child.ID); got.Status != models.QuotaReclaimed || got.ValueMinor != 2500 || got.BalanceMinor != 0 || w.quota(root.ID).BalanceMinor != 7500 {
			t.Errorf("reclaimed: %+v", got)
		}
		if diff := cmp.Diff([]string{"NOTHING_TO_RECLAIM"}, reclaim(child.ID)); diff != "" {
			t.Error(diff)
		}
		// What the reseller gets back of its coupons afterwards can be taken back as well.
		if _, err := w.Reclaim(w.ctx, asPartner(w.reseller), coupons.ReclaimCoupons{CouponIDs: []models.ID{coupon.ID}, IdempotencyKey: w.key()}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"25.00 CNY"}, reclaim(child.ID)); diff != "" {
			t.Error(diff)
		}
		w.audit()
	})
}

func TestWhoTakesQuotasBackAndSeesThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		root := w.grant(w.distributor, "100.00", nil)
		child := w.give(root, w.reseller, "50.00")
		w.grant(w.provider, "1.00", nil)
		if _, err := w.ReclaimQuotas(w.ctx, asPartner(w.distributor), coupons.ReclaimCouponQuotas{QuotaIDs: []models.ID{child.ID}, IdempotencyKey: w.key()}); err != nil {
			t.Fatal(err)
		}
		eleven := make([]models.ID, models.MaxQuotaReclaims+1)
		for i := range eleven {
			eleven[i] = w.IDs(models.PrefixCouponQuota)
		}
		_, err := w.ReclaimQuotas(w.ctx, asPartner(w.distributor), coupons.ReclaimCouponQuotas{QuotaIDs: eleven, IdempotencyKey: w.key()})
		if reasonOf(err) != "INVALID quotaIds" {
			t.Errorf("eleven: %v", err)
		}
		if _, err := w.ReclaimQuotas(w.ctx, asPartner(w.reseller), coupons.ReclaimCouponQuotas{QuotaIDs: []models.ID{child.ID}, IdempotencyKey: w.key()}); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("a reseller reclaims: %v", err)
		}
		// The reseller sees its own and not what it came from; the distributor both.
		for who, want := range map[*models.Partner]int{&w.reseller: 1, &w.distributor: 2, &w.provider: 1, &w.second: 0} {
			page, err := w.FindQuotas(w.ctx, asPartner(*who), coupons.QuotaFilter{}, models.PageArgs{})
			if err != nil || len(page.Edges) != want {
				t.Errorf("%s sees %d quotas: %v", who.Name, len(page.Edges), err)
			}
		}
		if hidden, err := w.FindQuotas(w.ctx, asPartner(w.reseller), coupons.QuotaFilter{ParentID: &root.ID}, models.PageArgs{}); err != nil || len(hidden.Edges) != 0 {
			t.Errorf("a reseller finds by its distributor's quota: %v %v", hidden, err)
		}
		issued, err := w.FindQuotas(w.ctx, asPartner(w.distributor), coupons.QuotaFilter{Issued: ptr(true), ParentID: &root.ID, Status: []models.CouponQuotaStatus{models.QuotaReclaimed}}, models.PageArgs{})
		if err != nil || len(issued.Edges) != 1 || issued.Edges[0].Node.ID != child.ID {
			t.Errorf("issued: %v %v", issued, err)
		}
	})
}

func TestNothingIsIssuedBelowAStoppedParent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		root := w.grant(w.distributor, "100.00", nil)
		child := w.give(root, w.reseller, "50.00")
		if _, err := w.SetQuotaStatus(w.ctx, operator(), coupons.SetCouponQuotaStatus{QuotaID: root.ID, Status: models.QuotaFrozen, Reason: "test"}); err != nil {
			t.Fatal(err)
		}
		_, err := w.Issue(w.ctx, asPartner(w.reseller), coupons.IssueCoupons{
			QuotaID: child.ID, CustomerIDs: []models.ID{w.ofReseller.ID}, FaceValue: amount("1"), IdempotencyKey: w.key(),
		})
		if reasonOf(err) != "PARENT_QUOTA_UNUSABLE" {
			t.Error(err)
		}
		_, err = w.AdjustQuota(w.ctx, operator(), coupons.AdjustCouponQuota{QuotaID: child.ID, Value: amount("1"), Reason: "test", IdempotencyKey: w.key()})
		if reasonOf(err) != "RESELLER_QUOTA" {
			t.Error(err)
		}
	})
}

func TestQuotasExpireOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "10.00", nil)
		if until, ok := models.NotDueUntil(w.ExpireQuota(w.ctx, quota.ID)); !ok || !until.Equal(quota.ExpiresAt) {
			t.Errorf("early: %v %v", until, ok)
		}
		w.clock.advance(quota.ExpiresAt.Sub(w.Now()))
		_, err := w.Issue(w.ctx, asPartner(w.provider), coupons.IssueCoupons{
			QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID}, FaceValue: amount("1"), IdempotencyKey: w.key(),
		})
		if reasonOf(err) != "QUOTA_EXPIRED" { // also before the job has come
			t.Error(err)
		}
		for range 2 {
			if err := w.ExpireQuota(w.ctx, quota.ID); err != nil {
				t.Fatal(err)
			}
		}
		expired, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventQuotaExpired).Count(w.ctx)
		if got := w.quota(quota.ID); err != nil || got.Status != models.QuotaInvalid || got.BalanceMinor != 1000 || expired != 1 {
			t.Errorf("%+v, %d events, %v", got, expired, err)
		}
		w.audit()
	})
}
