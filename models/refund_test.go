package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

func TestWhatIsLeftToRefund(t *testing.T) {
	t.Parallel()
	paidAt := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	paid := models.Order{TotalMinor: 100, Currency: models.CNY, Status: models.OrderCompleted, PaidAt: &paidAt, TransferID: "trf_1"}
	with := func(change func(*models.Order)) models.Order {
		order := paid
		change(&order)
		return order
	}
	disk := models.OrderItem{ID: "itm_disk", AmountMinor: 40}
	for name, row := range map[string]struct {
		order       models.Order
		refunds     []models.OrderRefund
		whole, line int64
		refused     string
	}{
		"nothing paid back yet":           {paid, nil, 100, 40, ""},
		"part of the order":               {paid, []models.OrderRefund{{AmountMinor: 30}}, 70, 40, ""},
		"so much that the line is short":  {paid, []models.OrderRefund{{AmountMinor: 75}}, 25, 25, ""},
		"part of the line":                {paid, []models.OrderRefund{{AmountMinor: 30, ItemID: "itm_disk"}}, 70, 10, ""},
		"another line":                    {paid, []models.OrderRefund{{AmountMinor: 30, ItemID: "itm_vm"}}, 70, 40, ""},
		"the whole line":                  {paid, []models.OrderRefund{{AmountMinor: 40, ItemID: "itm_disk"}}, 60, 0, ""},
		"all":                             {paid, []models.OrderRefund{{AmountMinor: 100}}, 0, 0, "NOTHING_TO_REFUND"},
		"all, and taken back":             {paid, []models.OrderRefund{{AmountMinor: 100, ReversalID: "trf_2"}}, 100, 40, ""},
		"the line, and taken back":        {paid, []models.OrderRefund{{AmountMinor: 40, ItemID: "itm_disk", ReversalID: "trf_2"}}, 100, 40, ""},
		"not paid":                        {with(func(o *models.Order) { o.PaidAt, o.TransferID, o.Status = nil, "", models.OrderPendingPayment }), nil, 0, 0, "ORDER_NOT_PAID"},
		"cancelled":                       {with(func(o *models.Order) { o.PaidAt, o.TransferID, o.Status = nil, "", models.OrderCancelled }), nil, 0, 0, "ORDER_CANCELLED"},
		"paid before the ledger began":    {with(func(o *models.Order) { o.TransferID = "" }), nil, 0, 0, "PAYMENT_NOT_IN_LEDGER"},
		"free":                            {with(func(o *models.Order) { o.TransferID, o.TotalMinor = "", 0 }), nil, 0, 0, "NOTHING_TO_REFUND"},
		"still being provisioned":         {with(func(o *models.Order) { o.Status = models.OrderProcessing }), nil, 100, 40, ""},
		"more refunds than an order has":  {paid, make([]models.OrderRefund, models.MaxRefunds), 100, 40, "TOO_MANY_REFUNDS"},
		"one refund fewer than there may": {paid, make([]models.OrderRefund, models.MaxRefunds-1), 100, 40, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := []any{row.order.LeftToRefund(row.refunds).Minor, row.order.LeftOfItem(disk, row.refunds).Minor, reason(row.order.CheckRefundable(row.refunds))}
			if diff := cmp.Diff([]any{row.whole, row.line, row.refused}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefundGoesToWhoseMoneyItWas(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		paidBy models.ID
		now    models.Customer
		want   string
	}{
		"O09 advisory, still so":                     {"", models.Customer{PartnerID: "par_1", Mode: models.Advisory}, "CUSTOMER cus_1"},
		"O09 advisory, without a partner since":      {"", models.Customer{}, "CUSTOMER cus_1"},
		"O09 advisory, resale since":                 {"", models.Customer{PartnerID: "par_1", Mode: models.Resale}, "CUSTOMER cus_1"},
		"O09 resale, still so":                       {"par_1", models.Customer{PartnerID: "par_1", Mode: models.Resale}, "CUSTOMER cus_1"},
		"O09 resale, without a partner since":        {"par_1", models.Customer{}, "PARTNER par_1"},
		"O09 resale, another partner's since":        {"par_1", models.Customer{PartnerID: "par_2", Mode: models.Resale}, "PARTNER par_1"},
		"O09 resale, the partner's but advisory now": {"par_1", models.Customer{PartnerID: "par_1", Mode: models.Advisory}, "PARTNER par_1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destination, owner := models.Order{CustomerID: "cus_1", PartnerID: row.paidBy}.RefundTo(row.now)
			if got := fmt.Sprintf("%s %s", destination, owner); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// The shard of a customer must never change: its payments are there.
func TestRevenueOwnerStaysWhatItIs(t *testing.T) {
	t.Parallel()
	for customer, want := range map[models.ID]string{
		"cus_01h455vb4pex5vsknk084sn02q": "hwc/23",
		"cus_01h455vb4pex5vsknk084sn02r": "hwc/36",
		"":                               "hwc/05",
	} {
		if got := models.RevenueOwner("hwc", customer); got != want {
			t.Errorf("%q: %s, want %s", customer, got, want)
		}
	}
	ids, shards := models.RandomIDs(), map[string]int{}
	for range 6400 {
		shards[models.RevenueOwner("hwc", ids(models.PrefixCustomer))]++
	}
	if len(shards) != models.RevenueShards {
		t.Errorf("6400 customers use %d shards, want %d", len(shards), models.RevenueShards)
	}
	for shard, n := range shards {
		if n < 50 || n > 170 {
			t.Errorf("%d of 6400 customers are on %s, about 100 expected", n, shard)
		}
	}
}

func TestWhichTransfersAreReversible(t *testing.T) {
	t.Parallel()
	want := map[models.TransferKind]bool{
		models.TransferFund: true, models.TransferReclaim: true, models.TransferRecharge: true, models.TransferAdjust: true,
		models.TransferRefund: true, models.TransferPayment: false, models.TransferReversal: false, models.TransferRecall: false,
		models.TransferWithdrawal: false, "": false,
	}
	for kind, reversible := range want {
		if kind.Reversible() != reversible {
			t.Errorf("%s: %t, want %t", kind, kind.Reversible(), reversible)
		}
	}
}

func reason(err error) string {
	var e *models.Error
	if errors.As(err, &e) {
		return e.Reason()
	}
	return ""
}
