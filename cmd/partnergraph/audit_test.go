package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

var brokenLine = regexp.MustCompile(`(?m)^(I\d+) +BROKEN +[1-9]`)

func TestAuditNamesTheInvariantThatIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		want   []string
	}{
		"a sound ledger":       {"", nil},
		"a balance":            {"UPDATE accounts SET balance_minor = balance_minor + 1 WHERE floor_minor IS NOT NULL", []string{"I2"}},
		"an amount":            {"UPDATE entries SET amount_minor = amount_minor + 1 WHERE amount_minor > 0", []string{"I1", "I1", "I2", "I2"}},
		"a version":            {"UPDATE entries SET version = 2 WHERE amount_minor > 0", []string{"I2", "I3"}},
		"a floor raised later": {"UPDATE entries SET balance_after_minor = -1 WHERE amount_minor > 0", []string{"I2", "I2", "I4"}},
		"the floor of then":    {"INSERT INTO account_floors SELECT id, 1, balance_minor + 1 FROM accounts WHERE floor_minor IS NOT NULL", []string{"I4"}},
		"held without a hold":  {"UPDATE accounts SET held_minor = 1 WHERE floor_minor IS NOT NULL", []string{"I4"}},
		"a key without answer": {"INSERT INTO idempotency_keys VALUES ('s', 'k', 'o', ?0, ?0, '2026-11-21 00:00:00')", []string{"I5"}},
		"a month of no lines": {"INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor) " +
			"VALUES ('ptr_1', '2026-11', 'cus_1', '', 'RESALE', 'ecs', 'CNY', 1, 2, 2)", []string{"I8", "I8"}},
		"a total of no month":    {"INSERT INTO bill_totals VALUES ('ptr_1', '2026-11', 'RESALE', 'ecs', 'CNY', 0, 1, 0, 2, 2, 0, 0, 0, 0)", []string{"I10"}},
		"a month of no account":  {"INSERT INTO monthly_settlements VALUES ('mst_1', 'cus_1', 'CNY', '2026-11', 2, 0, 0, 2, '2026-11-30 16:00:00', NULL, '2026-11-21 00:00:00', '2026-11-21 00:00:00')", []string{"I11", "I11"}},
		"a refund of no payment": {"UPDATE transfers SET kind = 'ORDER_REFUND', order_id = 'ord_1'", []string{"I7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := t.Context()
				recharge(ctx, t, db)
				if c.damage != "" {
					if _, err := db.NewRaw(c.damage, []byte{}).Exec(ctx); err != nil {
						t.Fatal(err)
					}
				}
				var out bytes.Buffer
				err := audit(ctx, &out, db)
				if (err != nil) != (c.want != nil) {
					t.Errorf("the audit ended with %v", err)
				}
				var broken []string
				for _, found := range brokenLine.FindAllStringSubmatch(out.String(), -1) {
					broken = append(broken, found[1])
				}
				if diff := cmp.Diff(c.want, broken); diff != "" {
					t.Errorf("broken (-want +got):\n%s\n%s", diff, out.String())
				}
				if !strings.HasPrefix(out.String(), "2 accounts, 1 transfers, 2 entries") || strings.Count(out.String(), "\n") != 25 {
					t.Errorf("printed:\n%s", out.String())
				}
			})
		})
	}
}

func TestAuditNamesEntriesThatAreOlderThanTheOnesBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		recharge(ctx, t, db)
		recharge(ctx, t, db)
		if _, err := db.ExecContext(ctx, "UPDATE entries SET created_at = '2000-01-01 00:00:00+00:00' WHERE version = 2"); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := audit(ctx, &out, db)
		if broken := brokenLine.FindAllStringSubmatch(out.String(), -1); err == nil || len(broken) != 1 || !strings.Contains(out.String(), "I3  BROKEN       2 breaches") {
			t.Errorf("%v:\n%s", err, out.String())
		}
	})
}

func TestAuditNamesABrokenQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		want   []string
	}{
		"sound":                    {"", nil},
		"a quota's value":          {"UPDATE coupon_quotas SET value_minor = value_minor + 1", []string{"I6"}},
		"a quota's balance":        {"UPDATE coupon_quotas SET balance_minor = balance_minor - 1", []string{"I6"}},
		"a coupon's face":          {"UPDATE coupons SET face_minor = face_minor + 1", []string{"I6", "I6"}},
		"a coupon's balance":       {"UPDATE coupons SET balance_minor = balance_minor - 1", []string{"I6"}},
		"a coupon that is gone":    {"UPDATE coupons SET quota_id = (SELECT id FROM coupon_quotas WHERE parent_id IS NULL), root_id = 'CNY'", []string{"I6"}},
		"another coupon's account": {"UPDATE accounts SET owner_id = 'cpn_1' WHERE kind = 'COUPON'", []string{"I6"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := t.Context()
				issueCoupon(ctx, t, db)
				if c.damage != "" {
					if _, err := db.NewRaw(c.damage).Exec(ctx); err != nil {
						t.Fatal(err)
					}
				}
				var out bytes.Buffer
				err := audit(ctx, &out, db)
				var broken []string
				for _, found := range brokenLine.FindAllStringSubmatch(out.String(), -1) {
					broken = append(broken, found[1])
				}
				if diff := cmp.Diff(c.want, broken); diff != "" || (err != nil) != (c.want != nil) {
					t.Errorf("broken (-want +got), %v:\n%s\n%s", err, diff, out.String())
				}
			})
		})
	}
}

// issueCoupon issues a coupon of 4.00 from a quota of 10.00.
func issueCoupon(ctx context.Context, t *testing.T, db *store.DB) {
	t.Helper()
	now, ids := time.Now(), models.RandomIDs()
	partner := models.Partner{
		ID: ids(models.PrefixPartner), Cloud: "sim", Kind: models.SolutionProvider, Name: "P", Level: models.LevelCore, State: models.PartnerActive,
		Country: "CN", SigningEntity: "C", Currency: models.CNY, CreatedAt: now, UpdatedAt: now,
	}
	customer := models.Customer{
		ID: ids(models.PrefixCustomer), Cloud: "sim", Name: "c", Kind: models.Enterprise, VerifiedStatus: models.NotVerified, Frozen: models.NotFrozen,
		Currency: models.CNY, PartnerID: partner.ID, Mode: models.Resale, CreatedAt: now, UpdatedAt: now,
	}
	for _, row := range []any{&partner, &customer} {
		if _, err := db.NewInsert().Model(row).Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	room := &coupons.Service{
		DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}, Ledger: &ledger.Service{DB: db, Now: time.Now, IDs: ids},
	}
	granted, err := room.GrantQuota(ctx, models.SystemPrincipal("test"), coupons.GrantCouponQuota{
		PartnerID: partner.ID, Type: models.CouponCash, Value: decimal.New(10, 0), ExpiresAt: now.Add(time.Hour), IdempotencyKey: "grant",
	})
	if err != nil {
		t.Fatal(err)
	}
	who := models.Principal{
		Kind: models.PartnerKey, PartnerID: partner.ID, PartnerKind: partner.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, partner.Kind),
	}
	issued, err := room.Issue(ctx, who, coupons.IssueCoupons{
		QuotaID: granted.CouponQuota.ID, CustomerIDs: []models.ID{customer.ID}, FaceValue: decimal.New(4, 0), IdempotencyKey: "issue",
	})
	if err != nil || issued.Results[0].Error != nil {
		t.Fatal(err, issued.Results)
	}
}

// The command line leads to the audit, whose error is what ends the process with 1.
func TestAuditFromTheCommandLine(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"audit", "--database-url", "sqlite://" + t.TempDir() + "/empty.db"}); err == nil {
		t.Error("a database without a ledger passed the audit")
	}
}

// recharge moves 100 from the outside to a customer.
func recharge(ctx context.Context, t *testing.T, db *store.DB) {
	t.Helper()
	s := &ledger.Service{DB: db, Now: time.Now, IDs: models.RandomIDs()}
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		world, err := s.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"})
		if err != nil {
			return err
		}
		cash, err := s.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: models.OwnerCustomer, OwnerID: "cus_1", Kind: models.AccountBalance, Asset: "CNY", Floor: new(int64),
		})
		if err != nil {
			return err
		}
		_, _, err = s.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferRecharge, Legs: []ledger.Leg{{AccountID: world.ID, AmountMinor: -100}, {AccountID: cash.ID, AmountMinor: 100}},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
