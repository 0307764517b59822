package funds_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestANotificationCreditsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx := context.Background()
		recharge := s.online(s.buyer(s.advisory), models.ChannelAlipay, "k")
		if recharge.PayURL != "https://pay.example.com/"+recharge.Reference {
			t.Errorf("the payer is sent to %q", recharge.PayURL)
		}
		ack, err := s.Notified(ctx, "signed", s.notice(recharge, "pay-1", amount("100"), "CNY", false))
		if ack != "success" || err != nil || s.cash(s.advisory) != 0 {
			t.Errorf("nothing paid yet: %q, %v, %d", ack, err, s.cash(s.advisory))
		}
		answers := atOnce(16, func(int) string {
			ack, err := s.Notified(ctx, "signed", s.notice(recharge, "pay-1", amount("88.80"), "CNY", true))
			return ack + refusal(err)
		})
		for _, got := range answers {
			if got != "success" {
				t.Errorf("a duplicate is answered %q", got)
			}
		}
		if got := s.cash(s.advisory); got != 8_880 {
			t.Errorf("%d was credited", got)
		}
		found, err := s.RechargesByIDs(ctx, teller(), []models.ID{recharge.ID})
		s.want(err, "")
		if got := found[recharge.ID]; got.State != models.RechargeConfirmed || got.ProviderReference != "pay-1" {
			t.Errorf("the recharge is %+v", got)
		}
		// Many payments for one recharge at once: one is credited, the others are told.
		twice := s.online(s.buyer(s.advisory), models.ChannelAlipay, "k2")
		counts := map[string]int{}
		for _, code := range atOnce(16, func(i int) string {
			_, err := s.Notified(ctx, "signed", s.notice(twice, "pay-"+strings.Repeat("x", i+1), amount("1"), "CNY", true))
			return refusal(err)
		}) {
			counts[code]++
		}
		if diff := cmp.Diff(map[string]int{"": 1, "RECHARGE_CONFIRMED": 15}, counts); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if got := s.cash(s.advisory); got != 8_980 {
			t.Errorf("%d is there", got)
		}
		s.sound()
	})
}

func TestNotificationsThatAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx := context.Background()
		recharge, other := s.online(s.as(s.distributor), models.ChannelAlipay, "1"), s.online(s.as(s.distributor), models.ChannelAlipay, "2")
		manual := s.online(s.as(s.distributor), models.ChannelWeChat, "3")
		_, err := s.Notified(ctx, "signed", s.notice(other, "taken", amount("1"), "CNY", true))
		s.want(err, "")
		good := s.notice(recharge, "pay", amount("100"), "CNY", true)
		forger := s.signed
		forger.Secret = bytes.Repeat([]byte{8}, 32)
		weak := s.signed
		weak.Secret = nil
		s.Providers["weak"] = weak
		unsigned := good
		unsigned.Header = nil
		changed := good
		changed.Body = bytes.Replace(good.Body, []byte("100.00"), []byte("900.00"), 1)
		json := func(body string) funds.Notification { return s.sign(s.signed, []byte(body), s.Now()) }
		before := s.rows()
		for _, row := range []struct {
			name, provider string
			notification   funds.Notification
			want           string
		}{
			{"to nobody", "alipay", good, "NOT_FOUND"},
			{"to a provider that does not notify", funds.ProviderManual, good, "NOT_FOUND"},
			{"without a signature", "signed", unsigned, "UNAUTHENTICATED"},
			{"with another's signature", "signed", s.sign(forger, good.Body, s.Now()), "UNAUTHENTICATED"},
			{"with the signature of no secret", "weak", s.sign(weak, good.Body, s.Now()), "UNAUTHENTICATED"},
			{"changed on its way", "signed", changed, "UNAUTHENTICATED"},
			{"too old", "signed", s.sign(s.signed, good.Body, s.Now().Add(-6*time.Minute)), "UNAUTHENTICATED"},
			{"from the future", "signed", s.sign(s.signed, good.Body, s.Now().Add(6*time.Minute)), "UNAUTHENTICATED"},
			{"not JSON", "signed", json("paid"), "INVALID body"},
			{"without an amount", "signed", json(`{"reference":"` + recharge.Reference + `","currency":"CNY","paid":true}`), "INVALID amount"},
			{"of zero", "signed", s.notice(recharge, "pay", amount("0"), "CNY", true), "INVALID amount"},
			{"of a negative amount", "signed", s.notice(recharge, "pay", amount("-1"), "CNY", true), "INVALID amount"},
			{"of an exponent", "signed", json(`{"reference":"x","amount":"1e50000000","currency":"CNY","paid":true}`), "INVALID amount"},
			{"in another currency", "signed", s.notice(recharge, "pay", amount("100"), "USD", true), "INVALID currency"},
			{"without its own reference", "signed", s.notice(recharge, "", amount("100"), "CNY", true), "INVALID providerReference"},
			{"about nothing", "signed", s.notice(models.Recharge{Reference: "RNONE"}, "pay", amount("100"), "CNY", true), "NOT_FOUND"},
			{"about another provider's recharge", "signed", s.notice(manual, "pay", amount("100"), "CNY", true), "NOT_FOUND"},
			{"with another payment's reference", "signed", s.notice(recharge, "taken", amount("100"), "CNY", true), "CONFLICT providerReference"},
		} {
			if _, err := s.Notified(ctx, row.provider, row.notification); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		_, err = s.Notified(ctx, "signed", good)
		s.want(err, "")
		s.sound()
	})
}

// flaky is a provider that does not answer at first.
type flaky struct {
	calls *[]funds.Payment
}

func (f flaky) Start(_ context.Context, payment funds.Payment) (funds.Begun, error) {
	*f.calls = append(*f.calls, payment)
	if len(*f.calls) == 1 {
		return funds.Begun{}, errors.New("no answer")
	}
	return funds.Begun{PayURL: "https://pay.example.com/flaky"}, nil
}

func TestTheSameKeyAsksAProviderAgainThatDidNotAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		var calls []funds.Payment
		s.Providers["signed"] = flaky{&calls}
		cmd := funds.StartRecharge{Amount: amount("100"), Method: models.RechargeOnline, Channel: ptr(models.ChannelAlipay), IdempotencyKey: "k"}
		_, err := s.StartRecharge(context.Background(), s.as(s.distributor), cmd)
		s.want(err, "UNAVAILABLE")
		for range 2 {
			started, err := s.StartRecharge(context.Background(), s.as(s.distributor), cmd)
			s.want(err, "")
			if started.Recharge.PayURL != "https://pay.example.com/flaky" {
				t.Errorf("the payer is sent to %q", started.Recharge.PayURL)
			}
		}
		if len(calls) != 2 || calls[0] != calls[1] || calls[0].RechargeID == "" || calls[0].Amount != cny(10_000) || calls[0].NotifyURL != "" {
			t.Errorf("the provider was asked for %+v", calls)
		}
		page, err := s.FindRecharges(context.Background(), teller(), funds.RechargeFilter{}, models.PageArgs{WantTotal: true})
		s.want(err, "")
		if *page.TotalCount != 1 {
			t.Errorf("%d recharges were started", *page.TotalCount)
		}
	})
}

func TestATableOfSigningEntitiesThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	providers := map[string]funds.Provider{funds.ProviderManual: funds.ManualProvider{}}
	const online = `{"channel":"ALIPAY","provider":"manual"}`
	for name, row := range map[string]struct{ table, want string }{
		"whole": {`[{"name":"CN","cloud":"sim","currency":"CNY","customers":true,"online":[` + online + `],
			"bankTransfer":{"bank":"B","accountName":"A","accountNumber":"1","bankCode":"","instructions":"","maximum":"5.00"}},
			{"name":"CN","cloud":"sim","currency":"USD","customers":true}]`, ""},
		"nothing":             {`[]`, ""},
		"no list":             {`{}`, "not a JSON list"},
		"an unknown field":    {`[{"title":"CN"}]`, "unknown field"},
		"no name":             {`[{"cloud":"sim","currency":"CNY"}]`, "needs a name"},
		"another currency":    {`[{"name":"CN","cloud":"sim","currency":"EUR"}]`, "needs a name, a cloud and a currency"},
		"twice":               {`[{"name":"CN","cloud":"a","currency":"CNY"},{"name":"CN","cloud":"b","currency":"CNY"}]`, "twice"},
		"two for customers":   {`[{"name":"A","cloud":"a","currency":"CNY","customers":true},{"name":"B","cloud":"a","currency":"CNY","customers":true}]`, "another entity"},
		"an unknown channel":  {`[{"name":"CN","cloud":"a","currency":"CNY","online":[{"channel":"CASH","provider":"manual"}]}]`, "unknown"},
		"a channel twice":     {`[{"name":"CN","cloud":"a","currency":"CNY","online":[` + online + `,` + online + `]}]`, "twice"},
		"an unknown provider": {`[{"name":"CN","cloud":"a","currency":"CNY","online":[{"channel":"CARD","provider":"x"}]}]`, "no provider"},
		"a negative maximum":  {`[{"name":"CN","cloud":"a","currency":"CNY","online":[{"channel":"CARD","provider":"manual","maximum":"-1"}]}]`, "maximum"},
		"no account":          {`[{"name":"CN","cloud":"a","currency":"CNY","bankTransfer":{"bank":"B"}}]`, "account"},
	} {
		table, err := funds.ReadSigningEntities(strings.NewReader(row.table))
		if err == nil {
			err = table.Check(providers)
		}
		switch {
		case err == nil && row.want != "":
			t.Errorf("%s: it is accepted", name)
		case err != nil && (row.want == "" || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}
