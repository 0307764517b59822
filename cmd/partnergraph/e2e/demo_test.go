//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/examples/storefront/client"
)

// demoPlatform is the main job as a newcomer sees it: the demo's own storefront, which is also the identity provider.
func (h *house) demoPlatform(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	v.lands(h.info.Storefront, "#sign-in")
	v.shot("storefront-1-sign-in")
	h.signInAtStorefront(v, "harbour-bakery")
	v.shot("storefront-2-signed-in")

	// The login link leads over the identity provider, to which the visitor is known, to the create-or-bind page.
	v.click("#console")
	h.createAccount(v, "harbour-bakery", h.info.Console, "#orders")
	v.shot("console-1-new")
	id := h.signedIn(t, v)

	// Only a notification whose signature it verified tells the storefront which customer its account is.
	v.visit(h.info.Storefront)
	v.lands(h.info.Storefront, "#customer")
	if got := v.text("#customer p small"); got != id {
		t.Fatalf("the storefront was told of customer %q, the session is of %s", got, id)
	}
	h.overview(t, id)
	h.buy(t, v, id)
	h.laterLogins(t, "harbour-bakery", id)
	t.Run("GraphiQL", h.graphiQL)
}

func (h *house) signInAtStorefront(v *visitor, account string) {
	v.t.Helper()
	v.fill("#sign-in input[name=account]", account)
	v.click("#sign-in button")
	v.lands(h.info.Storefront, "#console")
}

// createAccount goes from the create-or-bind page to the service.
func (h *house) createAccount(v *visitor, account, service, sign string) {
	v.t.Helper()
	ours := origin(h.info.Console)
	v.lands(ours+"/first-login", "#consent")
	if got := v.eval("document.querySelector('#account_name').value"); got != account {
		v.t.Errorf("the page proposes the name %q, not the assertion's %q", got, account)
	}
	v.shot("first-login")
	v.click("#consent")
	v.click("form[aria-labelledby=create-title] button")
	v.lands(service, sign)
}

// signedIn returns the customer whose session the browser has.
func (h *house) signedIn(t *testing.T, v *visitor) string {
	t.Helper()
	seen := ask[struct {
		Viewer struct {
			Kind     string
			Customer struct{ ID string }
			Sessions []struct{ PlatformID string }
		}
	}](t, h.asVisitor(v), `{ viewer { kind customer { id } sessions { platformId } } }`, nil)
	if seen.Viewer.Kind != "CUSTOMER_USER" || seen.Viewer.Customer.ID == "" || len(seen.Viewer.Sessions) == 0 || seen.Viewer.Sessions[0].PlatformID == "" {
		t.Fatalf("the browser's session is not that of a customer who came through a platform: %+v", seen.Viewer)
	}
	return seen.Viewer.Customer.ID
}

// overview is what the storefront asks before anything is paid.
func (h *house) overview(t *testing.T, id string) {
	api := h.as(h.info.Keys.SolutionProvider)
	bought := welcomed(t, api, id)
	all, err := client.Overview(t.Context(), api, nil)
	if err != nil {
		t.Fatal(err)
	}
	partner := all.Viewer.Partner
	if partner == nil || partner.Id != h.info.PartnerID || partner.Kind != client.PartnerKindSolutionProvider || partner.Balance == nil {
		t.Fatalf("the key is not seen as the solution provider's: %+v", partner)
	}
	if partner.AccessConfiguration == nil || partner.AccessConfiguration.PlatformId != h.info.PlatformID {
		t.Errorf("access configuration: %+v", partner.AccessConfiguration)
	}
	if len(partner.IncentiveStatements.Nodes) != 3 {
		t.Errorf("asked for 3 incentive statements, got %d", len(partner.IncentiveStatements.Nodes))
	}
	for _, statement := range partner.IncentiveStatements.Nodes {
		if decimal.RequireFromString(statement.Total.Amount).Sign() <= 0 {
			t.Errorf("incentives of %s are %s", statement.Period, statement.Total.Amount)
		}
	}
	newest := partner.Customers.Nodes[len(partner.Customers.Nodes)-1]
	if newest.Id != id || newest.Name != "harbour-bakery" || newest.Association == nil || newest.Association.Mode != client.AssociationModeResale {
		t.Errorf("the newest customer is %+v", newest)
	}
	if bought.Association == nil || bought.Association.Mode != client.AssociationModeResale || bought.Association.Partner == nil || bought.Association.Partner.Id != h.info.PartnerID {
		t.Errorf("association: %+v", bought.Association)
	}
	order := bought.Orders.Nodes[0]
	if order.Status != client.OrderStatusPendingPayment || len(order.Items) != 2 || len(order.Resources) != 0 || order.PayBy == nil {
		t.Fatalf("the order to pay: %+v", order)
	}
	if disk := order.Items[1]; disk.ParentId == nil || *disk.ParentId != order.Items[0].Id {
		t.Errorf("the system disk is no part of the server: %+v", disk)
	}
	sum := decimal.Zero
	for _, item := range order.Items {
		sum = sum.Add(decimal.RequireFromString(item.Amount.Amount))
	}
	if !sum.Equal(decimal.RequireFromString(order.Total.Amount)) {
		t.Errorf("items sum to %s, the total is %s", sum, order.Total.Amount)
	}
	h.oldCustomer(t)
}

// oldCustomer checks one whose orders went all the way before: every order's resources with their sub-resources.
func (h *house) oldCustomer(t *testing.T) {
	api := h.as(h.info.Keys.SolutionProvider)
	found := ask[struct {
		Customers struct{ Nodes []struct{ ID string } }
	}](t, api, `{ customers(query: "demo-bakery", first: 1) { nodes { id } } }`, nil)
	old := customer(t, api, found.Customers.Nodes[0].ID)
	var shape []string
	for _, order := range old.Orders.Nodes {
		line := string(order.Status)
		for _, resource := range order.Resources {
			if resource.IsMain {
				line += " " + resource.ResourceType + " " + string(resource.Status)
				for _, part := range resource.SubResources {
					line += " (" + part.ResourceType + " " + string(part.Status) + ")"
				}
			}
		}
		shape = append(shape, line)
	}
	done := "COMPLETED hws.resource.type.vm IN_USE (hws.resource.type.volume IN_USE)"
	bundle := "COMPLETED hws.resource.type.package.obs IN_USE"
	if diff := cmp.Diff([]string{bundle, "PENDING_PAYMENT", done, done}, shape); diff != "" {
		t.Errorf("orders of %s (-want +got):\n%s", old.Name, diff)
	}
}

// buy pays the pending order in the hosted checkout: the button is pressed twice, the form is posted twice more, and the
// money goes once.
func (h *house) buy(t *testing.T, v *visitor, id string) {
	api := h.as(h.info.Keys.SolutionProvider)
	before := customer(t, api, id)
	order := before.Orders.Nodes[0]
	v.visit(h.info.Storefront)
	v.lands(h.info.Storefront, "tr.order[data-status=PENDING_PAYMENT] a.pay")
	v.shot("storefront-3-order-to-pay")
	v.click("a.pay")
	checkout := origin(h.info.Console) + "/checkout/" + order.Id
	v.lands(checkout, "form button")
	v.shot("checkout-1-payable")
	v.window("checkout-window")
	form := formOf(t, v)

	v.twice(".actions form button")
	v.lands(strings.TrimSuffix(h.info.Storefront, "/")+"/paid", "#paid")
	v.shot("storefront-4-paid")
	if got := v.text("#paid"); !strings.Contains(got, order.Id) {
		t.Errorf("back at the storefront: %s", got)
	}
	for range 2 {
		status, location := postForm(t, checkout, form, v.cookies(checkout))
		if status != http.StatusSeeOther || !strings.HasPrefix(location, h.info.Storefront+"paid?") {
			t.Errorf("the same form once more: status %d to %q", status, location)
		}
	}
	h.delivered(t, api, before, order.Id)
	v.visit(h.info.Storefront)
	v.lands(h.info.Storefront, "tr.order[data-status=COMPLETED]")
	v.shot("storefront-5-delivered")
	v.window("storefront-window")
	v.visit(checkout)
	v.lands(checkout, ".note.good")
	v.shot("checkout-2-paid")
	v.visit(h.info.Console)
	v.lands(h.info.Console, "#resources")
	v.shot("console-2-delivered")
}

// delivered waits until an order of a customer is completed, and checks what was paid for it and what there is now. The
// order is the one that was there before.
func (h *house) delivered(t *testing.T, api graphQL, before client.CustomerOverviewCustomer, orderID string) {
	t.Helper()
	at := func(seen client.CustomerOverviewCustomer) *orderSeen {
		for i := range seen.Orders.Nodes {
			if seen.Orders.Nodes[i].Id == orderID {
				return &seen.Orders.Nodes[i]
			}
		}
		t.Fatalf("the partner does not see order %s", orderID)
		return nil
	}
	var after client.CustomerOverviewCustomer
	wait(t, "the order's completion", 20*time.Second, func() bool {
		after = customer(t, api, before.Id)
		return at(after).Status == client.OrderStatusCompleted
	})
	total := decimal.RequireFromString(at(before).Total.Amount)
	want := decimal.RequireFromString(before.Balance.Available.Amount).Sub(total)
	if got := decimal.RequireFromString(after.Balance.Available.Amount); !got.Equal(want) {
		t.Errorf("the balance is %s after paying %s of %s", got, total, before.Balance.Available.Amount)
	}
	if paid := h.happened(t, orderID, "order.paid"); paid != 1 {
		t.Errorf("the order was paid %d times", paid)
	}
	main := 0
	for _, resource := range at(after).Resources {
		if !resource.IsMain {
			continue
		}
		main++
		if resource.Status != client.ResourceStatusInUse || len(resource.SubResources) != 1 || resource.SubResources[0].Status != client.ResourceStatusInUse {
			t.Errorf("delivered: %+v", resource)
		}
	}
	if main != 1 {
		t.Errorf("the order brought %d main resources", main)
	}
}

type orderSeen = client.CustomerOverviewCustomerOrdersOrderConnectionNodesOrder

// laterLogins are those of somebody who is bound: without isFirstLogin straight in, with it once more over the notification.
func (h *house) laterLogins(t *testing.T, account, id string) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, account)
	if link := v.eval("document.querySelector('#console').href"); strings.Contains(link, "isFirstLogin") {
		t.Errorf("the storefront sends a bound account to %s", link)
	}
	sent := h.notified(t)
	v.click("#console")
	v.lands(h.info.Console, "#orders")
	if got := h.signedIn(t, v); got != id {
		t.Errorf("a later login is that of %s, not of %s", got, id)
	}
	if now := h.notified(t); now != sent {
		t.Errorf("a later login sent %d notifications", now-sent)
	}
	v.visit(h.info.SAML.Login + "&service=" + url.QueryEscape(h.info.Storefront))
	v.lands(h.info.Storefront, "#customer")
	if got := h.signedIn(t, v); got != id {
		t.Errorf("a repeated first login is that of %s, not of %s", got, id)
	}
	if now := h.notified(t); now != sent+1 {
		t.Errorf("a repeated first login sent %d notifications, not 1", now-sent)
	}
}

// existingAccount binds a cloud account that there is already, after a wrong password that changes nothing.
func (h *house) existingAccount(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.Storefront)
	h.signInAtStorefront(v, "market-stall")
	v.click("#console")
	page := origin(h.info.Console) + "/first-login"
	bind := "form[aria-labelledby=bind-title] "
	v.lands(page, bind+"#login_name")
	v.fill("#login_name", "demo-bakery")
	v.fill("#bind_password", "not the password")
	v.click(bind + "button")
	v.lands(page, bind+".note.bad")
	v.shot("first-login-wrong-password")
	if got := v.eval("document.querySelector('#account_name').value"); got != "market-stall" {
		t.Errorf("the form beside it now proposes %q", got)
	}
	v.fill("#bind_password", demo.Password)
	v.click(bind + "button")
	v.lands(h.info.Console, "#orders")
	v.visit(h.info.Storefront)
	v.lands(h.info.Storefront, "#customer")
	if got := v.text("#customer h2"); got != "demo-bakery" {
		t.Errorf("the storefront shows %q, not the account that was bound", got)
	}
	if got := v.count("tr.order"); got != "4" {
		t.Errorf("the storefront shows %s orders of the bound account, not 4", got)
	}
}

// graphiQL asks one of the explorer's own examples, with the key that the demo prints, as a newcomer would.
func (h *house) graphiQL(t *testing.T) {
	v := h.open(t)
	v.visit(h.info.GraphiQL)
	if v.count("#cdn-notice") != "0" {
		t.Fatal("this program was built without GraphiQL's assets: run `make web`")
	}
	v.lands(h.info.GraphiQL, ".graphiql-query-editor .CodeMirror")
	v.eval("[...document.querySelectorAll('.graphiql-tab-button')].find(tab => tab.innerText.includes('CustomersWithBalance')).click()")
	headers, err := json.MarshalIndent(map[string]string{"Authorization": "Bearer " + h.info.Keys.SolutionProvider}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	v.eval(fmt.Sprintf("document.querySelector('.graphiql-editor-tool .CodeMirror:not(.hidden *)').CodeMirror.setValue(%q)", headers))
	v.click(".graphiql-execute-button")
	wait(t, "GraphiQL's answer", 15*time.Second, func() bool {
		return strings.Contains(v.eval("document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()"), "harbour-bakery")
	})
	v.window("graphiql")
}
