package funds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func anOperator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", RequestID: "test", Permissions: models.AllPermissions()}
}

func (s *shop) reverse(transfer models.ID, key string) (funds.Reversed, error) {
	return s.Reverse(context.Background(), anOperator(), funds.ReverseTransfer{TransferID: transfer, Reason: "a mistake", IdempotencyKey: key})
}

// fund gives the distributor's resale customer money of the distributor's.
func (s *shop) fund(amount, key string) models.ID {
	s.t.Helper()
	done, err := s.FundCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{
		CustomerID: s.resale, Amount: decimal.RequireFromString(amount), IdempotencyKey: key,
	})
	s.want(err, "")
	return done.Transfer.ID
}

// posted writes a transfer of a kind from the outside world to an owner.
func (s *shop) posted(kind models.TransferKind, owner models.OwnerKind, id models.ID, minor int64) models.ID {
	s.t.Helper()
	var transfer models.Transfer
	err := s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"})
		if err != nil {
			return err
		}
		to, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: owner, OwnerID: string(id), Kind: models.AccountBalance, Asset: "CNY", Floor: new(int64)})
		if err != nil {
			return err
		}
		transfer, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: kind, Legs: []ledger.Leg{{AccountID: world.ID, AmountMinor: -minor}, {AccountID: to.ID, AmountMinor: minor}},
		})
		return err
	})
	s.want(err, "")
	return transfer.ID
}

func TestReverseTakesATransferBackOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		funded := s.fund("40", "fund")
		got, err := s.reverse(funded, "back")
		s.want(err, "")
		if got.Transfer.Kind != models.TransferReversal || got.Transfer.ReversesID != funded || got.Transfer.Reason != "a mistake" {
			t.Errorf("reversal %+v", got.Transfer)
		}
		balances := map[models.ID]string{}
		for _, owner := range got.Balances {
			balances[owner.OwnerID] = owner.Balance.Available.String()
		}
		if diff := cmp.Diff(map[models.ID]string{s.distributor: "100.00 CNY", s.resale: "0.00 CNY"}, balances); diff != "" {
			t.Errorf("balances afterwards: %s", diff)
		}
		again, err := s.reverse(funded, "back")
		s.want(err, "")
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("the same key again: %s", diff)
		}
		_, err = s.reverse(funded, "another")
		s.want(err, "ALREADY_REVERSED")
		_, err = s.reverse(got.Transfer.ID, "of the reversal")
		s.want(err, "NOT_REVERSIBLE")

		var told []models.Event
		s.want(db.NewSelect().Model(&told).Where("ev.actor_id = 'usr_operator'").OrderExpr("ev.id").Scan(context.Background()), "")
		seen := map[string]bool{}
		for _, event := range told {
			seen[fmt.Sprintf("%s %s partner=%s customer=%s", event.Type, event.SubjectID, event.PartnerID, event.CustomerID)] = true
		}
		want := map[string]bool{
			fmt.Sprintf("transfer.reversed %s partner= customer=", funded):                              true,
			fmt.Sprintf("balance.changed %s partner=%s customer=", s.distributor, s.distributor):        true,
			fmt.Sprintf("balance.changed %s partner=%s customer=%s", s.resale, s.distributor, s.resale): true,
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("events: %s", diff)
		}
		s.sound()
	})
}

func TestWhichKindsMayBeReversed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for kind, want := range map[models.TransferKind]string{
			models.TransferRecharge: "", models.TransferAdjust: "", models.TransferRefund: "", models.TransferFund: "", models.TransferReclaim: "",
			models.TransferPayment: "NOT_REVERSIBLE", models.TransferRecall: "NOT_REVERSIBLE", models.TransferWithdrawal: "NOT_REVERSIBLE",
			models.TransferReversal: "NOT_REVERSIBLE",
		} {
			_, err := s.reverse(s.posted(kind, models.OwnerPartner, s.distributor, 100), string(kind))
			if refusal(err) != want {
				t.Errorf("%s: %v, want %q", kind, err, want)
			}
		}
		if got := s.cash(s.distributor); got != 400 {
			t.Errorf("%d is left of what was not reversed, want 400", got)
		}
		s.sound()
	})
}

func TestReverseIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		spent, used := s.fund("40", "fund"), s.fund("1", "other")
		_, err := s.reverse(used, "used")
		s.want(err, "")
		_, err = s.ReclaimFromCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{
			CustomerID: s.resale, Amount: decimal.RequireFromString("0.01"), IdempotencyKey: "spend",
		})
		s.want(err, "")
		mute := anOperator()
		mute.Permissions = []models.Permission{models.ReadBalances}
		buyer := models.Principal{Kind: models.CustomerUser, CustomerID: s.resale, Permissions: models.AllPermissions()}
		before := s.everything()
		for _, row := range []struct {
			name        string
			who         models.Principal
			id          models.ID
			reason, key string
			want        string
		}{
			{"a fen spent since", anOperator(), spent, "why", "k", "INSUFFICIENT_BALANCE"},
			{"nobody's transfer", anOperator(), s.Ledger.IDs(models.PrefixTransfer), "why", "k", "NOT_FOUND"},
			{"an id of another kind", anOperator(), s.resale, "why", "k", "INVALID transferId"},
			{"no reason", anOperator(), spent, "", "k", "INVALID reason"},
			{"an endless reason", anOperator(), spent, strings.Repeat("x", 501), "k", "INVALID reason"},
			{"a reason of two lines", anOperator(), spent, "so\nso", "k", "INVALID reason"},
			{"a reason of broken bytes", anOperator(), spent, "\xff", "k", "INVALID reason"},
			{"no key", anOperator(), spent, "why", "", "INVALID idempotencyKey"},
			{"a used key", anOperator(), spent, "why", "used", "CONFLICT"},
			{"the partner that gave it", s.as(s.distributor), spent, "why", "k", "FORBIDDEN"},
			{"the customer that got it", buyer, spent, "why", "k", "FORBIDDEN"},
			{"an operator without the permission", mute, spent, "why", "k", "FORBIDDEN"},
			{"nobody", models.Principal{}, spent, "why", "k", "UNAUTHENTICATED"},
		} {
			_, err := s.Reverse(context.Background(), row.who, funds.ReverseTransfer{TransferID: row.id, Reason: row.reason, IdempotencyKey: row.key})
			if refusal(err) != row.want {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind: %s", diff)
		}
		// An advisory customer's partner is not told what becomes of its money.
		_, err = s.reverse(s.posted(models.TransferRecharge, models.OwnerCustomer, s.advisory, 5), "advisory")
		s.want(err, "")
		told, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.customer_id = ? AND ev.partner_id IS NULL", s.advisory).Count(context.Background())
		if err != nil || told != 1 {
			t.Errorf("%d events to the advisory customer alone, %v", told, err)
		}
		s.sound()
	})
}

// Twenty at once reverse one transfer: the money moves back once.
func TestManyReversalsAtOnceMoveOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		funded := s.fund("40", "fund")
		got := map[string]int{}
		for _, refused := range atOnce(20, func(i int) string {
			_, err := s.reverse(funded, fmt.Sprint(i))
			return refusal(err)
		}) {
			got[refused]++
		}
		if diff := cmp.Diff(map[string]int{"": 1, "ALREADY_REVERSED": 19}, got); diff != "" {
			t.Error(diff)
		}
		if got := s.cash(s.distributor); got != 10_000 {
			t.Errorf("the distributor has %d, want 10000", got)
		}
		s.sound()
	})
}
