package funds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestPartnersAndTheirOwnPayersRecharge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		for name, who := range map[string]models.Principal{
			"a distributor": s.as(s.distributor), "a solution provider": s.as(s.stranger),
			"an advisory customer": s.buyer(s.advisory), "a customer without a partner": s.buyer(s.independent),
		} {
			owner := models.ID(who.OrganisationID())
			recharge := s.online(who, models.ChannelWeChat, "k")
			if recharge.State != models.RechargePending || len(recharge.Reference) != 13 || !strings.Contains(recharge.Instructions, recharge.Reference) {
				t.Errorf("%s starts with %+v", name, recharge)
			}
			if got := s.cash(owner); got != 0 {
				t.Errorf("%s has %d before anything arrived", name, got)
			}
			// What arrived counts.
			done, err := s.confirm(recharge.ID, "99.50", "bank-"+string(owner), "k"+name)
			s.want(err, "")
			if got := done.Balance.Available.String(); got != "99.50 CNY" || done.Recharge.Received().String() != got {
				t.Errorf("%s has %s after it", name, got)
			}
			transfer, _, err := s.Ledger.TransferOf(context.Background(), db, done.Recharge.TransferID)
			s.want(err, "")
			if transfer.Kind != models.TransferRecharge || transfer.SubjectID != recharge.ID {
				t.Errorf("%s: the transfer is %s for %s", name, transfer.Kind, transfer.SubjectID)
			}
			var happened []models.Event
			s.want(db.NewSelect().Model(&happened).Where("type LIKE 'recharge.%' OR type = 'balance.changed'").
				Where("customer_id = ? OR partner_id = ?", owner, owner).Order("id").Scan(context.Background()), "")
			types := map[models.EventType]int{}
			for _, e := range happened {
				types[e.Type]++
				if e.CustomerID != "" && e.PartnerID != "" {
					t.Errorf("%s: a partner is told of %s", name, e.Type)
				}
			}
			want := map[models.EventType]int{models.EventRechargeStarted: 1, models.EventRechargeConfirmed: 1, models.EventBalanceChanged: 1}
			if diff := cmp.Diff(want, types); diff != "" {
				t.Errorf("%s: events (-want +got):\n%s", name, diff)
			}
		}
		s.sound()
	})
}

func TestRechargesThatMayNotBeStarted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		distributor := s.as(s.distributor)
		narrow := distributor
		narrow.Permissions = []models.Permission{models.ReadBalances}
		good := funds.StartRecharge{Amount: amount("100"), Method: models.RechargeOnline, Channel: ptr(models.ChannelAlipay), IdempotencyKey: "k"}
		with := func(change func(*funds.StartRecharge)) funds.StartRecharge {
			cmd := good
			change(&cmd)
			return cmd
		}
		worth := func(a string) funds.StartRecharge {
			return with(func(c *funds.StartRecharge) { c.Amount = amount(a) })
		}
		by := func(method models.RechargeMethod, channel *models.RechargeChannel) funds.StartRecharge {
			return with(func(c *funds.StartRecharge) { c.Method, c.Channel = method, channel })
		}
		before := s.rows()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.StartRecharge
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"without the permission", narrow, good, "FORBIDDEN"},
			{"an operator", teller(), good, "FORBIDDEN"},
			{"a job", models.SystemPrincipal("test"), good, "FORBIDDEN"},
			{"a resale customer (C02)", s.buyer(s.resale), good, "RESALE_CUSTOMER"},
			{"a reseller's resale customer (C02)", s.buyer(s.resellers), good, "RESALE_CUSTOMER"},
			{"a cloud reseller (M06)", s.as(s.reseller), good, "FUNDED_BY_DISTRIBUTOR"},
			{"a frozen customer", s.buyer(s.frozen), good, "CUSTOMER_FROZEN"},
			{"a customer that is none", s.buyer("cus_01h455vb4pex5vsknk084sn02q"), good, "NOT_FOUND"},
			{"in a currency that is not taken online", s.buyer(s.dollars), good, "METHOD_NOT_OPEN"},
			{"by a channel that is not open", distributor, by(models.RechargeOnline, ptr(models.ChannelUnionPay)), "METHOD_NOT_OPEN"},
			{"by a channel that is none", distributor, by(models.RechargeOnline, ptr(models.RechargeChannel("BARTER"))), "INVALID channel"},
			{"online without a channel", distributor, by(models.RechargeOnline, nil), "INVALID channel"},
			{"by transfer with a channel", distributor, by(models.RechargeBankTransfer, ptr(models.ChannelAlipay)), "INVALID channel"},
			{"by a method that is none", distributor, by("CASH", nil), "INVALID method"},
			{"zero", distributor, worth("0.00"), "INVALID amount"},
			{"negative", distributor, worth("-1"), "INVALID amount"},
			{"three digits", distributor, worth("1.001"), "INVALID amount"},
			{"an exponent", distributor, worth("1e1"), "INVALID amount"},
			{"a huge exponent", distributor, worth("1e50000000"), "INVALID amount"},
			{"over the channel's cap", distributor, worth("50000.01"), "INVALID amount"},
			{"over every cap", distributor, worth("10000000000000.01"), "INVALID amount"},
			{"no key", distributor, with(func(c *funds.StartRecharge) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
		} {
			if _, err := s.StartRecharge(context.Background(), row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		// What is refused leaves the key free; what is started does not.
		first, err := s.StartRecharge(context.Background(), distributor, good)
		s.want(err, "")
		again, err := s.StartRecharge(context.Background(), distributor, worth("100.00"))
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("a repeated key answers otherwise:\n%s", diff)
		}
		for name, used := range map[string]funds.StartRecharge{"amount": worth("100.01"), "method": by(models.RechargeBankTransfer, nil)} {
			if _, err := s.StartRecharge(context.Background(), distributor, used); refusal(err) != "CONFLICT" {
				t.Errorf("another %s under a used key: %v", name, err)
			}
		}
		_, err = s.StartRecharge(context.Background(), distributor, with(func(c *funds.StartRecharge) { c.Amount, c.IdempotencyKey = amount("50000"), "most" }))
		s.want(err, "")
	})
}

func TestConfirmationsThatAreRefusedCreditNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, distributor := context.Background(), s.as(s.distributor)
		online, transfer := s.online(distributor, models.ChannelAlipay, "1"), s.transfer(distributor, "2")
		failed, turned, froze := s.online(distributor, models.ChannelAlipay, "3"), s.online(s.buyer(s.advisory), models.ChannelAlipay, "4"), s.online(s.buyer(s.independent), models.ChannelAlipay, "5")
		_, err := s.FailRecharge(ctx, teller(), funds.FailRecharge{RechargeID: failed.ID, Reason: "Refused by the bank."})
		s.want(err, "")
		done := s.online(distributor, models.ChannelAlipay, "6")
		_, err = s.confirm(done.ID, "100", "taken", "done")
		s.want(err, "")
		s.arrive("other", "Payer", "7")
		_, err = db.NewUpdate().Table("customers").Set("mode = 'RESALE'").Where("id = ?", s.advisory).Exec(ctx)
		s.want(err, "")
		_, err = db.NewUpdate().Table("customers").Set("frozen = 'ACCOUNT'").Where("id = ?", s.independent).Exec(ctx)
		s.want(err, "")
		good := funds.ConfirmRecharge{RechargeID: online.ID, ReceivedAmount: amount("100"), ProviderReference: "ref", IdempotencyKey: "k"}
		with := func(change func(*funds.ConfirmRecharge)) funds.ConfirmRecharge {
			cmd := good
			change(&cmd)
			return cmd
		}
		of := func(id models.ID) funds.ConfirmRecharge {
			return with(func(c *funds.ConfirmRecharge) { c.RechargeID = id })
		}
		worth := func(a string) funds.ConfirmRecharge {
			return with(func(c *funds.ConfirmRecharge) { c.ReceivedAmount = amount(a) })
		}
		referring := func(reference string) funds.ConfirmRecharge {
			return with(func(c *funds.ConfirmRecharge) { c.ProviderReference = reference })
		}
		before := s.rows()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.ConfirmRecharge
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"the payer itself", distributor, good, "FORBIDDEN"},
			{"a customer", s.buyer(s.advisory), good, "FORBIDDEN"},
			{"zero", teller(), worth("0"), "INVALID receivedAmount"},
			{"negative", teller(), worth("-5"), "INVALID receivedAmount"},
			{"three digits", teller(), worth("0.001"), "INVALID receivedAmount"},
			{"a huge exponent", teller(), worth("1e50000000"), "INVALID receivedAmount"},
			{"over the cap", teller(), worth("10000000000000.01"), "INVALID receivedAmount"},
			{"another currency", teller(), with(func(c *funds.ConfirmRecharge) { c.Currency = ptr(models.USD) }), "INVALID currency"},
			{"no reference", teller(), referring(""), "INVALID providerReference"},
			{"a reference with a line break", teller(), referring("a\nb"), "INVALID providerReference"},
			{"a reference of 129", teller(), referring(strings.Repeat("a", 129)), "INVALID providerReference"},
			{"another's reference", teller(), referring("taken"), "CONFLICT providerReference"},
			{"no key", teller(), with(func(c *funds.ConfirmRecharge) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
			{"another kind of id", teller(), of(s.distributor), "INVALID rechargeId"},
			{"none", teller(), of("rch_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND"},
			{"a failed one", teller(), of(failed.ID), "RECHARGE_FAILED"},
			{"a confirmed one", teller(), of(done.ID), "RECHARGE_CONFIRMED"},
			{"of a customer that has become a resale one (C02)", teller(), of(turned.ID), "RESALE_CUSTOMER"},
			{"of a customer that was frozen since", teller(), of(froze.ID), "CUSTOMER_FROZEN"},
			{"a transfer whose remittance is of another amount", teller(), with(func(c *funds.ConfirmRecharge) {
				c.RechargeID, c.ProviderReference = transfer.ID, "other"
			}), "INVALID receivedAmount"},
		} {
			if _, err := s.ConfirmRecharge(ctx, row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		s.sound()
	})
}

// A recharge and how it ends, and that the money which was on its way still comes in.
func TestARechargeEndsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		cancel := func(who models.Principal, id models.ID) error {
			_, err := s.CancelRecharge(ctx, who, funds.CancelRecharge{RechargeID: id})
			return err
		}
		fail := func(who models.Principal, id models.ID, reason string) error {
			_, err := s.FailRecharge(ctx, who, funds.FailRecharge{RechargeID: id, Reason: reason})
			return err
		}
		cancelled, failed, expired := s.online(who, models.ChannelAlipay, "1"), s.online(who, models.ChannelAlipay, "2"), s.online(who, models.ChannelAlipay, "3")
		waiting := s.transfer(who, "4")
		s.want(cancel(s.as(s.stranger), cancelled.ID), "NOT_FOUND")
		s.want(cancel(s.as(s.reseller), cancelled.ID), "NOT_FOUND")
		s.want(cancel(s.buyer(s.advisory), cancelled.ID), "NOT_FOUND")
		s.want(cancel(teller(), cancelled.ID), "FORBIDDEN")
		s.want(cancel(models.Principal{}, cancelled.ID), "UNAUTHENTICATED")
		s.want(cancel(who, s.distributor), "INVALID rechargeId")
		s.want(cancel(who, cancelled.ID), "")
		s.want(cancel(who, cancelled.ID), "RECHARGE_CANCELLED")
		s.want(fail(teller(), cancelled.ID, "late"), "RECHARGE_CANCELLED")
		s.want(fail(who, failed.ID, "mine"), "FORBIDDEN")
		s.want(fail(teller(), failed.ID, " "), "INVALID reason")
		s.want(fail(teller(), failed.ID, strings.Repeat("x", 201)), "INVALID reason")
		s.want(fail(teller(), "rch_01h455vb4pex5vsknk084sn02q", "none"), "NOT_FOUND")
		s.want(fail(teller(), failed.ID, "Refused by the bank."), "")
		s.want(cancel(who, failed.ID), "RECHARGE_FAILED")

		n, err := s.ExpireRecharges(ctx)
		s.want(err, "")
		if n != 0 {
			t.Errorf("%d expire at once", n)
		}
		s.passed.Store(int64(models.OnlineRechargeLife))
		s.want(cancel(who, expired.ID), "RECHARGE_EXPIRED") // whether or not the sweep has come by
		filter := funds.RechargeFilter{States: []models.RechargeState{models.RechargeExpired}}
		for _, swept := range []int{1, 0} {
			page, err := s.FindRecharges(ctx, who, filter, models.PageArgs{WantTotal: true})
			s.want(err, "")
			if *page.TotalCount != 1 || page.Nodes()[0].ID != expired.ID || page.Nodes()[0].State != models.RechargeExpired {
				t.Errorf("expired: %+v", page.Nodes())
			}
			if n, err := s.ExpireRecharges(ctx); n != swept || err != nil {
				t.Errorf("%d were swept, %v", n, err)
			}
		}
		// What was on its way is still the payer's, what an operator refused is not.
		for _, recharge := range []models.Recharge{cancelled, expired, waiting} {
			_, err := s.confirm(recharge.ID, "1", "late "+recharge.Reference, recharge.Reference)
			s.want(err, "")
		}
		_, err = s.confirm(failed.ID, "1", "refused", "refused")
		s.want(err, "RECHARGE_FAILED")
		if got := s.cash(s.distributor); got != 300 {
			t.Errorf("the distributor has %d", got)
		}
		s.sound()
	})
}

func TestManyConfirmationsCreditOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		for name, start := range map[string]func() models.Recharge{
			"online":      func() models.Recharge { return s.online(s.as(s.distributor), models.ChannelAlipay, "online") },
			"by transfer": func() models.Recharge { return s.transfer(s.as(s.distributor), "transfer") },
		} {
			before := s.cash(s.distributor)
			recharge := start()
			counts := map[string]int{}
			for _, code := range atOnce(16, func(i int) string {
				// Of four keys four times each, with two references.
				_, err := s.confirm(recharge.ID, "100", fmt.Sprint(name, " reference ", i%2), fmt.Sprint(name, i%4))
				return refusal(err)
			}) {
				counts[code]++
			}
			// One key takes effect, and is answered four times.
			if diff := cmp.Diff(map[string]int{"": 4, "RECHARGE_CONFIRMED": 12}, counts); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if got := s.cash(s.distributor) - before; got != 10_000 {
				t.Errorf("%s: %d was credited", name, got)
			}
		}
		s.sound()
	})
}

func TestARepeatedConfirmationAnswersTheSame(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		recharge, other := s.online(s.as(s.distributor), models.ChannelAlipay, "1"), s.online(s.as(s.distributor), models.ChannelAlipay, "2")
		first, err := s.confirm(recharge.ID, "100", "ref", "k")
		s.want(err, "")
		for _, got := range atOnce(16, func(int) funds.ConfirmedRecharge {
			again, err := s.confirm(recharge.ID, "100.00", "ref", "k")
			s.want(err, "")
			return again
		}) {
			if diff := cmp.Diff(first, got); diff != "" {
				t.Fatalf("a repeated key answers otherwise (-first +again):\n%s", diff)
			}
		}
		for name, err := range map[string]error{
			"another amount":    second(s.confirm(recharge.ID, "100.01", "ref", "k")),
			"another reference": second(s.confirm(recharge.ID, "100", "ref2", "k")),
			"another recharge":  second(s.confirm(other.ID, "100", "ref", "k")),
		} {
			if refusal(err) != "CONFLICT" {
				t.Errorf("%s under a used key: %v", name, err)
			}
		}
		s.sound()
	})
}

func second[T any](_ T, err error) error { return err }

func TestWhoSeesWhoseRecharges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx := context.Background()
		all := map[string]models.Recharge{
			"distributor's": s.transfer(s.as(s.distributor), "k"), "stranger's": s.transfer(s.as(s.stranger), "k"),
			"advisory's": s.transfer(s.buyer(s.advisory), "k"), "independent's": s.transfer(s.buyer(s.independent), "k"),
		}
		var ids []models.ID
		byName := map[string]models.ID{}
		for name, recharge := range all {
			ids = append(ids, recharge.ID)
			byName[name] = recharge.ID
		}
		everything := []string{"advisory's", "distributor's", "independent's", "stranger's"}
		for name, row := range map[string]struct {
			who  models.Principal
			want []string
		}{
			"an operator": {teller(), everything},
			"the distributor, not its advisory customer's (M02)": {s.as(s.distributor), []string{"distributor's"}},
			"its reseller":     {s.as(s.reseller), nil},
			"the stranger":     {s.as(s.stranger), []string{"stranger's"}},
			"the customer":     {s.buyer(s.advisory), []string{"advisory's"}},
			"another customer": {s.buyer(s.resale), nil},
		} {
			found, err := s.RechargesByIDs(ctx, row.who, ids)
			s.want(err, "")
			if diff := cmp.Diff(row.want, names(byName, found)); diff != "" {
				t.Errorf("%s by id (-want +got):\n%s", name, diff)
			}
			page, err := s.FindRecharges(ctx, row.who, funds.RechargeFilter{}, models.PageArgs{WantTotal: true})
			s.want(err, "")
			if *page.TotalCount != len(row.want) || len(page.Edges) != len(row.want) {
				t.Errorf("%s: a list of %d of %d, want %d", name, len(page.Edges), *page.TotalCount, len(row.want))
			}
		}
		for name, row := range map[string]struct {
			filter funds.RechargeFilter
			want   int
		}{
			"of a partner":  {funds.RechargeFilter{PartnerID: &s.distributor}, 1},
			"of a customer": {funds.RechargeFilter{CustomerID: &s.advisory}, 1},
			"pending":       {funds.RechargeFilter{States: []models.RechargeState{models.RechargePending}}, 4},
			"none":          {funds.RechargeFilter{States: []models.RechargeState{}}, 0},
			"confirmed":     {funds.RechargeFilter{States: []models.RechargeState{models.RechargeConfirmed}}, 0},
		} {
			page, err := s.FindRecharges(ctx, teller(), row.filter, models.PageArgs{})
			s.want(err, "")
			if len(page.Edges) != row.want {
				t.Errorf("%s: %d, want %d", name, len(page.Edges), row.want)
			}
		}
		narrow := s.as(s.distributor)
		narrow.Permissions = []models.Permission{models.MoveMoney}
		_, err := s.FindRecharges(ctx, narrow, funds.RechargeFilter{}, models.PageArgs{})
		s.want(err, "FORBIDDEN")
		_, err = s.RechargesByIDs(ctx, models.Principal{}, ids)
		s.want(err, "UNAUTHENTICATED")
		_, err = s.FindRecharges(ctx, teller(), funds.RechargeFilter{PartnerID: &s.advisory}, models.PageArgs{})
		s.want(err, "INVALID partnerId")
	})
}

func TestRechargeOptionsAreThoseOfTheSigningEntity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		nowhere := s.partner(models.SolutionProvider)
		for name, row := range map[string]struct {
			who     models.Principal
			refusal string
			want    []string
		}{
			"a partner":                {s.as(s.distributor), "", []string{"ONLINE ALIPAY 50000.00 CNY", "ONLINE WECHAT 10000000000000.00 CNY", "BANK_TRANSFER 6222 10000000000000.00 CNY"}},
			"a customer in USD":        {s.buyer(s.dollars), "", []string{"BANK_TRANSFER 6222 10000000000000.00 USD"}},
			"a resale customer":        {s.buyer(s.resale), "RESALE_CUSTOMER", nil},
			"a reseller":               {s.as(s.reseller), "FUNDED_BY_DISTRIBUTOR", nil},
			"a frozen customer":        {s.buyer(s.frozen), "CUSTOMER_FROZEN", nil},
			"an operator":              {teller(), "OPERATORS_CONFIRM", nil},
			"a partner of nobody here": {models.Principal{Kind: models.PartnerKey, PartnerID: nowhere, PartnerKind: models.SolutionProvider, Permissions: models.AllPermissions()}, "METHOD_NOT_OPEN", nil},
		} {
			options, err := s.RechargeOptions(context.Background(), row.who)
			s.want(err, "")
			var got []string
			for _, option := range options.Options {
				what := string(option.Method)
				if option.Channel != nil {
					what += " " + string(*option.Channel)
				}
				if option.BankAccount != nil {
					what += " " + option.BankAccount.AccountNumber
				}
				got = append(got, what+" "+option.Maximum.String())
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if refused := options.Refusal; (refused == nil) != (row.refusal == "") || refused != nil && *refused != row.refusal {
				t.Errorf("%s: refused with %v, want %q", name, refused, row.refusal)
			}
		}
		_, err := s.RechargeOptions(context.Background(), models.Principal{})
		s.want(err, "UNAUTHENTICATED")
	})
}

// Nobody becomes a resale customer, whose partner may take the money out, while its own money comes in.
func TestACreditWaitsForAnAssociationThatBegins(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	s := newTill(t, db)
	ctx := context.Background()
	recharge := s.online(s.buyer(s.independent), models.ChannelAlipay, "k")
	tx, err := db.BeginTx(ctx, nil)
	s.want(err, "")
	_, err = tx.NewUpdate().Table("customers").Set("partner_id = ?, mode = 'RESALE'", s.distributor).Where("id = ?", s.independent).Exec(ctx)
	s.want(err, "")
	done := make(chan error, 1)
	go func() {
		_, err := s.confirm(recharge.ID, "100", "ref", "k")
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the credit did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.want(tx.Commit(), "")
	s.want(<-done, "RESALE_CUSTOMER")
	s.sound()
}
