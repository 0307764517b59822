//go:build e2e

package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"

	"github.com/partnergraph/partnergraph/examples/storefront/client"
)

// as is a GraphQL client with an API key.
func (h *house) as(key string) graphql.Client {
	return graphql.NewClient(h.info.GraphQL, withHeader{"Authorization", "Bearer " + key})
}

// asVisitor is a GraphQL client with a browser's cookies, on our own pages.
func (h *house) asVisitor(v *visitor) graphql.Client {
	return graphql.NewClient(h.info.GraphQL, browserLike{cookies: v.cookies(h.info.Console), origin: origin(h.info.Console)})
}

type withHeader struct{ name, value string }

// Do sends one request.
func (w withHeader) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set(w.name, w.value)
	return http.DefaultClient.Do(r)
}

type browserLike struct {
	cookies []*http.Cookie
	origin  string
}

// Do sends one request.
func (b browserLike) Do(r *http.Request) (*http.Response, error) {
	for _, cookie := range b.cookies {
		r.AddCookie(cookie)
	}
	r.Header.Set("Origin", b.origin)
	return http.DefaultClient.Do(r)
}

// ask runs an operation that the generated client has no method for.
func ask[T any](t *testing.T, api graphql.Client, query string, variables map[string]any) T {
	t.Helper()
	var data T
	if err := api.MakeRequest(context.Background(), &graphql.Request{Query: query, Variables: variables}, &graphql.Response{Data: &data}); err != nil {
		t.Fatalf("%v, asked:\n%s", err, query)
	}
	return data
}

// customer is what the solution provider, or another partner, sees of a customer.
func customer(t *testing.T, api graphql.Client, id string) client.CustomerOverviewCustomer {
	t.Helper()
	found, err := client.CustomerOverview(t.Context(), api, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found.Customer == nil {
		t.Fatalf("the partner does not see its customer %s", id)
	}
	return *found.Customer
}

// welcomed waits until the demo has given a new customer money and an order to pay.
func welcomed(t *testing.T, api graphql.Client, id string) client.CustomerOverviewCustomer {
	t.Helper()
	var seen client.CustomerOverviewCustomer
	wait(t, "the customer's first money and order", 20*time.Second, func() bool {
		seen = customer(t, api, id)
		return len(seen.Orders.Nodes) == 1 && seen.Balance != nil && seen.Balance.Available.Amount == "5000.00"
	})
	return seen
}

// tally counts what a refused request must not change. Refusals themselves are on record, and are not counted.
type tally struct {
	Customers, Orders, Resources, Events int
	Balance                              string
}

const tallyQuery = `query Tally($customer: ID!) {
  customers(first: 0) { totalCount }
  orders(first: 0) { totalCount }
  resources(first: 0) { totalCount }
  all: events(first: 0) { totalCount }
  refused: events(first: 0, type: ["identity.sign_in_refused"]) { totalCount }
  customer(id: $customer) { balance { available { amount } } }
}`

type total struct {
	TotalCount int `json:"totalCount"`
}

func (h *house) tally(t *testing.T, customerID string) tally {
	t.Helper()
	seen := ask[struct {
		Customers, Orders, Resources, All, Refused total
		Customer                                   struct {
			Balance struct{ Available struct{ Amount string } }
		}
	}](t, h.as(h.info.Keys.Operator), tallyQuery, map[string]any{"customer": customerID})
	return tally{
		seen.Customers.TotalCount, seen.Orders.TotalCount, seen.Resources.TotalCount, seen.All.TotalCount - seen.Refused.TotalCount,
		seen.Customer.Balance.Available.Amount,
	}
}

// happened counts the events of one type about one thing.
func (h *house) happened(t *testing.T, subject, kind string) int {
	t.Helper()
	return ask[struct{ Events total }](t, h.as(h.info.Keys.Operator), `query Happened($subject: ID, $type: [String!]) {
  events(first: 0, subjectId: $subject, type: $type) { totalCount }
}`, map[string]any{"subject": subject, "type": []string{kind}}).Events.TotalCount
}

// notified counts the bind notifications sent about anybody.
func (h *house) notified(t *testing.T) int {
	t.Helper()
	return ask[struct{ Events total }](t, h.as(h.info.Keys.Operator), `{ events(first: 0, type: ["bind_notification.sent"]) { totalCount } }`, nil).Events.TotalCount
}
