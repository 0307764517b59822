package apitest_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// moving is the document of one of the four mutations, with the balance of whoever is below the partner.
func moving(verb, below string) string {
	input := map[string]string{
		"fundCustomer": "FundCustomerInput", "reclaimFromCustomer": "ReclaimFromCustomerInput",
		"fundReseller": "FundResellerInput", "reclaimFromReseller": "ReclaimFromResellerInput",
	}[verb]
	return fmt.Sprintf("mutation($i: %s!){%s(input: $i){transfer{id kind createdAt} partnerBalance{available{amount} version} %s{available{amount} version}}}",
		input, verb, below)
}

// TestMoneyMovesOverTheAPI moves money along every edge and back, and compares with what the owners then read themselves.
func TestMoneyMovesOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		distributor, reseller, provider := w.Distributors[0], w.Resellers[0], w.Providers[0]
		cash := func(key, owner string) decimal.Decimal {
			answer := s.Ask(t, key, "{viewer{"+owner+"{balance{available{amount}}}}}", nil)
			text, _ := answer.At("viewer", owner, "balance", "available", "amount").(string)
			amount, err := decimal.NewFromString(text)
			if err != nil {
				t.Fatalf("%v: %s", err, answer.Body)
			}
			return amount
		}
		for i, c := range []struct {
			verb, below, key, above, owner, belowKey string
			input                                    vars
			kind                                     string
		}{
			{"fundCustomer", "customerBalance", provider.Key, provider.Key, "customer", provider.Resale.Key, vars{"customerId": provider.Resale.Customer.ID}, "FUND"},
			{"reclaimFromCustomer", "customerBalance", provider.Key, provider.Key, "customer", provider.Resale.Key, vars{"customerId": provider.Resale.Customer.ID}, "RECLAIM"},
			{"fundCustomer", "customerBalance", distributor.Key, reseller.Key, "customer", reseller.Resale.Key, vars{"customerId": reseller.Resale.Customer.ID, "actingForPartnerId": reseller.Partner.ID}, "FUND"},
			{"fundReseller", "resellerBalance", distributor.Key, distributor.Key, "partner", reseller.Key, vars{"resellerId": reseller.Partner.ID}, "FUND"},
			{"reclaimFromReseller", "resellerBalance", distributor.Key, distributor.Key, "partner", reseller.Key, vars{"resellerId": reseller.Partner.ID}, "RECLAIM"},
		} {
			moved := decimal.RequireFromString("12.30")
			if c.kind == "RECLAIM" {
				moved = moved.Neg()
			}
			above, below := cash(c.above, "partner").Sub(moved), cash(c.belowKey, c.owner).Add(moved)
			c.input["amount"], c.input["idempotencyKey"] = "12.3", fmt.Sprint(i)
			first := s.Ask(t, c.key, moving(c.verb, c.below), vars{"i": c.input})
			got := []any{
				first.At(c.verb, "transfer", "kind"), first.At(c.verb, "partnerBalance", "available", "amount"), first.At(c.verb, c.below, "available", "amount"),
			}
			if diff := cmp.Diff([]any{c.kind, above.StringFixed(2), below.StringFixed(2)}, got); diff != "" {
				t.Errorf("%s %v: %s\n%s", c.verb, c.input, diff, first.Body)
			}
			if !cash(c.above, "partner").Equal(above) || !cash(c.belowKey, c.owner).Equal(below) {
				t.Errorf("%s: the owners read other balances than the answer's", c.verb)
			}
			if again := s.Ask(t, c.key, moving(c.verb, c.below), vars{"i": c.input}); again.Body != first.Body {
				t.Errorf("the second answer differs:\n%s\n%s", first.Body, again.Body)
			}
			c.input["amount"] = "12.31"
			wantError(t, s.Ask(t, c.key, moving(c.verb, c.below), vars{"i": c.input}), "CONFLICT", "", "")
		}
		s.Sound(t)
	})
}

// TestMovesThatAreRefusedChangeNothing: each by its code, field and reason, every row compared afterwards.
func TestMovesThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		frozen := w.Empty(t, p, "frozen-one")
		w.Freeze(t, frozen)
		narrow := w.KeyWithout(t, p, models.MoveMoney)
		before := s.Fingerprint(t)
		input := func(customer models.ID, amount any) vars {
			return vars{"i": vars{"customerId": customer, "amount": amount, "idempotencyKey": "k"}}
		}
		own := p.Resale.Customer.ID
		for name, c := range map[string]struct {
			key                 string
			variables           vars
			code, field, reason string
		}{
			"zero":                        {p.Key, input(own, "0"), "INVALID", "amount", ""},
			"negative":                    {p.Key, input(own, "-5.00"), "INVALID", "amount", ""},
			"three digits":                {p.Key, input(own, "1.005"), "INVALID", "amount", ""},
			"more than any account holds": {p.Key, input(own, "99999999999999999999"), "INVALID", "amount", ""},
			"over the cap":                {p.Key, input(own, "9999999.99"), "INSUFFICIENT_BALANCE", "", ""},
			"advisory":                    {p.Key, input(p.Advisory.Customer.ID, "1"), "PRECONDITION_FAILED", "", "ADVISORY_CUSTOMER"},
			"frozen":                      {p.Key, input(frozen.Customer.ID, "1"), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN"},
			"a stranger":                  {p.Key, input(w.Providers[1].Resale.Customer.ID, "1"), "NOT_FOUND", "", ""},
			"the operator":                {w.OperatorKey, input(own, "1"), "FORBIDDEN", "", ""},
			"the customer":                {p.Resale.Key, input(own, "1"), "FORBIDDEN", "", ""},
			"without the permission":      {narrow, input(own, "1"), "FORBIDDEN", "", ""},
			"without a credential":        {"", input(own, "1"), "UNAUTHENTICATED", "", ""},
		} {
			for _, verb := range []string{"fundCustomer", "reclaimFromCustomer"} {
				t.Run(verb+" "+name, func(t *testing.T) {
					wantError(t, s.Ask(t, c.key, moving(verb, "customerBalance"), c.variables), c.code, c.field, c.reason)
				})
			}
		}
		for name, amount := range map[string]any{
			"a float": 1.5, "an integer": 1, "an exponent": "1e2", "a huge exponent": "1e50000000", "no digits": "", "a word": "all", "null": nil,
			"with its currency": "1 CNY",
		} {
			t.Run(name, func(t *testing.T) {
				answer := s.Ask(t, p.Key, moving("fundCustomer", "customerBalance"), input(own, amount))
				if codes := answer.Codes(); len(codes) != 1 || codes[0] != "INVALID" && codes[0] != "GRAPHQL_VALIDATION_FAILED" {
					t.Errorf("%s", answer.Body)
				}
			})
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
	})
}
