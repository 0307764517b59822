package funds_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// asCustomer is somebody of a customer's.
func asCustomer(id models.ID) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: id, RequestID: "test", Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

// alerts counts what owners were told, by owner.
func (s *shop) alerts() map[string]int {
	s.t.Helper()
	var happened []models.Event
	s.want(s.DB.NewSelect().Model(&happened).Where("type = ?", models.EventBalanceAlert).Scan(context.Background()), "")
	told := map[string]int{}
	for _, event := range happened {
		told[event.SubjectID]++
	}
	return told
}

func (s *shop) wantAlerts(when string, want map[string]int) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.alerts()); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func (s *shop) watch(want int) {
	s.t.Helper()
	told, err := s.WatchBalances(context.Background())
	if err != nil || told != want {
		s.t.Errorf("%d owners told, want %d: %v", told, want, err)
	}
}

// TestAnOwnerIsToldOncePerCrossing is M09.
func TestAnOwnerIsToldOncePerCrossing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.Events.Consumers = map[models.EventType][]string{models.EventBalanceAlert: {"mail"}}
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 50_000, 0)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "USD", 50_000, 0) // another currency does not count
		move := func(key string, by string, back bool) {
			cmd := funds.CustomerMove{CustomerID: s.resale, Amount: amount(by), IdempotencyKey: key}
			do := s.FundCustomer
			if back {
				do = s.ReclaimFromCustomer
			}
			_, err := do(ctx, who, cmd)
			s.want(err, "")
		}
		set, err := s.SetBalanceAlert(ctx, who, funds.SetBalanceAlert{Threshold: amount("400"), Enabled: true})
		s.want(err, "")
		want := models.BalanceAlert{
			OwnerID: s.distributor, OwnerKind: models.OwnerPartner, Currency: models.CNY, ThresholdMinor: 40_000, Enabled: true,
			State: models.AlertArmed, Version: 1, CreatedAt: noon, UpdatedAt: noon,
		}
		if diff := cmp.Diff(want, set.BalanceAlert); diff != "" {
			t.Errorf("the new alert (-want +got):\n%s", diff)
		}
		set, err = s.SetBalanceAlert(ctx, who, funds.SetBalanceAlert{CustomerID: &s.resale, Threshold: amount("20.50"), Enabled: true})
		s.want(err, "")
		if set.BalanceAlert.State != models.AlertTriggered || set.BalanceAlert.TriggeredAt == nil || !set.BalanceAlert.TriggeredAt.Equal(noon) {
			t.Errorf("an alert above the balance: %+v", set.BalanceAlert)
		}
		one := map[string]int{string(s.resale): 1}
		s.wantAlerts("a customer without money", one)
		s.watch(0)

		move("1", "100", false) // 400 and 100: exactly at the threshold, and above
		s.watch(0)
		s.wantAlerts("at the threshold", one)
		move("2", "0.01", false)
		s.watch(1)
		s.watch(0)
		one[string(s.distributor)] = 1
		s.wantAlerts("a fen below", one)
		move("3", "50", true) // 450 and 50
		s.watch(0)
		move("4", "50", false) // armed in between, so it falls again
		s.watch(1)
		one[string(s.distributor)] = 2
		s.wantAlerts("a second fall", one)
		move("5", "40", false)
		s.watch(0)

		// Held money is not available, and a credit line is.
		move("6", "120", true) // 480 and 20.01 less
		s.watch(1)             // the customer's second fall, after the distributor was armed again
		one[string(s.resale)] = 2
		s.wantAlerts("the customer", one)
		_, err = db.NewUpdate().Table("accounts").Set("held_minor = 9000").Where("owner_id = ? AND asset = 'CNY'", s.distributor).Exec(ctx)
		s.want(err, "")
		s.watch(1)
		_, err = db.NewUpdate().Table("accounts").Set("floor_minor = -9000").Where("owner_id = ? AND asset = 'CNY'", s.distributor).Exec(ctx)
		s.want(err, "")
		s.watch(0)
		one[string(s.distributor)] = 3
		s.wantAlerts("held, then a credit line", one)

		seen, err := s.PartnerAlerts(ctx, who, []models.ID{s.distributor, s.reseller, s.stranger})
		s.want(err, "")
		if seen[s.distributor].State != models.AlertArmed || len(seen) != 1 {
			t.Errorf("alerts: %+v", seen)
		}
		var events []models.Event
		s.want(db.NewSelect().Model(&events).Where("type = ?", models.EventBalanceAlert).Scan(ctx), "")
		due, err := db.NewSelect().Model((*models.OutboxRow)(nil)).Where("consumer = 'mail'").Count(ctx)
		s.want(err, "")
		if int(due) != len(events) {
			t.Errorf("%d rows in the outbox for %d events", due, len(events))
		}
		for _, e := range events {
			if e.PartnerID != s.distributor || e.SubjectID == string(s.resale) != (e.CustomerID == s.resale) {
				t.Errorf("the event of %s concerns %s and %s", e.SubjectID, e.PartnerID, e.CustomerID)
			}
		}
	})
}

// TestReplicasTellAnOwnerOnce: ten of them look at the same fall at once, and one that read the alert before it fell and
// rose again writes nothing.
func TestReplicasTellAnOwnerOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		var owners []models.ID
		want := map[string]int{}
		for range 30 {
			id := s.customer(s.distributor, models.NotFrozen)
			s.give(models.OwnerCustomer, id, models.AccountBalance, "CNY", 1000, 0)
			_, err := s.SetBalanceAlert(ctx, s.as(s.distributor), funds.SetBalanceAlert{CustomerID: &id, Threshold: amount("10"), Enabled: true})
			s.want(err, "")
			owners = append(owners, id)
			want[string(id)] = 3
		}
		for round := range 3 {
			for _, balance := range []int{999, 1000} {
				_, err := db.NewUpdate().Table("accounts").Set("balance_minor = ?", balance).Where("owner_kind = ?", models.OwnerCustomer).Exec(ctx)
				s.want(err, "")
				told := 0
				for _, n := range atOnce(10, func(int) int {
					n, err := s.WatchBalances(ctx)
					if err != nil {
						t.Error(err)
					}
					return n
				}) {
					told += n
				}
				if fell := balance == 999; fell && told != len(owners) || !fell && told != 0 {
					t.Errorf("round %d at %d: %d told", round, balance, told)
				}
			}
		}
		s.wantAlerts("three falls", want)
	})
}

// TestWatchingNamedOwnersLeavesTheOthers: what is looked at after an announcement is what was announced.
func TestWatchingNamedOwnersLeavesTheOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		for _, owner := range []models.ID{s.distributor, s.stranger} {
			s.give(models.OwnerPartner, owner, models.AccountBalance, "CNY", 1000, 0)
			_, err := s.SetBalanceAlert(ctx, s.as(owner), funds.SetBalanceAlert{Threshold: amount("10"), Enabled: true})
			s.want(err, "")
		}
		_, err := db.NewUpdate().Table("accounts").Set("balance_minor = 1").Where("owner_kind = ?", models.OwnerPartner).Exec(ctx)
		s.want(err, "")
		if told, err := s.WatchBalances(ctx, s.stranger, s.reseller); err != nil || told != 1 {
			t.Errorf("%d told, %v", told, err)
		}
		s.wantAlerts("one of two", map[string]int{string(s.stranger): 1})
	})
}

func TestWhoSetsAndSeesWhichAlert(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		nobodys := s.customer("", models.NotFrozen)
		narrow := s.as(s.distributor)
		narrow.Permissions = []models.Permission{models.ReadBalances, models.MoveMoney}
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		owner := func(partner, customer models.ID) funds.SetBalanceAlert {
			cmd := funds.SetBalanceAlert{Threshold: amount("5"), Enabled: true}
			if partner != "" {
				cmd.PartnerID = &partner
			}
			if customer != "" {
				cmd.CustomerID = &customer
			}
			return cmd
		}
		worth := func(threshold string) funds.SetBalanceAlert {
			return funds.SetBalanceAlert{Threshold: amount(threshold), Enabled: true}
		}
		rows := []struct {
			name string
			who  models.Principal
			cmd  funds.SetBalanceAlert
			want string
		}{
			{"nobody", models.Principal{}, owner("", ""), "UNAUTHENTICATED"},
			{"without the permission", narrow, owner("", ""), "FORBIDDEN"},
			{"an operator", operator, owner("", ""), "FORBIDDEN"},
			{"an operator for a partner", operator, owner(s.distributor, ""), "FORBIDDEN"},
			{"for its reseller", s.as(s.distributor), owner(s.reseller, ""), "NOT_FOUND"},
			{"for its distributor", s.as(s.reseller), owner(s.distributor, ""), "NOT_FOUND"},
			{"for a stranger", s.as(s.stranger), owner(s.distributor, ""), "NOT_FOUND"},
			{"for another's customer", s.as(s.stranger), owner("", s.resale), "NOT_FOUND"},
			{"for its reseller's customer", s.as(s.distributor), owner("", s.resellers), "NOT_FOUND"},
			{"for nobody's customer", s.as(s.distributor), owner("", nobodys), "NOT_FOUND"},
			{"for no customer", s.as(s.distributor), owner("", "cus_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND"},
			{"for its advisory customer", s.as(s.distributor), owner("", s.advisory), "ADVISORY_CUSTOMER"},
			{"a resale customer", asCustomer(s.resale), owner("", ""), "RESALE_CUSTOMER"},
			{"a customer for another", asCustomer(s.advisory), owner("", nobodys), "NOT_FOUND"},
			{"a customer for its partner", asCustomer(s.advisory), owner(s.distributor, ""), "NOT_FOUND"},
			{"both", s.as(s.distributor), owner(s.distributor, s.resale), "INVALID customerId"},
			{"a customer as partner", s.as(s.distributor), owner(s.resale, ""), "INVALID partnerId"},
			{"a partner as customer", s.as(s.distributor), owner("", s.distributor), "INVALID customerId"},
			{"zero", s.as(s.distributor), worth("0"), "INVALID threshold"},
			{"negative", s.as(s.distributor), worth("-1"), "INVALID threshold"},
			{"three digits", s.as(s.distributor), worth("1.005"), "INVALID threshold"},
			{"a huge exponent", s.as(s.distributor), worth("1e50000000"), "INVALID threshold"},
			{"more than any account holds", s.as(s.distributor), worth("10000000000000.01"), "INVALID threshold"},
		}
		before := s.everything()
		for _, row := range rows {
			if _, err := s.SetBalanceAlert(ctx, row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
			if row.want == "INVALID threshold" {
				continue
			}
			cmd := funds.RemoveBalanceAlert{PartnerID: row.cmd.PartnerID, CustomerID: row.cmd.CustomerID}
			if _, err := s.RemoveBalanceAlert(ctx, row.who, cmd); refusal(err) != row.want {
				t.Errorf("removing, %s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}

		for name, row := range map[string]struct {
			who models.Principal
			cmd funds.SetBalanceAlert
		}{
			"a distributor":                     {s.as(s.distributor), owner("", "")},
			"a distributor by name":             {s.as(s.distributor), owner(s.distributor, "")},
			"a reseller":                        {s.as(s.reseller), owner("", "")},
			"a solution provider":               {s.as(s.stranger), owner("", "")},
			"a resale customer's partner":       {s.as(s.distributor), owner("", s.resale)},
			"a reseller for its customer":       {s.as(s.reseller), owner("", s.resellers)},
			"an advisory customer":              {asCustomer(s.advisory), owner("", "")},
			"a customer of nobody, by its name": {asCustomer(nobodys), owner("", nobodys)},
		} {
			if _, err := s.SetBalanceAlert(ctx, row.who, row.cmd); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		all := []models.ID{s.distributor, s.reseller, s.stranger, s.resale, s.advisory, s.resellers, nobodys}
		for name, tt := range map[string]struct {
			who  models.Principal
			want []models.ID
		}{
			"an operator":          {operator, all},
			"a distributor":        {s.as(s.distributor), []models.ID{s.distributor, s.reseller, s.resale, s.resellers}},
			"a reseller":           {s.as(s.reseller), []models.ID{s.reseller, s.resellers}},
			"a stranger":           {s.as(s.stranger), []models.ID{s.stranger}},
			"an advisory customer": {asCustomer(s.advisory), []models.ID{s.advisory}},
			"a resale customer":    {asCustomer(s.resale), []models.ID{s.resale}},
		} {
			got, want := map[models.ID]bool{}, map[models.ID]bool{}
			for _, find := range []func(context.Context, models.Principal, []models.ID) (map[models.ID]models.BalanceAlert, error){s.PartnerAlerts, s.CustomerAlerts} {
				ctx, counter := store.CountStatements(ctx)
				found, err := find(ctx, tt.who, all)
				if err != nil || counter.Count() != 1 {
					t.Errorf("%s: %v, %v", name, err, counter.Statements())
				}
				for id := range found {
					got[id] = true
				}
			}
			for _, id := range tt.want {
				want[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s sees (-want +got):\n%s", name, diff)
			}
		}
		blind := s.as(s.distributor)
		blind.Permissions = []models.Permission{models.WriteAlerts}
		_, err := s.PartnerAlerts(ctx, blind, all)
		s.want(err, "FORBIDDEN")

		gone, err := s.RemoveBalanceAlert(ctx, s.as(s.distributor), funds.RemoveBalanceAlert{CustomerID: &s.resale})
		s.want(err, "")
		if gone.BalanceAlert.OwnerID != s.resale || gone.BalanceAlert.ThresholdMinor != 500 {
			t.Errorf("removed: %+v", gone)
		}
		_, err = s.RemoveBalanceAlert(ctx, s.as(s.distributor), funds.RemoveBalanceAlert{CustomerID: &s.resale})
		s.want(err, "NOT_FOUND")
	})
}

// TestSettingAnAlertAgainChangesNothing: the same call has no effect, ten at once make one alert and tell once.
func TestSettingAnAlertAgainChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		set := func(enabled bool) funds.AlertChange {
			done, err := s.SetBalanceAlert(ctx, s.as(s.distributor), funds.SetBalanceAlert{Threshold: amount("5.00"), Enabled: enabled})
			if err != nil {
				t.Error(err)
			}
			return done
		}
		for i, done := range atOnce(10, func(int) funds.AlertChange { return set(true) }) {
			if done.BalanceAlert.Version != 2 || done.BalanceAlert.State != models.AlertTriggered { // asked, and seen
				t.Errorf("call %d: %+v", i, done.BalanceAlert)
			}
		}
		s.wantAlerts("ten calls", map[string]int{string(s.distributor): 1})
		before := s.everything()
		set(true)
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("the same again left something behind:\n%s", diff)
		}
		if off := set(false); off.BalanceAlert.Enabled || off.BalanceAlert.State != models.AlertArmed {
			t.Errorf("switched off: %+v", off.BalanceAlert)
		}
		s.watch(0)
		set(true)
		s.wantAlerts("switched on again", map[string]int{string(s.distributor): 2})
	})
}

// TestManyAlertsAreWatched runs over more crossings than one statement finds, and prints what a look costs.
func TestManyAlertsAreWatched(t *testing.T) {
	t.Parallel()
	const owners = 450
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var alerts []models.BalanceAlert
		for range owners {
			alerts = append(alerts, models.BalanceAlert{
				OwnerID: s.customer(s.distributor, models.NotFrozen), OwnerKind: models.OwnerCustomer, Currency: models.CNY, ThresholdMinor: 1,
				Enabled: true, State: models.AlertArmed, Version: 1, CreatedAt: noon, UpdatedAt: noon,
			})
		}
		s.insert(&alerts)
		s.watch(owners)
		start := time.Now()
		s.watch(0)
		t.Logf("%d alerts, nothing crossed: %s", owners, time.Since(start))
	})
}

// TestWhatThisProcessChangedIsLookedAtFirst: a move is followed by a look at its two owners, and at no others.
func TestWhatThisProcessChangedIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.Ledger.Changed = s.Changed
		ctx := context.Background()
		for _, owner := range []models.ID{s.distributor, s.stranger} {
			s.give(models.OwnerPartner, owner, models.AccountBalance, "CNY", 1000, 0)
			_, err := s.SetBalanceAlert(ctx, s.as(owner), funds.SetBalanceAlert{Threshold: amount("10"), Enabled: true})
			s.want(err, "")
		}
		changed := func(want int) {
			t.Helper()
			if told, err := s.WatchChanged(ctx); err != nil || told != want {
				t.Errorf("%d owners told, want %d: %v", told, want, err)
			}
		}
		changed(0) // both came to their threshold
		_, err := s.FundCustomer(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: "k"})
		s.want(err, "")
		_, err = db.NewUpdate().Table("accounts").Set("balance_minor = 1").Where("owner_id = ?", s.stranger).Exec(ctx) // behind its back
		s.want(err, "")
		changed(1)
		changed(0)
		s.wantAlerts("after a move", map[string]int{string(s.distributor): 1})
		s.watch(1)
		s.wantAlerts("after a look at all", map[string]int{string(s.distributor): 1, string(s.stranger): 1})
	})
}
