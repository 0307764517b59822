package apitest_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

const (
	startRecharge = `mutation($i: StartRechargeInput!){startRecharge(input: $i){recharge{id reference state method channel amount{amount currency}
		received{amount} payUrl instructions providerReference reason confirmedAt}}}`
	confirmRecharge = `mutation($i: ConfirmRechargeInput!){confirmRecharge(input: $i){recharge{state received{amount} providerReference} balance{available{amount} version}}}`
	claimRemittance = `mutation($i: ClaimRemittanceInput!){claimRemittance(input: $i){claim{id state credited{amount} payerName remittedOn recharge{state}} balance{available{amount}}}}`
)

// TestARechargeGoesThroughTheAPI for a partner, from the ways that are open to the balance.
func TestARechargeGoesThroughTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		o := w.Fresh(t, "fresh-payer")
		ways := s.Ask(t, o.Key, `{rechargeMethods{refusal signingEntity currency options{method channel maximum{amount} bankAccount{accountNumber bankCode}}}}`, nil)
		want := vars{"refusal": nil, "signingEntity": "Cloud", "currency": "CNY", "options": []any{
			vars{"method": "ONLINE", "channel": "ALIPAY", "maximum": vars{"amount": "10000000000000.00"}, "bankAccount": nil},
			vars{"method": "ONLINE", "channel": "WECHAT", "maximum": vars{"amount": "10000000000000.00"}, "bankAccount": nil},
			vars{
				"method": "BANK_TRANSFER", "channel": nil, "maximum": vars{"amount": "10000000000000.00"},
				"bankAccount": vars{"accountNumber": "6222 0000 0000 0000", "bankCode": nil},
			},
		}}
		if diff := cmp.Diff(any(want), ways.At("rechargeMethods")); diff != "" {
			t.Errorf("the ways (-want +got):\n%s", diff)
		}
		if refused := s.Ask(t, w.Providers[0].Resale.Key, `{rechargeMethods{refusal options{method}}}`, nil); refused.At("rechargeMethods", "refusal") != "RESALE_CUSTOMER" {
			t.Errorf("a resale customer: %s", refused.Body)
		}
		input := vars{"amount": "100.00", "method": "ONLINE", "channel": "WECHAT", "idempotencyKey": "1"}
		started := s.Ask(t, o.Key, startRecharge, vars{"i": input})
		id, _ := started.At("startRecharge", "recharge", "id").(string)
		if started.At("startRecharge", "recharge", "state") != "PENDING" || id == "" {
			t.Fatalf("started: %s", started.Body)
		}
		confirm := vars{"i": vars{"rechargeId": id, "receivedAmount": "99.9", "providerReference": "till-1", "idempotencyKey": "1"}}
		done := s.Ask(t, w.OperatorKey, confirmRecharge, confirm)
		got := []any{
			done.At("confirmRecharge", "recharge", "state"), done.At("confirmRecharge", "recharge", "received", "amount"),
			done.At("confirmRecharge", "balance", "available", "amount"),
		}
		if diff := cmp.Diff([]any{"CONFIRMED", "99.90", "99.90"}, got); diff != "" {
			t.Errorf("confirmed: %s\n%s", diff, done.Body)
		}
		if again := s.Ask(t, w.OperatorKey, confirmRecharge, confirm); again.Body != done.Body {
			t.Errorf("the second answer differs:\n%s\n%s", done.Body, again.Body)
		}
		if again := s.Ask(t, o.Key, startRecharge, vars{"i": input}); again.Body != started.Body {
			t.Errorf("the start, repeated, differs:\n%s\n%s", started.Body, again.Body)
		}
		// A transfer, claimed: credited at once, and its recharge with it.
		transfer := s.Ask(t, o.Key, startRecharge, vars{"i": vars{"amount": "50", "method": "BANK_TRANSFER", "idempotencyKey": "2"}})
		claim := vars{
			"amount": "50.00", "payerName": "Fresh  Payer", "remittedOn": "2026-11-10", "bankReference": "bank-1", "idempotencyKey": "3",
			"rechargeId": transfer.At("startRecharge", "recharge", "id"),
		}
		s.Ask(t, w.OperatorKey, `mutation($i: RecordRemittanceInput!){recordRemittance(input: $i){remittance{id}}}`, vars{"i": vars{
			"signingEntity": "Cloud", "bankReference": "bank-1", "payerName": "FRESH PAYER", "amount": "50", "currency": "CNY",
			"receivedOn": "2026-11-10", "idempotencyKey": "2",
		}})
		claimed := s.Ask(t, o.Key, claimRemittance, vars{"i": claim})
		got = []any{
			claimed.At("claimRemittance", "claim", "state"), claimed.At("claimRemittance", "claim", "payerName"),
			claimed.At("claimRemittance", "claim", "recharge", "state"), claimed.At("claimRemittance", "balance", "available", "amount"),
		}
		if diff := cmp.Diff([]any{"CREDITED", "Fresh  Payer", "CONFIRMED", "149.90"}, got); diff != "" {
			t.Errorf("claimed: %s\n%s", diff, claimed.Body)
		}
		if again := s.Ask(t, o.Key, claimRemittance, vars{"i": claim}); again.Body != claimed.Body {
			t.Errorf("the second answer differs:\n%s\n%s", claimed.Body, again.Body)
		}
		if own := s.Ask(t, o.Key, `{viewer{partner{balance{available{amount}}}}}`, nil); own.At("viewer", "partner", "balance", "available", "amount") != "149.90" {
			t.Errorf("the owner reads %s", own.Body)
		}
		if strings.Contains(strings.ToLower(s.Log.String()), "payer") {
			t.Errorf("the log names a payer: %s", s.Log.String())
		}
		s.Sound(t)
	})
}

// TestRechargesThatAreRefusedChangeNothing: each by its code, field and reason, every row compared afterwards.
func TestRechargesThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		frozen := w.Providers[1].Advisory
		w.Freeze(t, frozen)
		narrow := w.KeyWithout(t, p, models.MoveMoney)
		recharge := w.IDs(models.PrefixRecharge)[0]
		before := s.Fingerprint(t)
		online := func(amount any) vars {
			return vars{"amount": amount, "method": "ONLINE", "channel": "WECHAT", "idempotencyKey": "k"}
		}
		confirm := func(amount string) vars {
			return vars{"rechargeId": recharge, "receivedAmount": amount, "providerReference": "r", "idempotencyKey": "k"}
		}
		for name, c := range map[string]struct {
			key, document       string
			input               vars
			code, field, reason string
		}{
			"zero":                      {p.Key, startRecharge, online("0"), "INVALID", "amount", ""},
			"negative":                  {p.Key, startRecharge, online("-1"), "INVALID", "amount", ""},
			"three digits":              {p.Key, startRecharge, online("1.001"), "INVALID", "amount", ""},
			"over the cap":              {p.Key, startRecharge, online("10000000000000.01"), "INVALID", "amount", ""},
			"a channel that is closed":  {p.Key, startRecharge, vars{"amount": "1", "method": "ONLINE", "channel": "UNIONPAY", "idempotencyKey": "k"}, "PRECONDITION_FAILED", "", "METHOD_NOT_OPEN"},
			"online without a channel":  {p.Key, startRecharge, vars{"amount": "1", "method": "ONLINE", "idempotencyKey": "k"}, "INVALID", "channel", ""},
			"a resale customer":         {p.Resale.Key, startRecharge, online("1"), "PRECONDITION_FAILED", "", "RESALE_CUSTOMER"},
			"a reseller":                {w.Resellers[0].Key, startRecharge, online("1"), "PRECONDITION_FAILED", "", "FUNDED_BY_DISTRIBUTOR"},
			"a frozen customer":         {frozen.Key, startRecharge, online("1"), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN"},
			"an operator":               {w.OperatorKey, startRecharge, online("1"), "FORBIDDEN", "", ""},
			"without the permission":    {narrow, startRecharge, online("1"), "FORBIDDEN", "", ""},
			"confirmed with zero":       {w.OperatorKey, confirmRecharge, confirm("0"), "INVALID", "receivedAmount", ""},
			"confirmed by a partner":    {p.Key, confirmRecharge, confirm("1"), "FORBIDDEN", "", ""},
			"confirmed in dollars":      {w.OperatorKey, confirmRecharge, vars{"rechargeId": recharge, "receivedAmount": "1", "currency": "USD", "providerReference": "r", "idempotencyKey": "k"}, "INVALID", "currency", ""},
			"claimed on a day to come":  {p.Key, claimRemittance, vars{"amount": "1", "payerName": "p", "remittedOn": "2027-01-01", "idempotencyKey": "k"}, "INVALID", "remittedOn", ""},
			"claimed on a day of none":  {p.Key, claimRemittance, vars{"amount": "1", "payerName": "p", "remittedOn": "2026-02-30", "idempotencyKey": "k"}, "INVALID", "remittedOn", ""},
			"claimed without a payer":   {p.Key, claimRemittance, vars{"amount": "1", "payerName": " ", "remittedOn": "2026-11-10", "idempotencyKey": "k"}, "INVALID", "payerName", ""},
			"claimed for no such thing": {p.Key, claimRemittance, vars{"amount": "1", "payerName": "p", "remittedOn": "2026-11-10", "rechargeId": "rch_01h455vb4pex5vsknk084sn02q", "idempotencyKey": "k"}, "NOT_FOUND", "", ""},
		} {
			t.Run(name, func(t *testing.T) {
				wantError(t, s.Ask(t, c.key, c.document, vars{"i": c.input}), c.code, c.field, c.reason)
			})
		}
		for name, amount := range map[string]any{"a float": 1.5, "an exponent": "1e2", "a huge exponent": "1e50000000", "no digits": ""} {
			answer := s.Ask(t, p.Key, startRecharge, vars{"i": online(amount)})
			if codes := answer.Codes(); len(codes) != 1 || codes[0] != "INVALID" && codes[0] != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s: %s", name, answer.Body)
			}
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
	})
}

// TestProvidersNotifyOverHTTP pays a recharge by signed notifications: sixteen at once credit it once.
func TestProvidersNotifyOverHTTP(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		o := w.Fresh(t, "fresh-payer")
		started := s.Ask(t, o.Key, startRecharge, vars{"i": vars{"amount": "100.00", "method": "ONLINE", "channel": "ALIPAY", "idempotencyKey": "1"}})
		reference, _ := started.At("startRecharge", "recharge", "reference").(string)
		if url := started.At("startRecharge", "recharge", "payUrl"); url != "https://pay.example.com/"+reference || reference == "" {
			t.Fatalf("started: %s", started.Body)
		}
		body := fmt.Sprintf(`{"reference":%q,"providerReference":"pay-1","amount":"100.00","currency":"CNY","paid":true}`, reference)
		notify := func(method, provider, body, signed string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, "https://sales.example.com"+funds.NotifyPath(provider), strings.NewReader(body))
			at := strconv.FormatInt(s.Clock.Now().Unix(), 10)
			r.Header.Set(funds.HeaderTimestamp, at)
			r.Header.Set(funds.HeaderSignature, hex.EncodeToString(apitest.Payments(s.Clock).Sign(at, []byte(signed))))
			answer := httptest.NewRecorder()
			s.App.Handler.ServeHTTP(answer, r)
			return answer
		}
		before := s.Fingerprint(t)
		for name, c := range map[string]struct {
			method, provider, body, signed string
			status                         int
		}{
			"with another's signature":   {http.MethodPost, "signed", body, "another body", http.StatusUnauthorized},
			"to a provider without one":  {http.MethodPost, funds.ProviderManual, body, body, http.StatusNotFound},
			"to nobody":                  {http.MethodPost, "alipay", body, body, http.StatusNotFound},
			"to be read":                 {http.MethodGet, "signed", body, body, http.StatusNotFound},
			"that is too large":          {http.MethodPost, "signed", body + strings.Repeat(" ", 64<<10), body, http.StatusRequestEntityTooLarge},
			"that is no JSON":            {http.MethodPost, "signed", "paid", "paid", http.StatusBadRequest},
			"about nothing of ours":      {http.MethodPost, "signed", strings.Replace(body, reference, "RNONE", 1), strings.Replace(body, reference, "RNONE", 1), http.StatusNotFound},
			"in another currency":        {http.MethodPost, "signed", strings.Replace(body, "CNY", "USD", 1), strings.Replace(body, "CNY", "USD", 1), http.StatusBadRequest},
			"that nothing was paid yet":  {http.MethodPost, "signed", strings.Replace(body, "true", "false", 1), strings.Replace(body, "true", "false", 1), http.StatusOK},
			"without anything in it":     {http.MethodPost, "signed", "", "", http.StatusBadRequest},
			"of the largest size, empty": {http.MethodPost, "signed", strings.Repeat(" ", 64<<10), strings.Repeat(" ", 64<<10), http.StatusBadRequest},
		} {
			if answer := notify(c.method, c.provider, c.body, c.signed); answer.Code != c.status {
				t.Errorf("a notification %s: %d %s", name, answer.Code, answer.Body)
			}
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if answer := notify(http.MethodPost, "signed", body, body); answer.Code != http.StatusOK || answer.Body.String() != "success" {
					t.Errorf("a duplicate: %d %s", answer.Code, answer.Body)
				}
			})
		}
		all.Wait()
		second := strings.Replace(body, "pay-1", "pay-2", 1)
		if answer := notify(http.MethodPost, "signed", second, second); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "RECHARGE_CONFIRMED") {
			t.Errorf("a second payment: %d %s", answer.Code, answer.Body)
		}
		own := s.Ask(t, o.Key, `{viewer{partner{balance{available{amount}}}} recharges{nodes{state received{amount} providerReference}}}`, nil)
		got := []any{own.At("viewer", "partner", "balance", "available", "amount"), own.At("recharges", "nodes")}
		want := []any{"100.00", []any{vars{"state": "CONFIRMED", "received": vars{"amount": "100.00"}, "providerReference": "pay-1"}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
		if strings.Contains(s.Log.String(), reference) {
			t.Errorf("the log repeats what notifications say: %s", s.Log.String())
		}
		s.Sound(t)
	})
}

// TestWhatIsNotPaidInTimeExpires by the job of the server's that sweeps.
func TestWhatIsNotPaidInTimeExpires(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		count := func(state string) any {
			return s.Ask(t, p.Key, `query($s: [RechargeState!]){recharges(states: $s){totalCount}}`, map[string]any{"s": []string{state}}).At("recharges", "totalCount")
		}
		if count("PENDING") != 1.0 || count("EXPIRED") != 0.0 {
			t.Errorf("%v wait, %v are expired", count("PENDING"), count("EXPIRED"))
		}
		s.Clock.Advance(models.OnlineRechargeLife + time.Second)
		for range 2 {
			if count("PENDING") != 0.0 || count("EXPIRED") != 1.0 {
				t.Errorf("%v wait, %v are expired", count("PENDING"), count("EXPIRED"))
			}
			if _, err := s.App.Rooms.Funds.ExpireRecharges(t.Context()); err != nil {
				t.Error(err)
			}
		}
		events := s.Ask(t, p.Key, `{events(type: ["recharge.expired"]){nodes{subjectId}}}`, nil)
		if nodes, _ := events.At("events", "nodes").([]any); len(nodes) != 1 {
			t.Errorf("told: %s", events.Body)
		}
	})
}

// TestWrongPaymentSettingsStopTheServer, with a word about which.
func TestWrongPaymentSettingsStopTheServer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*app.Config, *app.Options){
		"no such file": func(cfg *app.Config, opts *app.Options) {
			cfg.SigningEntities, opts.SigningEntities = "/nowhere.json", nil
		},
		"an unknown provider": func(_ *app.Config, opts *app.Options) { opts.Providers = nil },
		"a provider's name that is no address": func(_ *app.Config, opts *app.Options) {
			opts.Providers["No Name"] = funds.ManualProvider{}
		},
	} {
		cfg, options := apitest.Settings(t)
		change(&cfg, &options)
		server, err := app.New(t.Context(), cfg, options)
		if err == nil {
			_ = server.Close()
			t.Errorf("%s: the server starts", name)
		} else if !strings.Contains(err.Error(), "signing-entities") && !strings.Contains(err.Error(), "payment provider") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
