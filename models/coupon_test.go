package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

func minor(n int64) *int64 { return &n }

func share(text string) *decimal.Decimal {
	d := decimal.RequireFromString(text)
	return &d
}

func TestLimitsBelowAQuotaAreWithinIt(t *testing.T) {
	t.Parallel()
	parent := models.CouponLimits{
		ServiceTypes: []string{"ec2", "ebs"}, Regions: []string{"north"}, Currency: models.CNY, MinOrderMinor: minor(100), MaxOrderMinor: minor(900),
		NotWithDiscount: true, MinDiscount: share("0.8"),
	}
	for name, row := range map[string]struct {
		asked models.CouponLimits
		want  models.CouponLimits
		field string
	}{
		"nothing asked for is the parent's": {models.CouponLimits{}, parent, ""},
		"narrower in everything": {
			models.CouponLimits{ServiceTypes: []string{"ebs"}, Products: []string{"SSD"}, MinOrderMinor: minor(200), MaxOrderMinor: minor(800), MinDiscount: share("0.9")},
			models.CouponLimits{
				ServiceTypes: []string{"ebs"}, Products: []string{"SSD"}, Regions: []string{"north"}, Currency: models.CNY, MinOrderMinor: minor(200), MaxOrderMinor: minor(800),
				NotWithDiscount: true, MinDiscount: share("0.9"),
			}, "",
		},
		"another service":       {models.CouponLimits{ServiceTypes: []string{"ebs", "obs"}}, models.CouponLimits{}, "limits.serviceTypes"},
		"another region":        {models.CouponLimits{Regions: []string{"south"}}, models.CouponLimits{}, "limits.regions"},
		"a lower bound":         {models.CouponLimits{MinOrderMinor: minor(99)}, models.CouponLimits{}, "limits.minOrderAmount"},
		"a higher bound":        {models.CouponLimits{MaxOrderMinor: minor(901)}, models.CouponLimits{}, "limits.maxOrderAmount"},
		"a deeper discount":     {models.CouponLimits{MinDiscount: share("0.79")}, models.CouponLimits{}, "limits.minDiscount"},
		"bounds that pass by":   {models.CouponLimits{MinOrderMinor: minor(950)}, models.CouponLimits{}, "limits.maxOrderAmount"},
		"eleven products":       {models.CouponLimits{Products: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}}, models.CouponLimits{}, "limits.products"},
		"a product named twice": {models.CouponLimits{Products: []string{"a", "a"}}, models.CouponLimits{}, "limits.products"},
		"a code with a space":   {models.CouponLimits{Products: []string{"a b"}}, models.CouponLimits{}, "limits.products"},
		"a share above one":     {models.CouponLimits{MinDiscount: share("1.01")}, models.CouponLimits{}, "limits.minDiscount"},
	} {
		got, err := row.asked.Within(parent)
		if row.field != "" {
			if e := models.AsError(err); e == nil || e.Code != models.CodeInvalid || e.Field != row.field {
				t.Errorf("%s: %v, want INVALID of %s", name, err, row.field)
			}
			continue
		}
		if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestRedeemPaysWhatTheCouponCovers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	fresh := func(change func(c *models.Coupon)) models.Coupon {
		c := models.Coupon{
			ID: "cpn_1", Cloud: "hwc", CustomerID: "cus_1", Currency: models.CNY, FaceMinor: 500, BalanceMinor: 500, Status: models.CouponUsable,
			EffectiveAt: now, ExpiresAt: now.Add(time.Hour),
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	purchase := func() models.CouponPurchase {
		return models.CouponPurchase{
			OrderID: "ord_1", Cloud: "hwc", CustomerID: "cus_1", Currency: models.CNY, TotalMinor: 900, OfficialMinor: 1000,
			Lines: []models.CouponLine{
				{ItemID: "itm_1", ServiceType: "ec2", Product: "s6", Region: "north", LeftMinor: 400}, {ItemID: "itm_2", ServiceType: "ebs", Product: "SSD", Region: "north", LeftMinor: 500},
			},
		}
	}
	for name, row := range map[string]struct {
		coupon models.Coupon
		want   []int64 // what the lines get; nil = refused
		reason string
	}{
		"line after line":            {fresh(nil), []int64{400, 100}, ""},
		"its service only":           {fresh(func(c *models.Coupon) { c.Limits.ServiceTypes = []string{"ebs"} }), []int64{0, 500}, ""},
		"its product only":           {fresh(func(c *models.Coupon) { c.Limits.Products = []string{"s6"} }), []int64{400, 0}, ""},
		"activated since":            {fresh(func(c *models.Coupon) { c.Status = models.CouponNotActivated }), []int64{400, 100}, ""},
		"locked by the order itself": {fresh(func(c *models.Coupon) { c.LockedBy = "ord_1" }), []int64{400, 100}, ""},
		"bounds that it just meets": {fresh(func(c *models.Coupon) {
			c.Limits.MinOrderMinor, c.Limits.MaxOrderMinor, c.Limits.MinDiscount = minor(900), minor(900), share("0.9")
		}), []int64{400, 100}, ""},
		"no line of its region":  {fresh(func(c *models.Coupon) { c.Limits.Regions = []string{"south"} }), nil, "COUPON_NOT_APPLICABLE"},
		"under its bounds":       {fresh(func(c *models.Coupon) { c.Limits.MinOrderMinor = minor(901) }), nil, "COUPON_ORDER_AMOUNT"},
		"over its bounds":        {fresh(func(c *models.Coupon) { c.Limits.MaxOrderMinor = minor(899) }), nil, "COUPON_ORDER_AMOUNT"},
		"not with a discount":    {fresh(func(c *models.Coupon) { c.Limits.NotWithDiscount = true }), nil, "COUPON_WITH_DISCOUNT"},
		"too deep a discount":    {fresh(func(c *models.Coupon) { c.Limits.MinDiscount = share("0.91") }), nil, "COUPON_DISCOUNT_TOO_DEEP"},
		"another currency":       {fresh(func(c *models.Coupon) { c.Currency = models.USD }), nil, "COUPON_CURRENCY"},
		"locked by another":      {fresh(func(c *models.Coupon) { c.LockedBy = "ord_2" }), nil, "COUPON_LOCKED"},
		"used up":                {fresh(func(c *models.Coupon) { c.Status, c.BalanceMinor = models.CouponUsed, 0 }), nil, "COUPON_USED"},
		"taken back":             {fresh(func(c *models.Coupon) { c.Status = models.CouponReclaimed }), nil, "COUPON_RECLAIMED"},
		"expired, not yet swept": {fresh(func(c *models.Coupon) { c.ExpiresAt = now }), nil, "COUPON_EXPIRED"},
		"expired":                {fresh(func(c *models.Coupon) { c.Status = models.CouponExpired }), nil, "COUPON_EXPIRED"},
		"before its time":        {fresh(func(c *models.Coupon) { c.EffectiveAt = now.Add(1) }), nil, "COUPON_NOT_ACTIVATED"},
	} {
		before, p := row.coupon, purchase()
		shares, err := row.coupon.Redeem(p, now)
		if models.ReasonOf(err) != row.reason {
			t.Errorf("%s: %v, want %q", name, err, row.reason)
			continue
		}
		if row.reason != "" {
			if diff := cmp.Diff(before, row.coupon); diff != "" || !slices.Equal(p.Lines, purchase().Lines) {
				t.Errorf("%s: refused, and yet changed: %s", name, diff)
			}
			continue
		}
		got := make([]int64, len(p.Lines))
		for _, s := range shares {
			for i, line := range p.Lines {
				if line.ItemID == s.ItemID {
					got[i] = s.AmountMinor
				}
			}
		}
		left := 500 - row.want[0] - row.want[1]
		if diff := cmp.Diff(row.want, got); diff != "" || row.coupon.BalanceMinor != left || (row.coupon.Status == models.CouponUsed) != (left == 0) || row.coupon.LockedBy != "ord_1" {
			t.Errorf("%s: %s; left %d, %s", name, diff, row.coupon.BalanceMinor, row.coupon.Status)
		}
	}
	covered := purchase()
	covered.Lines[0].LeftMinor, covered.Lines[1].LeftMinor = 0, 0
	last := fresh(nil)
	if _, err := last.Redeem(covered, now); models.ReasonOf(err) != "COUPON_NOT_NEEDED" {
		t.Error(err)
	}
}

// TestACouponNeverLosesAMinorUnit lets random purchases, returns and ends happen to one coupon: what it was issued with is always what is left, what
// paid and what went back.
func TestOffersOfCouponsSayWhatEachPays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	coupon := func(id models.ID, balance int64, limits models.CouponLimits) models.Coupon {
		return models.Coupon{
			ID: id, Cloud: "hwc", Currency: models.CNY, BalanceMinor: balance, Status: models.CouponUsable, Limits: limits, EffectiveAt: now, ExpiresAt: now.Add(time.Hour),
		}
	}
	ebs := models.CouponLimits{ServiceTypes: []string{"ebs"}}
	all, some, few, alone := coupon("all", 10_000, models.CouponLimits{}), coupon("some", 300, ebs), coupon("few", 150, models.CouponLimits{}), coupon("alone", 100, models.CouponLimits{NotWithDiscount: true})
	purchase := models.CouponPurchase{
		OrderID: "ord_1", Cloud: "hwc", Currency: models.CNY, TotalMinor: 900, OfficialMinor: 1000,
		Lines: []models.CouponLine{{ItemID: "itm_1", ServiceType: "ec2", LeftMinor: 400}, {ItemID: "itm_2", ServiceType: "ebs", LeftMinor: 500}},
	}
	for name, row := range map[string]struct {
		chosen, others []models.Coupon
		want           []string // id, place, what it pays, why not
	}{
		"none chosen: each by itself":      {nil, []models.Coupon{all, some, few, alone}, []string{"all 0 900 ", "some 0 300 ", "few 0 150 ", "alone 0 0 COUPON_WITH_DISCOUNT"}},
		"each after those before it":       {[]models.Coupon{some, all}, []models.Coupon{few}, []string{"some 1 300 ", "all 2 600 ", "few 0 0 COUPON_NOT_NEEDED"}},
		"the order counts":                 {[]models.Coupon{all, some}, nil, []string{"all 1 900 ", "some 2 0 COUPON_NOT_NEEDED"}},
		"a refused one leaves all of it":   {[]models.Coupon{alone, few}, []models.Coupon{some}, []string{"alone 1 0 COUPON_WITH_DISCOUNT", "few 2 150 ", "some 0 300 "}},
		"what few leaves is for some else": {[]models.Coupon{few}, []models.Coupon{all}, []string{"few 1 150 ", "all 0 750 "}},
	} {
		var got []string
		for _, offer := range models.OfferCoupons(purchase, row.chosen, row.others, now) {
			why := ""
			if offer.Refusal != nil {
				why = offer.Refusal.Reason()
			}
			got = append(got, fmt.Sprintf("%s %d %d %s", offer.Coupon.ID, offer.Place, offer.PaysMinor, why))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if purchase.Lines[0].LeftMinor != 400 || purchase.Lines[1].LeftMinor != 500 || all.BalanceMinor != 10_000 {
		t.Errorf("an offer changed %+v %+v", purchase, all)
	}
}

func TestACouponNeverLosesAMinorUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
		face := rapid.Int64Range(1, 1000).Draw(rt, "face")
		c := models.Coupon{ID: "cpn_1", Currency: models.CNY, FaceMinor: face, BalanceMinor: face, Status: models.CouponUsable, EffectiveAt: now, ExpiresAt: now.Add(time.Hour)}
		var paid int64
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0, 1:
				p := models.CouponPurchase{OrderID: "ord_1", Currency: models.CNY, Lines: []models.CouponLine{
					{ItemID: "itm_1", LeftMinor: rapid.Int64Range(0, 300).Draw(rt, "one")}, {ItemID: "itm_2", LeftMinor: rapid.Int64Range(0, 300).Draw(rt, "two")},
				}}
				shares, err := c.Redeem(p, now)
				for _, s := range shares {
					paid += s.AmountMinor
				}
				if (err == nil) != (len(shares) > 0) {
					rt.Fatal(err, shares)
				}
			case 2:
				if paid > 0 {
					back := rapid.Int64Range(1, paid).Draw(rt, "back")
					paid -= back
					c.GiveBack(back, now)
				}
			case 3:
				c.End(models.CouponReclaimed, now)
			}
			if c.BalanceMinor < 0 || c.BalanceMinor+paid+c.ReturnedMinor != face || (c.Status == models.CouponUsed) && c.BalanceMinor > 0 || c.Status == models.CouponUsable && c.BalanceMinor == 0 {
				rt.Fatalf("%+v, paid %d", c, paid)
			}
		}
	})
}

func TestCodesOfCouponsAreTheVendors(t *testing.T) {
	t.Parallel()
	var operations []int
	for _, o := range models.CouponOperations() {
		operations = append(operations, o.WireCode())
	}
	got := map[string]int{
		"voucher": models.CouponVoucher.WireCode(), "pickup": models.CouponPickup.WireCode(), "cash": models.CouponCash.WireCode(), "none": models.CouponType("X").WireCode(),
		"usable": models.CouponUsable.WireCode(), "reclaimed": models.CouponReclaimed.WireCode(), "normal": models.QuotaNormal.WireCode(),
		"invalid": models.QuotaInvalid.WireCode(), "adjusting": models.QuotaAdjusting.WireCode(), "frozen": models.QuotaFrozen.WireCode(),
		"taken": models.QuotaReclaimed.WireCode(), "grant": models.QuotaGrant.WireCode(), "reclaim": models.QuotaReclaim.WireCode(),
	}
	want := map[string]int{
		"voucher": 1, "pickup": 3, "cash": 4, "none": 0, "usable": 2, "reclaimed": 5, "normal": 0, "invalid": 3, "adjusting": 4, "frozen": 5, "taken": 6,
		"grant": 10, "reclaim": 11,
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(operations, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("%s %v", diff, operations)
	}
}
