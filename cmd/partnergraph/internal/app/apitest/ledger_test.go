package apitest_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// TestEveryLedgerShowsItsOwnOnly asks as everybody for everybody's ledger: it is whole for whoever sees the balance, empty for
// the others, and without an owner the caller's own.
func TestEveryLedgerShowsItsOwnOnly(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		walked := 0
		for _, f := range apitest.Fields(schema.Query) {
			if !ofOneOwner(f) {
				continue
			}
			walked++
			node := apitest.NodeOf(schema, schema.Types[f.Type.Name()])
			for _, selection := range apitest.Selections(t, schema, node) {
				list := "{totalCount edges{cursor node{id}} nodes" + selection + "}"
				own := s.Ask(t, c.Key, "{"+f.Name+list+"}", nil)
				if wantRefused(t, c, f, own) {
					continue
				}
				wantNoLeak(t, w, c, f.Name, own)
				if c.Operator {
					wantError(t, own, "INVALID", "partnerId", "")
				} else {
					wantWhole(t, c, f.Name, own)
				}
				for _, id := range w.IDs(models.PrefixPartner, models.PrefixCustomer) {
					argument := map[string]string{models.PrefixPartner: "partnerId", models.PrefixCustomer: "customerId"}[id.Prefix()]
					if f.Name == "adjustmentRecords" && argument == "customerId" {
						continue // narrows the caller's own
					}
					answer := s.Ask(t, c.Key, fmt.Sprintf("{%s(first: 100, %s: %q)%s}", f.Name, argument, id, list), nil)
					wantWhole(t, c, f.Name, answer)
					wantNoLeak(t, w, c, f.Name+"."+argument, answer)
					got, count := idsOf(answer.At(f.Name, "nodes")), answer.At(f.Name, "totalCount")
					want := []models.ID{}
					if w.SeesBalance(c, id) {
						want = w.Entries(id)
					}
					if f.Name == "statementEntries" && (!cmp.Equal(got, want) || count != float64(len(want))) || len(got) > len(want) {
						t.Errorf("%s of %s: %v of %s", f.Name, id, count, cmp.Diff(want, got))
					}
				}
			}
		}
		if walked != 2 {
			t.Errorf("walked %d fields", walked)
		}
		if c.Void() {
			return
		}
		answer := s.Ask(t, c.Key, "query($p: [ID!], $c: [ID!]){balances(partnerIds: $p, customerIds: $c){ownerId balance{total{amount}}}}",
			map[string]any{"p": w.IDs(models.PrefixPartner), "c": w.IDs(models.PrefixCustomer)})
		wantWhole(t, c, "balances", answer)
		wantNoLeak(t, w, c, "balances", answer)
		seen := map[string]bool{}
		owners, _ := answer.At("balances").([]any)
		for _, owner := range owners {
			object, _ := owner.(map[string]any)
			seen[fmt.Sprint(object["ownerId"])] = true
		}
		for _, id := range w.IDs(models.PrefixPartner, models.PrefixCustomer) {
			if seen[string(id)] != w.SeesBalance(c, id) {
				t.Errorf("balances shows %s: %t", id, seen[string(id)])
			}
		}
	})
}

// TestAStatementTellsWhatHappened is M12, M05 and the past from the storefront's side.
func TestAStatementTellsWhatHappened(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		id := p.Resale.Customer.ID
		before := s.Clock.Now()
		had := available(t, s, p.Resale)
		s.Clock.Advance(time.Hour)
		moved := s.Ask(t, p.Key, moving("fundCustomer", "customerBalance"), vars{"i": vars{"customerId": id, "amount": "7.25", "idempotencyKey": "a"}})
		transfer := moved.At("fundCustomer", "transfer", "id")

		read := s.Ask(t, p.Key, `query($c: ID!, $from: DateTime!, $at: DateTime!){
			mine: statementEntries(from: $from){totalCount nodes{accountType direction tradeType amount{amount currency} orderId transfer{id kind} customer{id name} reason createdAt}}
			theirs: statementEntries(customerId: $c, from: $from, direction: INCOME){nodes{tradeType amount{amount} customer{id}}}
			records: adjustmentRecords(customerId: $c, operationTypes: [FUND], from: $from){nodes{operationType amount{amount} customer{id name} reseller{id} memo transferId}}
			customer(id: $c){then: balanceAt(at: $at){total{amount} asOf accounts{type amount{amount}}} statement(first: 1){totalCount nodes{balanceAfter{amount}}}}}`,
			vars{"c": id, "from": s.Clock.Now(), "at": before})
		party := vars{"id": string(id), "name": p.Resale.Customer.Name}
		want := vars{
			"mine": vars{"totalCount": 1.0, "nodes": []any{vars{
				"accountType": "BALANCE", "direction": "EXPENSE", "tradeType": "FUND", "amount": vars{"amount": "-7.25", "currency": "CNY"}, "orderId": nil,
				"transfer": vars{"id": transfer, "kind": "FUND"}, "customer": party, "reason": nil, "createdAt": "2026-11-10T09:02:00Z",
			}}},
			"theirs": vars{"nodes": []any{vars{"tradeType": "FUND", "amount": vars{"amount": "7.25"}, "customer": nil}}},
			"records": vars{"nodes": []any{vars{
				"operationType": "FUND", "amount": vars{"amount": "7.25"}, "customer": party, "reseller": nil, "memo": nil, "transferId": transfer,
			}}},
		}
		for name, wanted := range want {
			if diff := cmp.Diff(wanted, read.At(name)); diff != "" {
				t.Errorf("%s (-want +got):\n%s\n%v", name, diff, read.Errors)
			}
		}
		if got := read.At("customer", "then", "total", "amount"); got == nil || read.At("customer", "then", "asOf") != "2026-11-10T08:02:00Z" {
			t.Errorf("then: %v of %s", got, read.Body)
		}
		if got := read.At("customer", "statement", "nodes", 0, "balanceAfter", "amount"); got == had.StringFixed(2) || got == nil {
			t.Errorf("the newest line leaves %v", got)
		}

		// A refusal is its own: what is asked beside it is answered.
		mixed := s.Ask(t, p.Key, `query($c: ID!){customer(id: $c){then: balanceAt(at: "2026-11-10T08:02:00Z"){total{amount}} later: balanceAt(at: "2999-01-01T00:00:00Z"){asOf}}}`, vars{"c": id})
		if !cmp.Equal(mixed.Codes(), []string{"INVALID"}) || mixed.At("customer", "then") == nil || mixed.At("customer", "later") != nil {
			t.Errorf("then and later: %s", mixed.Body)
		}
		// Who may not read customers gets no names on the way.
		blind := s.Ask(t, w.KeyWithout(t, p, models.ReadCustomers), `{statementEntries(tradeTypes: [FUND]){nodes{tradeType customer{id}}}}`, nil)
		if blind.At("statementEntries", "nodes", 0, "tradeType") != "FUND" || blind.At("statementEntries", "nodes", 0, "customer") != nil {
			t.Errorf("without CUSTOMERS_READ: %s", blind.Body)
		}
		for name, c := range map[string]struct{ document, code, field string }{
			"from after to":    {`{statementEntries(from: "2026-11-10T08:00:00Z", to: "2026-11-10T08:00:00Z"){totalCount}}`, "INVALID", "from"},
			"a page too large": {`{statementEntries(first: 101){totalCount}}`, "INVALID", "first"},
			"a cursor of none": {`{adjustmentRecords(after: "AAAA"){totalCount}}`, "INVALID", "after"},
			"a partner's id":   {fmt.Sprintf(`{balances(customerIds: [%q]){ownerId}}`, p.Partner.ID), "INVALID", "customerIds"},
			"nested":           {fmt.Sprintf(`{partner(id: %q){statement(first: -1){totalCount}}}`, p.Partner.ID), "INVALID", "first"},
		} {
			t.Run(name, func(t *testing.T) { wantError(t, s.Ask(t, p.Key, c.document, nil), c.code, c.field, "") })
		}
		s.Sound(t)
	})
}

func TestOperatorsCorrectBalancesOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const document = "mutation($i: AdjustBalanceInput!){adjustBalance(input: $i){transfer{id kind} balance{available{amount} version}}}"
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Advisory
		had := available(t, s, b)
		input := vars{"customerId": b.Customer.ID, "amount": "-0.50", "reason": "ticket 4711", "idempotencyKey": "a"}
		first := s.Ask(t, w.OperatorKey, document, vars{"i": input})
		if got, want := first.At("adjustBalance", "balance", "available", "amount"), had.Sub(decimal.RequireFromString("0.50")).StringFixed(2); got != want || first.At("adjustBalance", "transfer", "kind") != "ADJUST" {
			t.Errorf("%v, want %s: %s", got, want, first.Body)
		}
		if again := s.Ask(t, w.OperatorKey, document, vars{"i": input}); again.Body != first.Body {
			t.Errorf("the second answer differs:\n%s\n%s", first.Body, again.Body)
		}
		input["amount"] = "-99999999.00"
		wantError(t, s.Ask(t, w.OperatorKey, document, vars{"i": input}), "CONFLICT", "", "")
		input["idempotencyKey"] = "b"
		wantError(t, s.Ask(t, w.OperatorKey, document, vars{"i": input}), "INSUFFICIENT_BALANCE", "", "")
		input["amount"] = "0"
		wantError(t, s.Ask(t, w.OperatorKey, document, vars{"i": input}), "INVALID", "amount", "")
		wantError(t, s.Ask(t, w.Providers[0].Key, document, vars{"i": input}), "FORBIDDEN", "", "")
		told := s.Ask(t, b.Key, `{statementEntries(tradeTypes: [ADJUST]){nodes{reason amount{amount}}}}`, nil)
		if told.At("statementEntries", "nodes", 0, "reason") != "ticket 4711" {
			t.Errorf("the customer reads %s", told.Body)
		}
		s.Sound(t)
	})
}

// get fetches what is no GraphQL.
func get(t *testing.T, s *apitest.Server, method, url, key string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, url, nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	s.App.Handler.ServeHTTP(w, r)
	return w
}

// TestAnExportIsDownloadedOnce: the file's amounts make the balance, and its address is good for one reader once.
func TestAnExportIsDownloadedOnce(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		ask := func() string {
			answer := s.Ask(t, b.Key, `mutation{exportStatement(input: {}){url expiresAt}}`, nil)
			url, _ := answer.At("exportStatement", "url").(string)
			if !strings.HasPrefix(url, "https://sales.example.com/exports/") || answer.At("exportStatement", "expiresAt") == nil {
				t.Fatal(answer.Body)
			}
			return url
		}
		url := ask()
		for name, c := range map[string]struct {
			method, key string
			status      int
		}{
			"without a credential":  {http.MethodGet, "", http.StatusUnauthorized},
			"a revoked one":         {http.MethodGet, w.RevokedKey, http.StatusUnauthorized},
			"its partner":           {http.MethodGet, w.Providers[0].Key, http.StatusNotFound},
			"a stranger":            {http.MethodGet, w.Providers[1].Resale.Key, http.StatusNotFound},
			"the operator":          {http.MethodGet, w.OperatorKey, http.StatusNotFound},
			"without BALANCES_READ": {http.MethodGet, w.KeyOfBuyer(t, b, models.ReadOrders), http.StatusForbidden},
			"a link checker":        {http.MethodHead, b.Key, http.StatusMethodNotAllowed},
			"a post":                {http.MethodPost, b.Key, http.StatusNotFound},
		} {
			if got := get(t, s, c.method, url, c.key); got.Code != c.status || strings.Contains(got.Body.String(), "ent_") {
				t.Errorf("%s: %d, want %d", name, got.Code, c.status)
			}
		}
		file := get(t, s, http.MethodGet, url, b.Key)
		header := map[string]string{}
		for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control", "X-Content-Type-Options"} {
			header[name] = file.Header().Get(name)
		}
		want := map[string]string{
			"Content-Type":        "text/csv; charset=utf-8; header=present",
			"Content-Disposition": `attachment; filename="statement-` + string(b.Customer.ID) + `-20261110T080200Z.csv"`,
			"Cache-Control":       "no-store", "X-Content-Type-Options": "nosniff",
		}
		if diff := cmp.Diff(want, header); diff != "" || file.Code != http.StatusOK {
			t.Errorf("%d (-want +got):\n%s", file.Code, diff)
		}
		records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file.Body.Bytes(), []byte("\ufeff")))).ReadAll()
		if err != nil || len(records) != 1+len(w.Entries(b.Customer.ID)) {
			t.Fatalf("%v: %s", err, file.Body)
		}
		sum := decimal.Zero
		for _, record := range records[1:] {
			sum = sum.Add(decimal.RequireFromString(record[5]))
		}
		total, _ := s.Ask(t, b.Key, "{viewer{customer{balance{total{amount}}}}}", nil).At("viewer", "customer", "balance", "total", "amount").(string)
		if sum.StringFixed(2) != total || records[1][6] != total {
			t.Errorf("the file makes %s and ends with %s, the balance is %s", sum, records[1][6], total)
		}
		if again := get(t, s, http.MethodGet, url, b.Key); again.Code != http.StatusNotFound {
			t.Errorf("once more: %d", again.Code)
		}
		late := ask()
		s.Clock.Advance(5 * time.Minute)
		if got := get(t, s, http.MethodGet, late, b.Key); got.Code != http.StatusNotFound {
			t.Errorf("five minutes later: %d", got.Code)
		}
	})
}
