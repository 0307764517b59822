//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/orders"
)

type graphQL = graphql.Client

// twice presses a button twice, as fast as a mouse does.
func (v *visitor) twice(selector string) {
	v.t.Helper()
	v.do(chromedp.DoubleClick(chromedp.CSS(selector)))
}

// submit presses Enter in a field.
func submit(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), kb.Enter)
}

// formOf reads the fields of the form that pays.
func formOf(t *testing.T, v *visitor) url.Values {
	t.Helper()
	form, err := url.ParseQuery(v.eval("new URLSearchParams(new FormData(document.querySelector('.actions form'))).toString()"))
	if err != nil || form.Get("idempotency_key") == "" || form.Get("csrf_token") == "" {
		t.Fatalf("the form that pays holds %v: %v", form, err)
	}
	return form
}

// postForm posts a form with a browser's cookies and stays where the answer points away from.
func postForm(t *testing.T, address string, form url.Values, cookies []*http.Cookie) (status int, location string) {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	// Names under localhost are loopback, whether or not this machine's resolver says so.
	dial := *target
	dial.Host = "127.0.0.1:" + target.Port()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, dial.String(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = target.Host
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := stay.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode, answer.Header.Get("Location")
}

// badPayments are all that the checkout refuses. Somebody with 5000.00 tries.
func (h *house) badPayments(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, "tin-soldier")
	v.click("#console")
	h.createAccount(v, "tin-soldier", h.info.Console, "#orders")
	id := h.signedIn(t, v)
	first := welcomed(t, h.as(h.info.Keys.SolutionProvider), id).Orders.Nodes[0].Id

	t.Run("a foreign, a missing and a malformed order", func(t *testing.T) { h.foreignOrders(t, v.in(t), id, first) })
	t.Run("without a session", func(t *testing.T) {
		stranger := h.open(t)
		stranger.visit(h.checkout(first))
		stranger.lands(origin(h.info.Console)+"/sign-in", "#login_name")
		stranger.shot("sign-in")
	})
	t.Run("too little money", func(t *testing.T) { h.tooDear(t, v.in(t), id) })
	t.Run("a cancelled order", func(t *testing.T) { h.cancelled(t, v.in(t), id) })
	t.Run("an order whose time is over", func(t *testing.T) { h.overdue(t, v.in(t), id) })
	t.Run("a paid order", func(t *testing.T) { h.paidTwice(t, v.in(t), id, first) })
}

func (h *house) checkout(orderID string) string {
	return origin(h.info.Console) + "/checkout/" + orderID
}

// place lets the cloud place an order for a customer.
func (h *house) place(t *testing.T, customerID string, minor int64, payBy *time.Time) string {
	t.Helper()
	order, err := h.rooms.Orders.Place(t.Context(), models.SystemPrincipal("e2e"), orders.PlaceOrder{
		CustomerID: models.ID(customerID), PayBy: payBy, Items: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4",
			Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: minor,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(order.ID)
}

// refusedPayment shows an order that cannot be paid, and posts the form of another page for it all the same.
func (h *house) refusedPayment(t *testing.T, v *visitor, customerID, orderID, tone, picture string, form url.Values) {
	t.Helper()
	before := h.tally(t, customerID)
	v.visit(h.checkout(orderID))
	v.lands(h.checkout(orderID), ".note."+tone)
	v.shot(picture)
	if got := v.count(".actions form [name=idempotency_key]"); got != "0" {
		t.Errorf("the page still offers to pay:\n%s", v.text("main"))
	}
	form.Set("idempotency_key", "e2e-"+orderID)
	// What the server does at its time, such as the end of an order whose time is over, may fall between: that happens once, what a refused
	// payment does happens each time.
	for attempt := 1; ; attempt++ {
		if status, location := postForm(t, h.checkout(orderID), form, v.cookies(h.info.Console)); status != http.StatusConflict {
			t.Errorf("paying all the same: status %d to %q", status, location)
		}
		after := h.tally(t, customerID)
		if after == before {
			return
		}
		if attempt == 5 {
			t.Errorf("a refused payment changed %+v to %+v", before, after)
			return
		}
		before = after
	}
}

func (h *house) foreignOrders(t *testing.T, v *visitor, id, own string) {
	v.visit(h.checkout(own))
	v.lands(h.checkout(own), ".actions form")
	form := formOf(t, v)
	foreign := ask[struct {
		Orders struct{ Nodes []struct{ ID string } }
	}](t, h.as(h.info.Keys.Customer), `{ orders(status: [PENDING_PAYMENT], first: 1) { nodes { id } } }`, nil).Orders.Nodes[0].ID
	before := h.tally(t, id)
	for name, order := range map[string]string{"foreign": foreign, "missing": "ord_01arz3ndektsv4rrffq69g5fav", "of another kind": id, "malformed": "1-or-2"} {
		v.visit(h.checkout(order))
		v.refused("NOT_FOUND", http.StatusNotFound)
		if status, location := postForm(t, h.checkout(order), form, v.cookies(h.info.Console)); status < 400 || status > 404 {
			t.Errorf("paying an order that is %s: status %d to %q", name, status, location)
		}
	}
	// A form that another site made has no token.
	without := url.Values{"idempotency_key": {"e2e-forged"}}
	v.visit(h.info.Storefront)
	v.post(h.checkout(own), without)
	v.lands(origin(h.info.Console)+"/sign-in", "#login_name") // the session's cookie is not sent along from another site
	if status, location := postForm(t, h.checkout(own), without, v.cookies(h.info.Console)); status != http.StatusForbidden {
		t.Errorf("a form without its token: status %d to %q", status, location)
	}
	if after := h.tally(t, id); after != before {
		t.Errorf("refused payments changed %+v to %+v", before, after)
	}
}

func (h *house) tooDear(t *testing.T, v *visitor, id string) {
	form := h.anyForm(t, v, id)
	dear := h.place(t, id, 999_900, nil)
	h.refusedPayment(t, v, id, dear, "bad", "checkout-3-too-little", form)
	v.visit(h.checkout(dear))
	if got := v.text("dl strong"); got != "4999.00 CNY" && got != "CNY 4999.00" {
		t.Errorf("what is missing of 9999.00: %q", got)
	}
	if got := v.eval("document.querySelector('.actions a.button').href"); got != h.checkout(dear)+"/recharge" {
		t.Errorf("the way to add money leads to %q", got)
	}
	v.click(".actions a.button")
	// The way there is a redirect, which a click does not wait for.
	wait(t, "the storefront's page that takes money", 15*time.Second, func() bool {
		got := v.eval("location.href")
		return strings.HasPrefix(got, strings.TrimSuffix(h.info.Storefront, "/")) && strings.Contains(got, "orderId="+dear) && strings.Contains(got, "signature=")
	})
}

func (h *house) cancelled(t *testing.T, v *visitor, id string) {
	form := h.anyForm(t, v, id)
	order := h.place(t, id, 100, nil)
	if _, err := h.rooms.Orders.Cancel(t.Context(), models.SystemPrincipal("e2e"), orders.CancelOrder{OrderID: models.ID(order)}); err != nil {
		t.Fatal(err)
	}
	h.refusedPayment(t, v, id, order, "bad", "checkout-4-cancelled", form)
}

func (h *house) overdue(t *testing.T, v *visitor, id string) {
	form := h.anyForm(t, v, id)
	soon := time.Now().Add(time.Second)
	order := h.place(t, id, 100, &soon)
	time.Sleep(time.Until(soon))
	h.refusedPayment(t, v, id, order, "bad", "checkout-5-time-over", form)
}

// paidTwice posts one form five times at the same moment; only one of them may move money.
func (h *house) paidTwice(t *testing.T, v *visitor, id, order string) {
	v.visit(h.checkout(order))
	v.lands(h.checkout(order), ".actions form")
	form, cookies := formOf(t, v), v.cookies(h.info.Console)
	api := h.as(h.info.Keys.SolutionProvider)
	before := customer(t, api, id)
	var posts sync.WaitGroup
	for range 5 {
		posts.Go(func() {
			if status, location := postForm(t, h.checkout(order), form, cookies); status != http.StatusSeeOther {
				t.Errorf("one of five: status %d to %q", status, location)
			}
		})
	}
	posts.Wait()
	h.delivered(t, api, before, order)
	h.refusedPayment(t, v, id, order, "good", "checkout-6-paid-before", form)
}

// anyForm is the form of an order that can be paid, for posting it where there is none.
func (h *house) anyForm(t *testing.T, v *visitor, id string) url.Values {
	t.Helper()
	order := customer(t, h.as(h.info.Keys.SolutionProvider), id)
	payable := order.Orders.Nodes[len(order.Orders.Nodes)-1].Id
	v.visit(h.checkout(payable))
	v.lands(h.checkout(payable), ".actions form")
	return formOf(t, v)
}

// couponsPay has somebody with 5000.00 and two coupons pay an order of 5100.00, at the keyboard alone.
func (h *house) couponsPay(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, "lamp-lighter")
	v.click("#console")
	h.createAccount(v, "lamp-lighter", h.info.Console, "#orders")
	id := h.signedIn(t, v)
	first, second := h.coupon(t, id, 6_000), h.coupon(t, id, 5_000)
	order := h.place(t, id, 510_000, nil)
	missing := func(want string) {
		t.Helper()
		if got := v.text("dl strong"); got != want+" CNY" && got != "CNY "+want {
			t.Errorf("missing %q, want %s", got, want)
		}
	}
	v.visit(h.checkout(order))
	v.lands(h.checkout(order), ".note.bad")
	missing("100.00")
	if got := v.count("#coupon_3"); got != "0" {
		t.Errorf("two coupons have %s third places", got)
	}
	// An arrow key chooses, Enter on the button sends.
	choose := func(field, pressed, shows string) {
		t.Helper()
		v.do(chromedp.SendKeys(chromedp.CSS(field), pressed))
		v.do(chromedp.SendKeys(chromedp.CSS(".choices button"), kb.Enter))
		v.lands(h.checkout(order), shows)
	}
	choose("#coupon_1", kb.ArrowDown, ".coupons li")
	missing("40.00")
	v.shot("checkout-7-one-coupon")
	choose("#coupon_2", kb.ArrowDown+kb.ArrowDown, ".coupons li:nth-child(2)")
	if got := v.text(".actions form button"); !strings.Contains(got, "4990.00") {
		t.Errorf("the button says %q:\n%s", got, v.text("main"))
	}
	v.shot("checkout-8-two-coupons")
	if got := formOf(t, v)["coupon"]; len(got) != 2 || got[0] != string(first) || got[1] != string(second) {
		t.Errorf("the form pays with %v, want %s and %s", got, first, second)
	}
	v.do(chromedp.SendKeys(chromedp.CSS(".actions form button"), kb.Enter))
	v.lands(strings.TrimSuffix(h.info.Storefront, "/")+"/paid", "#paid")
	found, err := h.rooms.Orders.ByIDs(t.Context(), models.SystemPrincipal("e2e"), []models.ID{models.ID(order)})
	if got := found[models.ID(order)]; err != nil || got.CouponMinor != 11_000 || got.PaidAt == nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got := customer(t, h.as(h.info.Keys.SolutionProvider), id).Balance.Available.Amount; got != "10.00" {
		t.Errorf("%s is left, want 10.00", got)
	}
}

// coupon has a customer's partner give it a coupon of so many minor units.
func (h *house) coupon(t *testing.T, customerID string, minor int64) models.ID {
	t.Helper()
	system, id := models.SystemPrincipal("e2e"), models.ID(customerID)
	found, err := h.rooms.Customers.ByIDs(t.Context(), system, []models.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	face, key := decimal.New(minor, -2), fmt.Sprintf("e2e %s %d", id, minor)
	quota, err := h.rooms.Coupons.GrantQuota(t.Context(), system, coupons.GrantCouponQuota{
		PartnerID: found[id].PartnerID, Type: models.CouponVoucher, Value: face, ExpiresAt: time.Now().AddDate(1, 0, 0), IdempotencyKey: key,
	})
	if err != nil {
		t.Fatal(err)
	}
	partner := models.Principal{
		Kind: models.PartnerKey, KeyID: "key_e2e", PartnerID: found[id].PartnerID, PartnerKind: models.SolutionProvider, Permissions: models.AllPermissions(),
	}
	issued, err := h.rooms.Coupons.Issue(t.Context(), partner, coupons.IssueCoupons{QuotaID: quota.CouponQuota.ID, CustomerIDs: []models.ID{id}, FaceValue: face, IdempotencyKey: key})
	if err != nil || issued.Results[0].Coupon == nil {
		t.Fatal(issued, err)
	}
	return issued.Results[0].Coupon.ID
}
