package app_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// till is the hosted checkout as the demo's first customer uses it.
type till struct {
	*server
	t        *testing.T
	cookie   string
	customer models.Customer
	coupons  int // issued
}

func openTill(t *testing.T) *till {
	t.Helper()
	s := world(t, nil)
	name := "demo-bakery"
	found, err := s.Rooms.Customers.Find(t.Context(), models.SystemPrincipal("test"), customers.CustomerFilter{Query: &name}, models.PageArgs{})
	if err != nil || len(found.Edges) == 0 {
		t.Fatal(err)
	}
	return &till{server: s, t: t, cookie: s.cookieOf(t, name), customer: found.Edges[0].Node}
}

func (c *till) who() models.Principal {
	who := models.SystemPrincipal("test")
	who.Kind, who.CustomerID = models.CustomerUser, c.customer.ID
	return who
}

// quoted places an order of so many servers from a quote, at its best offer.
func (c *till) quoted(count int) models.Order {
	c.t.Helper()
	quoted, err := c.Rooms.Catalog.Purchase(c.t.Context(), c.who(), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{{
		Product:    catalog.Product{ID: "server", ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4", Quantity: &count},
		PeriodType: models.PeriodMonth, PeriodCount: 1,
	}}})
	if err != nil || quoted.Quote == nil {
		c.t.Fatal(quoted.Problems, err)
	}
	placed, err := c.Rooms.Orders.PlaceQuoted(c.t.Context(), c.who(), orders.PlaceFromQuote{
		CustomerID: c.customer.ID, QuoteID: quoted.Quote.ID, IdempotencyKey: string(quoted.Quote.ID),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return placed.Order
}

func (c *till) show(id models.ID, headers ...string) answer {
	c.t.Helper()
	return c.ask(c.t, "GET", "/checkout/"+string(id), "", append(headers, "Cookie", c.cookie)...)
}

func (c *till) post(id models.ID, form url.Values) answer {
	c.t.Helper()
	return c.ask(c.t, "POST", "/checkout/"+string(id), form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Cookie", c.cookie, "Origin", publicOrigin)
}

var hiddenField = regexp.MustCompile(`type="hidden" name="([a-z_]+)" value="([^"]*)"`)

// payForm are the fields of the form that pays.
func (c *till) payForm(page answer) url.Values {
	c.t.Helper()
	form := url.Values{}
	_, block, found := strings.Cut(page.body, `<div class="actions">`)
	block, _, _ = strings.Cut(block, "</form>")
	for _, field := range hiddenField.FindAllStringSubmatch(block, -1) {
		form.Add(field[1], field[2])
	}
	if !found || form.Get(pages.FieldIdempotencyKey) == "" {
		c.t.Fatalf("no form that pays: %s", page.body)
	}
	return form
}

func (c *till) order(id models.ID) models.Order {
	c.t.Helper()
	found, err := c.Rooms.Orders.ByIDs(c.t.Context(), models.SystemPrincipal("test"), []models.ID{id})
	if err != nil {
		c.t.Fatal(err)
	}
	return found[id]
}

func (c *till) wants(page answer, status int, texts ...string) {
	c.t.Helper()
	if page.status != status {
		c.t.Fatalf("status %d, want %d: %.500s", page.status, status, page.body)
	}
	for _, text := range texts {
		if !strings.Contains(page.body, text) {
			c.t.Errorf("the page lacks %q:\n%s", text, page.body)
		}
	}
}

func TestACustomerChoosesItsPriceAndPays(t *testing.T) {
	t.Parallel()
	c := openTill(t)
	order := c.quoted(1)
	if order.TotalMinor != 20_520 { // the partner's rate of 0.9 beats the contract's 0.95
		t.Fatalf("%+v", order)
	}
	shown := c.show(order.ID)
	c.wants(shown, 200, "List price", "228.00 CNY", "22.80 CNY", "205.20 CNY", "216.60 CNY", "From your balance", "Your partner&#39;s rate", "Cancel this order")
	c.wants(c.show(order.ID, "Accept-Language", "zh-CN"), 200, "官网价", "伙伴折扣率", "取消订单", "使用该价格")
	stale := c.payForm(shown)

	// The list price, then the contract.
	token := stale.Get(pages.FieldCSRF)
	for _, step := range []struct {
		kind  string
		total int64
	}{{"", 22_800}, {string(models.DiscountContract), 21_660}} {
		value := pages.ListPrice
		if step.kind != "" {
			offers, err := c.Rooms.Orders.Choices(t.Context(), c.who(), c.order(order.ID))
			if err != nil {
				t.Fatal(err)
			}
			for _, offer := range offers {
				if string(offer.Kind) == step.kind {
					value = string(offer.DiscountID)
				}
			}
		}
		if chosen := c.post(order.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {value}}); chosen.status != 303 {
			t.Fatalf("%d %.300s", chosen.status, chosen.body)
		}
		if got := c.order(order.ID); got.TotalMinor != step.total || got.Status != models.OrderPendingPayment {
			t.Errorf("%d to pay, want %d", got.TotalMinor, step.total)
		}
	}
	// Nothing that was not offered, and nothing without the form's token.
	c.wants(c.post(order.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {string(models.RandomIDs()(models.PrefixDiscount))}}), 409, "cannot be used for this order")
	c.wants(c.post(order.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {"half"}}), 400)
	c.wants(c.post(order.ID, url.Values{pages.FieldDiscount: {pages.ListPrice}}), 403)
	// A page that shows an older price takes nothing.
	c.wants(c.post(order.ID, stale), 409, "changed meanwhile", "216.60 CNY")
	if got := c.order(order.ID); got.Status != models.OrderPendingPayment || got.TotalMinor != 21_660 {
		t.Fatalf("%+v", got)
	}
	form := c.payForm(c.show(order.ID))
	for range 2 { // pressed twice
		paid := c.post(order.ID, form)
		back, err := url.Parse(paid.header.Get("Location"))
		if err != nil || paid.status != 303 || !strings.HasPrefix(back.String(), shopOrigin+"/paid?") || back.Query().Get("orderId") != string(order.ID) {
			t.Fatalf("%d to %s: %.300s", paid.status, back, paid.body)
		}
	}
	c.wants(c.show(order.ID), 200, "is paid", "Back to", shopOrigin+"/paid?")
	// Paid: no price is chosen any more, and it is not cancelled.
	c.wants(c.post(order.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {pages.ListPrice}}), 409, "is paid")
	c.wants(c.post(order.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldCancel: {"1"}}), 409, "is paid")
	if got := c.order(order.ID); got.TotalMinor != 21_660 || got.PaidAt == nil {
		t.Errorf("%+v", got)
	}
}

// issue gives the customer a coupon of so many minor units.
func (c *till) issue(minor int64, limits *coupons.Limits) models.ID {
	c.t.Helper()
	c.coupons++
	ctx, key := c.t.Context(), fmt.Sprintf("coupon %d", c.coupons)
	quota, err := c.Rooms.Coupons.GrantQuota(ctx, models.SystemPrincipal("test"), coupons.GrantCouponQuota{
		PartnerID: c.customer.PartnerID, Type: models.CouponVoucher, Value: decimal.New(minor, -2), ExpiresAt: time.Now().AddDate(1, 0, 0), IdempotencyKey: key,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	partner := models.Principal{Kind: models.PartnerKey, KeyID: "key_test", PartnerID: c.customer.PartnerID, PartnerKind: models.SolutionProvider, Permissions: models.AllPermissions()}
	done, err := c.Rooms.Coupons.Issue(ctx, partner, coupons.IssueCoupons{
		QuotaID: quota.CouponQuota.ID, CustomerIDs: []models.ID{c.customer.ID}, FaceValue: decimal.New(minor, -2), Limits: limits, IdempotencyKey: key,
	})
	if err != nil || done.Results[0].Coupon == nil {
		c.t.Fatal(done.Results, err)
	}
	return done.Results[0].Coupon.ID
}

// showWith is show with coupons chosen, as the form does it.
func (c *till) showWith(id models.ID, token string, ids ...models.ID) answer {
	c.t.Helper()
	form := url.Values{pages.FieldCSRF: {token}, pages.FieldChooseCoupons: {"1"}, pages.FieldCoupon: {""}}
	for _, id := range ids {
		form.Add(pages.FieldCoupon, string(id))
	}
	chosen := c.post(id, form)
	if chosen.status != 303 {
		c.t.Fatalf("%d %.300s", chosen.status, chosen.body)
	}
	return c.ask(c.t, "GET", chosen.header.Get("Location"), "", "Cookie", c.cookie)
}

func TestACustomerPaysWithCoupons(t *testing.T) {
	t.Parallel()
	c := openTill(t)
	small, large, alone := c.issue(5_000, nil), c.issue(10_000, nil), c.issue(3_000, &coupons.Limits{WithDiscount: new(false)})
	order := c.quoted(1) // 205.20 after a discount, 228.00 without
	shown := c.show(order.ID)
	c.wants(shown, 200, "<legend>Coupons</legend>", "First coupon", "50.00 CNY left", "does not go together with a discount", "Pay 205.20 CNY")
	c.wants(c.show(order.ID, "Accept-Language", "zh-CN"), 200, "优惠券", "第一张优惠券", "代金券", "不能与折扣同时使用", "使用这些优惠券")
	token := formToken.FindStringSubmatch(shown.body)[1]
	before := c.showWith(order.ID, token, large)
	c.wants(before, 200, "−100.00 CNY", "To pay", "Pay 105.20 CNY", "From coupons", "pays 100.00 CNY")
	both := c.showWith(order.ID, token, large, small, small) // named twice is chosen once
	c.wants(both, 200, "−150.00 CNY", "Pay 55.20 CNY", "55.20 CNY")
	if got := c.payForm(both)[pages.FieldCoupon]; !slices.Equal(got, []string{string(large), string(small)}) {
		t.Errorf("the form pays with %v", got)
	}
	// What does not fit is said in words, and pays nothing.
	c.wants(c.showWith(order.ID, token, alone), 200, "Pay 205.20 CNY", "Choose the list price to use it")
	// Another price keeps the coupons that were chosen, and then that one fits.
	form := url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {pages.ListPrice}, pages.FieldCoupon: {string(small), string(alone)}}
	listed := c.post(order.ID, form)
	c.wants(c.ask(t, "GET", listed.header.Get("Location"), "", "Cookie", c.cookie), 200, "−80.00 CNY", "Pay 148.00 CNY")
	// More than three, somebody else's, and what is no coupon at all.
	for address, status := range map[string]int{
		"coupon=" + string(models.RandomIDs()(models.PrefixCoupon)): 404, "coupon=half": 400,
		"coupon=" + string(small) + "&coupon=" + string(large) + "&coupon=" + string(alone) + "&coupon=" + string(c.issue(100, nil)): 400,
	} {
		c.wants(c.ask(t, "GET", "/checkout/"+string(order.ID)+"?"+address, "", "Cookie", c.cookie), status)
	}
	// A page that is older than what the coupon has left takes nothing.
	stale := c.payForm(c.showWith(order.ID, token, small))
	if _, err := c.Rooms.DB.NewUpdate().Table("coupons").Set("balance_minor = 4000").Where("id = ?", small).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wants(c.post(order.ID, stale), 409, "changed meanwhile", "Pay 188.00 CNY")
	if _, err := c.Rooms.DB.NewUpdate().Table("coupons").Set("balance_minor = 5000").Where("id = ?", small).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.order(order.ID); got.Status != models.OrderPendingPayment {
		t.Fatalf("%+v", got)
	}
	pay := c.payForm(c.showWith(order.ID, token, small, large))
	for range 2 { // pressed twice
		if paid := c.post(order.ID, pay); paid.status != 303 || !strings.HasPrefix(paid.header.Get("Location"), shopOrigin+"/paid?") {
			t.Fatalf("%d %.300s", paid.status, paid.body)
		}
	}
	if got := c.order(order.ID); got.CouponMinor != 15_000 || got.TotalMinor != 22_800 || got.PaidAt == nil {
		t.Errorf("%+v", got)
	}
	// What is missing is what coupons leave: without one the money does not suffice, with one it does.
	balances, err := c.Rooms.Funds.CustomerBalances(t.Context(), models.SystemPrincipal("test"), []models.ID{c.customer.ID})
	if err != nil {
		t.Fatal(err)
	}
	left := balances[c.customer.ID].Available.Minor
	next := c.quoted(1)
	c.drain(left - next.TotalMinor + 1_000)
	c.wants(c.show(next.ID), 200, "does not cover", "<strong>10.00 CNY</strong>")
	c.wants(c.showWith(next.ID, token, c.issue(400, nil)), 200, "does not cover", "<strong>6.00 CNY</strong>")
	c.wants(c.showWith(next.ID, token, c.issue(1_000, nil)), 200, "Check the order", "Pay 195.20 CNY")
}

// drain has the customer spend so much of its balance.
func (c *till) drain(minor int64) {
	c.t.Helper()
	order, err := c.Rooms.Orders.Place(c.t.Context(), models.SystemPrincipal("test"), orders.PlaceOrder{CustomerID: c.customer.ID, Items: []orders.PlaceItem{{
		ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4", Quantity: 1,
		PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: minor,
	}}})
	if err == nil {
		_, err = c.Rooms.Orders.Pay(c.t.Context(), c.who(), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "drain"})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func TestACheckoutOffersWhatElseCanBeDone(t *testing.T) {
	t.Parallel()
	c := openTill(t)
	ctx, system := t.Context(), models.SystemPrincipal("test")
	// Too dear: it says by how much, and leads to where the platform adds money, with the order.
	dear := c.quoted(500)
	shown := c.show(dear.ID)
	c.wants(shown, 200, "does not cover", "Missing", "Ask Demo Solution Provider to pay", "Cancel this order")
	if strings.Contains(shown.body, `<div class="actions">`) && strings.Contains(shown.body, pages.FieldIdempotencyKey) || strings.Contains(shown.body, "Add money") {
		t.Errorf("it can be paid, or recharged where nobody has said so: %s", shown.body)
	}
	c.wants(c.ask(t, "GET", "/checkout/"+string(dear.ID)+"/recharge", "", "Cookie", c.cookie), 404)
	recharge := shopOrigin + "/recharge?lang=en"
	if _, err := c.Rooms.Exposure.Update(ctx, system, exposure.UpdateAccessConfiguration{PartnerID: c.customer.PartnerID, OrderRechargeURL: &recharge}); err != nil {
		t.Fatal(err)
	}
	c.wants(c.show(dear.ID), 200, "Add money", `href="/checkout/`+string(dear.ID)+`/recharge"`)
	away := c.ask(t, "GET", "/checkout/"+string(dear.ID)+"/recharge", "", "Cookie", c.cookie)
	to, err := url.Parse(away.header.Get("Location"))
	if err != nil || away.status != 303 || !strings.HasPrefix(to.String(), shopOrigin+"/recharge?") {
		t.Fatalf("%d to %s", away.status, to)
	}
	for _, name := range append(models.ReturnParameters(), "lang") {
		if to.Query().Get(name) == "" {
			t.Errorf("the recharge address lacks %s: %s", name, to)
		}
	}
	if got := to.Query().Get("orderId") + " " + to.Query().Get("status"); got != string(dear.ID)+" PENDING_PAYMENT" {
		t.Error(got)
	}
	// Its partner is asked; then it is cancelled, once.
	token := formToken.FindStringSubmatch(shown.body)[1]
	if asked := c.post(dear.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldAskPartner: {"1"}}); asked.status != 303 {
		t.Errorf("%d %.300s", asked.status, asked.body)
	}
	c.wants(c.show(dear.ID), 200, "has been asked to pay")
	if gone := c.post(dear.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldCancel: {"1"}}); gone.status != 303 {
		t.Errorf("%d %.300s", gone.status, gone.body)
	}
	c.wants(c.show(dear.ID), 200, "was cancelled")
	c.wants(c.post(dear.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldCancel: {"1"}}), 409, "was cancelled")
	// What is set aside pays first, and holds its price.
	held := c.quoted(1)
	if _, err := c.Rooms.Orders.HoldPayment(ctx, c.who(), orders.HoldOrderPayment{OrderID: held.ID, IdempotencyKey: "hold"}); err != nil {
		t.Fatal(err)
	}
	c.wants(c.show(held.ID), 200, "From what is set aside for it")
	c.wants(c.post(held.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {pages.ListPrice}}), 409, "Money is set aside")
	if got := c.order(held.ID); got.TotalMinor != held.TotalMinor {
		t.Errorf("%d to pay", got.TotalMinor)
	}
	// Too late, and somebody else's.
	late := c.quoted(1)
	if _, err := c.Rooms.DB.NewUpdate().Table("orders").Set("pay_by = ?", time.Now().UTC().Add(-time.Minute)).Where("id = ?", late.ID).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	c.wants(c.show(late.ID), 200, "time to pay this order is over")
	c.wants(c.post(late.ID, url.Values{pages.FieldCSRF: {token}, pages.FieldDiscount: {pages.ListPrice}}), 409, "time to pay this order is over")
	others, err := c.Rooms.Orders.Find(ctx, system, orders.OrderFilter{Status: []models.OrderStatus{models.OrderPendingPayment}}, models.PageArgs{})
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range others.Nodes() {
		if order.CustomerID == c.customer.ID {
			continue
		}
		c.wants(c.show(order.ID), 404)
		c.wants(c.ask(t, "GET", "/checkout/"+string(order.ID)+"/recharge", "", "Cookie", c.cookie), 404)
		for _, field := range []string{pages.FieldDiscount, pages.FieldCancel, pages.FieldAskPartner, pages.FieldTotal} {
			c.wants(c.post(order.ID, url.Values{pages.FieldCSRF: {token}, field: {pages.ListPrice}}), 404)
		}
		if got := c.order(order.ID); got.Status != models.OrderPendingPayment || got.TotalMinor != order.TotalMinor {
			t.Errorf("%+v", got)
		}
		break
	}
}
