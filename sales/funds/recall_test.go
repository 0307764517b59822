package funds_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// noOrders stands for sales/orders: nobody has bought anything.
type noOrders struct{}

func (noOrders) HasPaid(context.Context, bun.IDB, models.ID) (bool, error) { return false, nil }

func (noOrders) AwaitsPayment(context.Context, bun.IDB, models.ID, time.Time) (bool, error) {
	return false, nil
}

// leaving is the room below, whose association ends and whose Recall is this one.
func (s *shop) leaving() *customers.Service {
	return &customers.Service{
		DB: s.DB, Now: s.Now, IDs: s.Ledger.IDs, Events: s.Events, Purchases: noOrders{}, Ledger: s.Ledger, Recall: s.Service,
	}
}

// associated gives the customers of the shop the associations that their rows name.
func (s *shop) associated(ids ...models.ID) {
	s.t.Helper()
	var rows []models.Customer
	s.want(s.DB.NewSelect().Model(&rows).Where("c.id IN (?)", bun.List(ids)).Scan(context.Background()), "")
	for _, c := range rows {
		s.insert(&models.Association{
			ID: s.Ledger.IDs(models.PrefixAssociation), CustomerID: c.ID, PartnerID: c.PartnerID, Mode: c.Mode, Source: models.SourceAPI, Since: noon,
		})
	}
}

func (s *shop) end(customer models.ID, key string) (customers.EndedAssociation, error) {
	operator := models.Principal{Kind: models.Operator, UserID: "usr_operator", RequestID: "test", Permissions: models.AllPermissions()}
	return s.leaving().EndAssociation(context.Background(), operator, customers.EndAssociation{CustomerID: customer, Reason: "it leaves", IdempotencyKey: key})
}

// TestTheEndOfAnAssociationRecallsTheMoney is C14.
func TestTheEndOfAnAssociationRecallsTheMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.associated(s.resale, s.advisory, s.resellers, s.empty)
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 500, 0)
		s.give(models.OwnerCustomer, s.resellers, models.AccountBalance, "CNY", 12_345, 0)
		s.give(models.OwnerCustomer, s.resellers, models.AccountBonus, "CNY", 70, 0)
		s.give(models.OwnerCustomer, s.advisory, models.AccountBalance, "CNY", 999, 100)
		_, err := s.SetBalanceAlert(ctx, s.as(s.reseller), funds.SetBalanceAlert{CustomerID: &s.resellers, Threshold: amount("1"), Enabled: true})
		s.want(err, "")
		_, err = s.SetBalanceAlert(ctx, asCustomer(s.advisory), funds.SetBalanceAlert{Threshold: amount("1"), Enabled: true})
		s.want(err, "")

		done, err := s.end(s.resellers, "1")
		s.want(err, "")
		if done.Transfer == nil || done.Transfer.Kind != models.TransferRecall || done.PartnerBalance.Available != cny(12_845) ||
			done.CustomerBalance.Total != cny(70) { // the bonus never came down the edge
			t.Errorf("a reseller's customer: %+v", done)
		}
		again, err := s.end(s.resellers, "1")
		if diff := cmp.Diff(done, again); diff != "" || err != nil {
			t.Errorf("again: %v\n%s", err, diff)
		}
		if got := s.cash(s.distributor); got != 0 {
			t.Errorf("the distributor got %d: the money goes back along the edge it came", got)
		}

		own, err := s.end(s.advisory, "2")
		s.want(err, "")
		if own.Transfer != nil || own.CustomerBalance.Total != cny(999) || s.cash(s.distributor) != 0 {
			t.Errorf("an advisory customer's money moved: %+v", own)
		}
		none, err := s.end(s.resale, "3")
		s.want(err, "")
		if none.Transfer != nil || none.CustomerBalance.Total != cny(0) {
			t.Errorf("nothing moved: %+v", none)
		}
		_, err = s.end(s.empty, "4") // in another currency
		s.want(err, "")

		var happened []models.Event
		s.want(db.NewSelect().Model(&happened).Where("type = ?", models.EventBalanceChanged).Scan(ctx), "")
		got := map[string]string{}
		for _, e := range happened {
			got[e.SubjectID] = fmt.Sprint(e.PartnerID, e.CustomerID, e.Data["amount"], e.Data["kind"], e.Data["transferId"] == string(done.Transfer.ID))
		}
		want := map[string]string{
			string(s.reseller):  fmt.Sprint(s.reseller, "", "123.45", "RECALL", true),
			string(s.resellers): fmt.Sprint(s.reseller, s.resellers, "123.45", "RECALL", true),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		// The partner's alert goes with it, the customer's own stays.
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		alerts, err := s.CustomerAlerts(ctx, operator, []models.ID{s.resellers, s.advisory})
		s.want(err, "")
		if _, left := alerts[s.resellers]; left || len(alerts) != 1 {
			t.Errorf("alerts: %+v", alerts)
		}
		_, err = s.FundCustomer(ctx, s.as(s.reseller), funds.CustomerMove{CustomerID: s.resellers, Amount: amount("1"), IdempotencyKey: "late"})
		s.want(err, "NOT_FOUND")
		s.sound()
	})
}

// TestARecallIsRefused is C13 as far as it is about money; nothing of the end is left behind.
func TestARecallIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.associated(s.resale, s.advisory, s.resellers, s.other)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1000, 1)
		s.give(models.OwnerCustomer, s.other, models.AccountBalance, "CNY", 1000, 0)
		_, err := db.NewUpdate().Table("accounts").Set("earmarked_minor = 1").Where("owner_id = ?", s.other).Exec(context.Background())
		s.want(err, "")
		s.owe(s.resellers)
		s.owe(s.advisory)
		before := s.everything()
		for name, row := range map[string]struct {
			customer models.ID
			want     string
		}{
			"held money":                {s.resale, "HELD_MONEY"},
			"earmarked money":           {s.other, "HELD_MONEY"},
			"a resale customer's debt":  {s.resellers, "ARREARS"},
			"an advisory customer's":    {s.advisory, "ARREARS"},
			"nobody's, without a trace": {s.customer("", models.NotFrozen), "NOT_ASSOCIATED"},
		} {
			if _, err := s.end(row.customer, "k"); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		var open int64
		s.want(db.NewSelect().Table("associations").ColumnExpr("count(*)").Where("until IS NULL").Scan(context.Background(), &open), "")
		if open != 4 {
			t.Errorf("%d associations are in force, want all four", open)
		}
		s.sound()
	})
}

// owe brings a customer into debt on a credit line.
func (s *shop) owe(customer models.ID) {
	s.t.Helper()
	s.want(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		floor := int64(-1000)
		world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"})
		if err != nil {
			return err
		}
		credit, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: models.OwnerCustomer, OwnerID: string(customer), Kind: models.AccountCredit, Asset: "CNY", Floor: &floor,
		})
		if err != nil {
			return err
		}
		_, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferAdjust, Legs: []ledger.Leg{{AccountID: credit.ID, AmountMinor: -300}, {AccountID: world.ID, AmountMinor: 300}},
		})
		return err
	}), "")
}

// TestMoneyThatMovesWhileAnAssociationEnds: sixteen clients fund and reclaim, and spend, while it ends. What came before is
// recalled, what comes after is refused, and the partner has everything again that was not spent.
func TestMoneyThatMovesWhileAnAssociationEnds(t *testing.T) {
	t.Parallel()
	const rounds, clients, there = 8, 16, int64(1_000_000)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", there, 0)
		spent := int64(0)
		var late, early int
		for round := range rounds {
			customer := s.customer(s.distributor, models.NotFrozen)
			s.associated(customer)
			if round%2 == 0 { // else the customer has no account yet
				_, err := s.FundCustomer(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: customer, Amount: amount("50"), IdempotencyKey: fmt.Sprint("first", round)})
				s.want(err, "")
			}
			refused := atOnce(clients+1, func(i int) string {
				if i == clients/2 {
					_, err := s.end(customer, fmt.Sprint("end", round))
					return "end " + refusal(err)
				}
				cmd := funds.CustomerMove{CustomerID: customer, Amount: amount("0.07"), IdempotencyKey: fmt.Sprint(round, "-", i)}
				if i%4 == 3 {
					_, err := s.ReclaimFromCustomer(ctx, s.as(s.distributor), cmd)
					return "reclaim " + refusal(err)
				}
				if i%4 == 1 {
					return "spend " + refusal(s.spend(customer, 3))
				}
				_, err := s.FundCustomer(ctx, s.as(s.distributor), cmd)
				return "fund " + refusal(err)
			})
			for _, answer := range refused {
				switch answer {
				case "spend ":
					spent += 3
				case "fund ":
					early++
				case "fund NOT_FOUND", "reclaim NOT_FOUND":
					late++
				case "end ", "reclaim ", "spend INSUFFICIENT_BALANCE", "reclaim INSUFFICIENT_BALANCE":
				default:
					t.Errorf("round %d: %s", round, answer)
				}
			}
			if left := s.cash(customer); left != 0 {
				t.Errorf("round %d: the customer is left with %d", round, left)
			}
			_, err := s.FundCustomer(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: customer, Amount: amount("1"), IdempotencyKey: fmt.Sprint("late", round)})
			s.want(err, "NOT_FOUND")
		}
		if got := s.cash(s.distributor); got != there-spent {
			t.Errorf("the partner has %d, want %d less the %d that were spent", got, there, spent)
		}
		t.Logf("%d fundings came before an end, %d moves after it", early, late)
		s.sound()
	})
}

// spend takes money from a customer as the payment of an order does, which asks nothing about its partner.
func (s *shop) spend(customer models.ID, minor int64) error {
	return s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		payer, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: models.OwnerCustomer, OwnerID: string(customer), Kind: models.AccountBalance, Asset: "CNY", Floor: new(int64),
		})
		if err != nil {
			return err
		}
		revenue, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountRevenue, Asset: "CNY"})
		if err != nil {
			return err
		}
		_, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferPayment, Legs: []ledger.Leg{{AccountID: payer.ID, AmountMinor: -minor}, {AccountID: revenue.ID, AmountMinor: minor}},
		})
		return err
	})
}

// TestAMoveThatHasLockedTheMoneyIsWaitedFor is the other order of locks: a mover that locks the accounts and reads the edge
// afterwards. One that was first is recalled; one that comes while the association ends finds the edge gone.
func TestAMoveThatHasLockedTheMoneyIsWaitedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.associated(s.resale)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 500, 0)
		accounts, err := s.Ledger.Accounts(ctx, db, []string{string(s.distributor), string(s.resale)})
		s.want(err, "")
		legs := make([]ledger.Leg, 2)
		for i, account := range accounts {
			legs[i] = ledger.Leg{AccountID: account.ID, AmountMinor: 700}
			if account.OwnerKind == models.OwnerPartner {
				legs[i].AmountMinor = -700
			}
		}
		// mover funds the customer; locked is closed once it has the accounts, and it waits for the other channel then.
		mover := func(locked chan<- struct{}, goOn <-chan struct{}) (edge models.ID, err error) {
			err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				if _, err := s.Ledger.LockOwners(ctx, tx, s.distributor, s.resale); err != nil {
					return err
				}
				close(locked)
				<-goOn
				var customer models.Customer
				if err := tx.NewSelect().Model(&customer).Where("c.id = ?", s.resale).Scan(ctx); err != nil {
					return err
				}
				if edge = customer.PartnerID; edge == "" {
					return nil
				}
				_, _, err := s.Ledger.Post(ctx, tx, s.as(s.distributor), ledger.Posting{Kind: models.TransferFund, Legs: legs})
				return err
			})
			return edge, err
		}
		locked, goOn, moved, ended := make(chan struct{}), make(chan struct{}), make(chan error), make(chan error)
		go func() {
			_, err := mover(locked, goOn)
			moved <- err
		}()
		<-locked
		go func() {
			_, err := s.end(s.resale, "end")
			ended <- err
		}()
		time.Sleep(300 * time.Millisecond) // as far as the end gets
		select {
		case err := <-ended:
			t.Fatalf("the association ended beside a move: %v", err)
		default:
		}
		close(goOn)
		s.want(<-moved, "")
		s.want(<-ended, "")
		if left, back := s.cash(s.resale), s.cash(s.distributor); left != 0 || back != 10_500 {
			t.Errorf("the customer is left with %d, the partner has %d", left, back)
		}
		locked, goOn = make(chan struct{}), make(chan struct{})
		close(goOn)
		if edge, err := mover(locked, goOn); err != nil || edge != "" {
			t.Errorf("afterwards there is an edge to %q, %v", edge, err)
		}
		s.sound()
	})
}

// TestTheEndOfACooperationRecallsTheMoney is M06: a reseller that leaves keeps nothing of its distributor's, and its customers keep theirs.
func TestTheEndOfACooperationRecallsTheMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 500, 0)
		s.give(models.OwnerCustomer, s.resellers, models.AccountBalance, "CNY", 300, 0)
		var reseller models.Partner
		s.want(db.NewSelect().Model(&reseller).Where("p.id = ?", s.reseller).Scan(ctx), "")
		part := func() (done models.Recalled, err error) {
			err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.NewUpdate().Model((*models.Partner)(nil)).Set("parent_id = NULL").Where("id = ?", s.reseller).Exec(ctx); err != nil {
					return err
				}
				done, err = s.RecallFromResellerIn(ctx, tx, models.SystemPrincipal("test"), reseller)
				return err
			})
			return done, err
		}
		held := func(minor int64) {
			_, err := db.NewUpdate().Table("accounts").Set("held_minor = ?", minor).Where("owner_id = ?", s.reseller).Exec(ctx)
			s.want(err, "")
		}
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 12_345, 0)
		held(5)
		_, err := part()
		s.want(err, "HELD_MONEY")
		held(0)
		done, err := part()
		s.want(err, "")
		if done.Transfer == nil || done.Transfer.Kind != models.TransferRecall || done.PartnerBalance.Available != cny(12_845) || done.CustomerBalance.Total != cny(0) {
			t.Errorf("%+v", done)
		}
		if got := s.cash(s.resellers); got != 300 {
			t.Errorf("its customer has %d", got)
		}
		_, err = s.FundReseller(ctx, s.as(s.distributor), funds.ResellerMove{ResellerID: s.reseller, Amount: amount("1"), IdempotencyKey: "late"})
		s.want(err, "NOT_FOUND")
		records, err := s.AdjustmentRecords(ctx, s.as(s.distributor), funds.AdjustmentQuery{ResellerID: &s.reseller}, models.PageArgs{})
		s.want(err, "")
		if len(records.Edges) != 1 || records.Nodes()[0].OperationType != models.TransferRecall || records.Nodes()[0].Amount != cny(12_345) {
			t.Errorf("the former distributor's records: %+v", records.Nodes())
		}
		var happened []models.Event
		s.want(db.NewSelect().Model(&happened).Where("type = ?", models.EventBalanceChanged).Scan(ctx), "")
		for _, e := range happened {
			if string(e.PartnerID) != e.SubjectID || e.CustomerID != "" {
				t.Errorf("%+v", e)
			}
		}
		if len(happened) != 2 {
			t.Errorf("%d events", len(happened))
		}
		none, err := part()
		s.want(err, "")
		if none.Transfer != nil {
			t.Errorf("%+v", none)
		}
		s.sound()
		_, err = db.NewUpdate().Table("accounts").Set("balance_minor = -1").Set("floor_minor = -5").Where("owner_id = ?", s.reseller).Exec(ctx)
		s.want(err, "")
		_, err = part()
		s.want(err, "ARREARS")
	})
}
