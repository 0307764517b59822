package funds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestMoneyMovesDownAnEdgeAndBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		ctx := context.Background()
		who := s.as(s.distributor)

		down, err := s.FundReseller(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("60.00"), IdempotencyKey: "1"})
		s.want(err, "")
		s.wantMoved(down, models.TransferFund, "40.00 CNY", "60.00 CNY")
		acting, err := s.FundCustomer(ctx, who, funds.CustomerMove{CustomerID: s.resellers, Amount: amount("45.5"), IdempotencyKey: "2", ActingForPartnerID: &s.reseller})
		s.want(err, "")
		s.wantMoved(acting, models.TransferFund, "14.50 CNY", "45.50 CNY")
		own, err := s.ReclaimFromCustomer(ctx, s.as(s.reseller), funds.CustomerMove{CustomerID: s.resellers, Amount: amount("45.50"), IdempotencyKey: "1"})
		s.want(err, "")
		s.wantMoved(own, models.TransferReclaim, "60.00 CNY", "0.00 CNY")
		up, err := s.ReclaimFromReseller(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("60"), IdempotencyKey: "3"})
		s.want(err, "")
		s.wantMoved(up, models.TransferReclaim, "100.00 CNY", "0.00 CNY")

		type told struct {
			PartnerID, CustomerID models.ID
			Subject, Amount       string
			Transfer              any
		}
		var happened []models.Event
		s.want(db.NewSelect().Model(&happened).Where("type = ?", models.EventBalanceChanged).Order("id").Scan(ctx), "")
		got := map[told]int{}
		for _, e := range happened {
			if e.ActorID != "key_distributor" && e.ActorID != "key_reseller" {
				t.Errorf("the event of %s names %q as its actor", e.SubjectID, e.ActorID)
			}
			got[told{e.PartnerID, e.CustomerID, e.SubjectID, fmt.Sprint(e.Data["amount"]), e.Data["transferId"]}]++
		}
		want := map[told]int{
			{s.reseller, "", string(s.reseller), "60.00", string(down.Transfer.ID)}:             1,
			{s.reseller, s.resellers, string(s.resellers), "45.50", string(acting.Transfer.ID)}: 1,
			{s.reseller, s.resellers, string(s.resellers), "45.50", string(own.Transfer.ID)}:    1,
			{s.reseller, "", string(s.reseller), "60.00", string(up.Transfer.ID)}:               1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		s.sound()
	})
}

func TestMovesWithACustomerAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, partner := range []models.ID{s.distributor, s.reseller, s.stranger} {
			s.give(models.OwnerPartner, partner, models.AccountBalance, "CNY", 100_000, 0)
		}
		for _, customer := range []models.ID{s.resale, s.advisory, s.resellers, s.other} {
			s.give(models.OwnerCustomer, customer, models.AccountBalance, "CNY", 100_000, 0)
		}
		frozen := s.customer(s.distributor, models.FrozenAccount)
		s.give(models.OwnerCustomer, frozen, models.AccountBalance, "CNY", 100_000, 0)
		nobodys := s.customer("", models.NotFrozen)
		s.give(models.OwnerCustomer, nobodys, models.AccountBalance, "CNY", 100_000, 0)

		distributor, reseller := s.as(s.distributor), s.as(s.reseller)
		may := models.AllPermissions()
		narrow := distributor
		narrow.Permissions = []models.Permission{models.ReadBalances, models.ReadCustomers}
		stolen := models.Principal{Kind: models.CustomerUser, CustomerID: s.resale, PartnerID: s.distributor, Permissions: may}
		good := funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: "k"}
		with := func(change func(*funds.CustomerMove)) funds.CustomerMove {
			cmd := good
			change(&cmd)
			return cmd
		}
		of := func(customer models.ID) funds.CustomerMove {
			return with(func(c *funds.CustomerMove) { c.CustomerID = customer })
		}
		acting := func(customer, partner models.ID) funds.CustomerMove {
			return with(func(c *funds.CustomerMove) { c.CustomerID, c.ActingForPartnerID = customer, &partner })
		}
		worth := func(a string) funds.CustomerMove {
			return with(func(c *funds.CustomerMove) { c.Amount = amount(a) })
		}
		keyed := func(key string) funds.CustomerMove {
			return with(func(c *funds.CustomerMove) { c.IdempotencyKey = key })
		}
		rows := []struct {
			name string
			who  models.Principal
			cmd  funds.CustomerMove
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"without the permission", narrow, good, "FORBIDDEN"},
			{"an operator", models.Principal{Kind: models.Operator, Permissions: may}, good, "FORBIDDEN"},
			{"a job", models.SystemPrincipal("test"), good, "FORBIDDEN"},
			{"the customer", models.Principal{Kind: models.CustomerUser, CustomerID: s.resale, Permissions: may}, good, "FORBIDDEN"},
			{"a customer's credential that names a partner", stolen, good, "FORBIDDEN"},
			{"another partner", s.as(s.stranger), good, "NOT_FOUND"},
			{"the customer's partner's reseller", reseller, good, "NOT_FOUND"},
			{"its reseller's customer in its own name", distributor, of(s.resellers), "NOT_FOUND"},
			{"a stranger", distributor, of(s.other), "NOT_FOUND"},
			{"nobody's customer", distributor, of(nobodys), "NOT_FOUND"},
			{"no such customer", distributor, of("cus_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND"},
			{"its own customer for its reseller", distributor, acting(s.resale, s.reseller), "NOT_FOUND"},
			{"for itself", distributor, acting(s.resale, s.distributor), "NOT_FOUND"},
			{"for a stranger", distributor, acting(s.other, s.stranger), "NOT_FOUND"},
			{"for its distributor", reseller, acting(s.resale, s.distributor), "NOT_FOUND"},
			{"for a reseller that is not its own", s.as(s.stranger), acting(s.resellers, s.reseller), "NOT_FOUND"},
			{"for a customer", distributor, acting(s.resellers, s.resellers), "INVALID actingForPartnerId"},
			{"for nobody", distributor, acting(s.resellers, ""), "INVALID actingForPartnerId"},
			{"advisory", distributor, of(s.advisory), "ADVISORY_CUSTOMER"},
			{"frozen", distributor, of(frozen), "CUSTOMER_FROZEN"},
			{"a partner's id", distributor, of(s.reseller), "INVALID customerId"},
			{"no id", distributor, of(""), "INVALID customerId"},
			{"zero", distributor, worth("0"), "INVALID amount"},
			{"zero with digits", distributor, worth("0.00"), "INVALID amount"},
			{"negative", distributor, worth("-1"), "INVALID amount"},
			{"three digits", distributor, worth("1.001"), "INVALID amount"},
			{"thirty digits", distributor, worth("0." + strings.Repeat("0", 29) + "1"), "INVALID amount"},
			{"an exponent", distributor, worth("1e1"), "INVALID amount"},
			{"a huge exponent", distributor, worth("1e50000000"), "INVALID amount"},
			{"too large", distributor, worth("10000000000000.01"), "INVALID amount"},
			{"no key", distributor, keyed(""), "INVALID idempotencyKey"},
			{"a key with a line break", distributor, keyed("a\nb"), "INVALID idempotencyKey"},
			{"a key of 129", distributor, keyed(strings.Repeat("a", 129)), "INVALID idempotencyKey"},
			{"a fen too much", distributor, worth("1000.01"), "INSUFFICIENT_BALANCE"},
		}
		before := s.everything()
		for verb, move := range s.withCustomer() {
			for _, row := range rows {
				if _, err := move(context.Background(), row.who, row.cmd); refusal(err) != row.want {
					t.Errorf("%s, %s: %v, want %s", verb, row.name, err, row.want)
				}
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		// They leave the key free, too.
		for verb, move := range s.withCustomer() {
			good.IdempotencyKey = "k" + verb
			if _, err := move(context.Background(), distributor, good); err != nil {
				t.Errorf("%s after the refusals: %v", verb, err)
			}
		}
		s.sound()
	})
}

func TestMovesWithAResellerAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, partner := range []models.ID{s.distributor, s.reseller, s.stranger} {
			s.give(models.OwnerPartner, partner, models.AccountBalance, "CNY", 100_000, 0)
		}
		another := s.partner(models.Distributor)
		s.give(models.OwnerPartner, another, models.AccountBalance, "CNY", 100_000, 0)
		move := func(reseller models.ID, worth, key string) funds.ResellerMove {
			return funds.ResellerMove{ResellerID: reseller, Amount: amount(worth), IdempotencyKey: key}
		}
		distributor := s.as(s.distributor)
		narrow := distributor
		narrow.Permissions = nil
		foreign := models.Principal{Kind: models.PartnerMember, PartnerID: another, PartnerKind: models.Distributor, Permissions: distributor.Permissions}
		rows := []struct {
			name string
			who  models.Principal
			cmd  funds.ResellerMove
			want string
		}{
			{"nobody", models.Principal{}, move(s.reseller, "1", "k"), "UNAUTHENTICATED"},
			{"without the permission", narrow, move(s.reseller, "1", "k"), "FORBIDDEN"},
			{"an operator", models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}, move(s.reseller, "1", "k"), "FORBIDDEN"},
			{"the reseller", s.as(s.reseller), move(s.reseller, "1", "k"), "FORBIDDEN"},
			{"a solution provider", s.as(s.stranger), move(s.reseller, "1", "k"), "FORBIDDEN"},
			{"another distributor", foreign, move(s.reseller, "1", "k"), "NOT_FOUND"},
			{"itself", distributor, move(s.distributor, "1", "k"), "NOT_FOUND"},
			{"a stranger", distributor, move(s.stranger, "1", "k"), "NOT_FOUND"},
			{"a customer's id", distributor, move(s.resale, "1", "k"), "INVALID resellerId"},
			{"zero", distributor, move(s.reseller, "0", "k"), "INVALID amount"},
			{"negative", distributor, move(s.reseller, "-0.01", "k"), "INVALID amount"},
			{"three digits", distributor, move(s.reseller, "0.001", "k"), "INVALID amount"},
			{"a huge exponent", distributor, move(s.reseller, "1e50000000", "k"), "INVALID amount"},
			{"no key", distributor, move(s.reseller, "1", ""), "INVALID idempotencyKey"},
			{"a fen too much", distributor, move(s.reseller, "1000.01", "k"), "INSUFFICIENT_BALANCE"},
		}
		before := s.everything()
		for verb, do := range s.withReseller() {
			for _, row := range rows {
				if _, err := do(context.Background(), row.who, row.cmd); refusal(err) != row.want {
					t.Errorf("%s, %s: %v, want %s", verb, row.name, err, row.want)
				}
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		for verb, do := range s.withReseller() {
			if _, err := do(context.Background(), distributor, move(s.reseller, "1000", "k"+verb)); err != nil {
				t.Errorf("%s of everything: %v", verb, err)
			}
			// and back, for the other verb
			for other, undo := range s.withReseller() {
				if other != verb {
					_, err := undo(context.Background(), distributor, move(s.reseller, "1000", "undo"+verb))
					s.want(err, "")
				}
			}
		}
		s.sound()
	})
}

func TestHeldEarmarkedAndCreditMoneyStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := context.Background()
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 100)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1000, 100)
		for _, owner := range []models.ID{s.distributor, s.resale} { // 300 earmarked and a credit line of 5000
			_, err := db.NewUpdate().Table("accounts").Set("earmarked_minor = 300, floor_minor = -5000").Where("owner_id = ?", owner).Exec(ctx)
			s.want(err, "")
		}
		owners := map[string]models.ID{"fund": s.distributor, "reclaim": s.resale}
		for verb, move := range s.withCustomer() {
			_, err := move(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("6.01"), IdempotencyKey: verb})
			var short *models.Error
			if !errors.As(err, &short) {
				t.Fatalf("%s: %v", verb, err)
			}
			want := &models.Error{Code: models.CodeInsufficientBalance, Message: "The balance does not suffice.", Details: map[string]any{
				"available": "6.00", "required": "6.01", "currency": "CNY", "ownerId": string(owners[verb]),
			}}
			if diff := cmp.Diff(want, short); diff != "" {
				t.Errorf("%s (-want +got):\n%s", verb, diff)
			}
			// What is left can be moved, and moved back before the other verb's turn.
			_, err = move(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("6.00"), IdempotencyKey: verb})
			s.want(err, "")
			for other, undo := range s.withCustomer() {
				if other != verb {
					_, err := undo(ctx, s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("6"), IdempotencyKey: "undo" + verb})
					s.want(err, "")
				}
			}
		}
		// Far over the line the ledger itself refuses, and its answer names the owner as well: the reseller that was acted for.
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 700, 0)
		_, err := s.FundCustomer(ctx, s.as(s.distributor), funds.CustomerMove{
			CustomerID: s.resellers, Amount: amount("9"), IdempotencyKey: "acting", ActingForPartnerID: &s.reseller,
		})
		want := map[string]any{"available": "7.00", "required": "9.00", "currency": "CNY", "ownerId": string(s.reseller)}
		var short *models.Error
		if !errors.As(err, &short) || !cmp.Equal(want, short.Details) {
			t.Errorf("acting for a reseller: %v %v", err, short.Details)
		}
		s.sound()
	})
}

func TestAKeyMovesOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 10_000, 0)
		cmd := funds.CustomerMove{CustomerID: s.resale, Amount: amount("10"), IdempotencyKey: "once"}
		first, err := s.FundCustomer(ctx, who, cmd)
		s.want(err, "")
		answers := atOnce(20, func(int) funds.Moved {
			again := cmd
			again.Amount = amount("10.00") // the same amount, written otherwise
			got, err := s.FundCustomer(ctx, who, again)
			s.want(err, "")
			return got
		})
		for _, got := range answers {
			if diff := cmp.Diff(first, got); diff != "" {
				t.Fatalf("a repeated key answers otherwise (-first +again):\n%s", diff)
			}
		}
		other := cmd
		other.Amount = amount("10.01")
		elsewhere := cmd
		elsewhere.CustomerID = s.empty
		acting := cmd
		acting.ActingForPartnerID = &s.reseller
		for name, used := range map[string]funds.CustomerMove{"another amount": other, "another customer": elsewhere, "for a reseller": acting} {
			_, err := s.FundCustomer(ctx, who, used)
			if refusal(err) != "CONFLICT" {
				t.Errorf("%s under a used key: %v", name, err)
			}
		}
		if _, err := s.ReclaimFromCustomer(ctx, who, cmd); refusal(err) != "CONFLICT" {
			t.Errorf("another operation under a used key: %v", err)
		}
		if _, err := s.FundReseller(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("10"), IdempotencyKey: "once"}); refusal(err) != "CONFLICT" {
			t.Errorf("another operation under a used key: %v", err)
		}
		// Keys belong to an organisation: the reseller's own "once" is another.
		_, err = s.FundCustomer(ctx, s.as(s.reseller), funds.CustomerMove{CustomerID: s.resellers, Amount: amount("1"), IdempotencyKey: "once"})
		s.want(err, "")
		if got := s.cash(s.distributor); got != 9_000 {
			t.Errorf("the distributor has %d, want 9000", got)
		}
		s.sound()
	})
}

// R6 for the moves: 100 in the account, 64 clients that together ask for 640.
func TestConcurrentMovesNeverOverdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, verb := range []string{"fundCustomer", "fundCustomer for a reseller", "reclaimFromCustomer", "fundReseller", "reclaimFromReseller"} {
			s := newShop(t, db)
			ctx, who := context.Background(), s.as(s.distributor)
			source, kind := s.distributor, models.OwnerPartner
			var move func(key string) error
			toCustomer := func(do func(context.Context, models.Principal, funds.CustomerMove) (funds.Moved, error), cmd funds.CustomerMove) func(string) error {
				return func(key string) error {
					cmd := cmd
					cmd.Amount, cmd.IdempotencyKey = amount("0.01"), key
					_, err := do(ctx, who, cmd)
					return err
				}
			}
			toReseller := func(do func(context.Context, models.Principal, funds.ResellerMove) (funds.Moved, error)) func(string) error {
				return func(key string) error {
					_, err := do(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("0.01"), IdempotencyKey: key})
					return err
				}
			}
			switch verb {
			case "fundCustomer":
				move = toCustomer(s.FundCustomer, funds.CustomerMove{CustomerID: s.resale})
			case "fundCustomer for a reseller":
				source, move = s.reseller, toCustomer(s.FundCustomer, funds.CustomerMove{CustomerID: s.resellers, ActingForPartnerID: &s.reseller})
			case "reclaimFromCustomer":
				source, kind, move = s.resale, models.OwnerCustomer, toCustomer(s.ReclaimFromCustomer, funds.CustomerMove{CustomerID: s.resale})
			case "fundReseller":
				move = toReseller(s.FundReseller)
			case "reclaimFromReseller":
				source, move = s.reseller, toReseller(s.ReclaimFromReseller)
			}
			s.give(kind, source, models.AccountBalance, "CNY", 100, 0)
			counts := map[string]int{}
			for _, codes := range atOnce(64, func(client int) (codes []string) {
				for i := range 10 {
					codes = append(codes, refusal(move(fmt.Sprintf("%d-%d", client, i))))
				}
				return codes
			}) {
				for _, code := range codes {
					counts[code]++
				}
			}
			if diff := cmp.Diff(map[string]int{"": 100, "INSUFFICIENT_BALANCE": 540}, counts); diff != "" {
				t.Errorf("%s (-want +got):\n%s", verb, diff)
			}
			var lowest int64
			s.want(db.NewSelect().Model((*models.Entry)(nil)).ColumnExpr("MIN(e.balance_after_minor)").
				Join("JOIN accounts AS acc ON acc.id = e.account_id").Where("acc.owner_id = ?", source).Scan(ctx, &lowest), "")
			if now := s.cash(source); now != 0 || lowest != 0 {
				t.Errorf("%s: the balance is %d and was %d at its lowest", verb, now, lowest)
			}
			s.sound()
		}
	})
}

// Opposite moves between the same two lock the same accounts; the order of their ids keeps them from waiting in a circle.
func TestOppositeFirstMovesDoNotCollide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1_000, 0)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1_000, 0)
		for _, code := range atOnce(32, func(client int) string {
			cmd := funds.CustomerMove{CustomerID: s.resale, Amount: amount("0.10"), IdempotencyKey: fmt.Sprint(client)}
			if client%2 == 0 {
				_, err := s.FundCustomer(context.Background(), s.as(s.distributor), cmd)
				return refusal(err)
			}
			_, err := s.ReclaimFromCustomer(context.Background(), s.as(s.distributor), cmd)
			return refusal(err)
		}) {
			if code != "" {
				t.Errorf("one of the moves: %s", code)
			}
		}
		if a, b := s.cash(s.distributor), s.cash(s.resale); a != 1_000 || b != 1_000 {
			t.Errorf("%d and %d are left", a, b)
		}
		s.sound()
	})
}

// TestAMoveDoesNotCrossAnAssociationThatEnds: whoever ends it changes the customer's row and then opens and locks its account.
func TestAMoveDoesNotCrossAnAssociationThatEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1_000, 0)
		moved := make(chan error, 1)
		err := db.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewUpdate().Table("customers").Set("partner_id = NULL, mode = NULL").Where("id = ?", s.resale).Exec(ctx); err != nil {
				return err
			}
			floor := int64(0)
			account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
				OwnerKind: models.OwnerCustomer, OwnerID: string(s.resale), Kind: models.AccountBalance, Asset: "CNY", Floor: &floor,
			})
			if err != nil {
				return err
			}
			if _, err := s.Ledger.Lock(ctx, tx, account.ID); err != nil {
				return err
			}
			go func() {
				_, err := s.FundCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{
					CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: "late",
				})
				moved <- err
			}()
			select {
			case err := <-moved:
				t.Errorf("the move did not wait for the end of the association: %v", err)
				moved <- err
			case <-time.After(100 * time.Millisecond):
			}
			return nil
		})
		s.want(err, "")
		if err := <-moved; refusal(err) != "NOT_FOUND" {
			t.Errorf("after the end: %v", err)
		}
		if got := s.cash(s.resale); got != 0 {
			t.Errorf("the customer has %d", got)
		}
		s.sound()
	})
}

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }
