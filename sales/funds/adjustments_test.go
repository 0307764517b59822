package funds_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestAdjustmentRecords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		ledgerOfOne(b)
		distributor := b.as(b.distributor)
		all := []string{"RECLAIM 2.50 CNY reseller", "FUND 20.00 CNY reseller", "RECALL 1.00 CNY resale", "RECLAIM 5.00 CNY resale", "FUND 30.00 CNY resale"}
		for name, tt := range map[string]struct {
			who  models.Principal
			q    funds.AdjustmentQuery
			want []string
		}{
			"the distributor's own":                   {distributor, funds.AdjustmentQuery{}, all},
			"the distributor's, by an operator":       {operator(), funds.AdjustmentQuery{PartnerID: &b.distributor}, all},
			"with a customer":                         {distributor, funds.AdjustmentQuery{CustomerID: &b.resale}, all[2:]},
			"with a reseller (M05)":                   {distributor, funds.AdjustmentQuery{ResellerID: &b.reseller}, all[:2]},
			"with a customer of another's":            {distributor, funds.AdjustmentQuery{CustomerID: &b.other}, nil},
			"of one type":                             {distributor, funds.AdjustmentQuery{OperationTypes: []models.TransferKind{models.TransferRecall}}, all[2:3]},
			"of no type":                              {distributor, funds.AdjustmentQuery{OperationTypes: []models.TransferKind{}}, nil},
			"of a type that is no adjustment":         {distributor, funds.AdjustmentQuery{OperationTypes: []models.TransferKind{models.TransferWithdrawal}}, nil},
			"of a time":                               {distributor, funds.AdjustmentQuery{From: ptr(noon.AddDate(0, 0, -10)), To: ptr(noon.AddDate(0, 0, -9))}, all[4:]},
			"the reseller's own, from above: no":      {b.as(b.reseller), funds.AdjustmentQuery{}, nil},
			"a distributor acting for it (M07)":       {distributor, funds.AdjustmentQuery{PartnerID: &b.reseller}, nil},
			"a stranger asking for it":                {b.as(b.stranger), funds.AdjustmentQuery{PartnerID: &b.distributor}, nil},
			"a reseller asking for its distributor's": {b.as(b.reseller), funds.AdjustmentQuery{PartnerID: &b.distributor}, nil},
			"a customer":                              {user(b.resale), funds.AdjustmentQuery{}, nil},
		} {
			page, err := b.AdjustmentRecords(context.Background(), tt.who, tt.q, models.PageArgs{WantTotal: true})
			b.want(err, "")
			var got []string
			for _, record := range page.Nodes() {
				got = append(got, b.tell(record))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || page.TotalCount == nil || *page.TotalCount != len(tt.want) {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		first, err := b.AdjustmentRecords(context.Background(), distributor, funds.AdjustmentQuery{}, models.PageArgs{First: ptr(2)})
		b.want(err, "")
		rest, err := b.AdjustmentRecords(context.Background(), distributor, funds.AdjustmentQuery{}, models.PageArgs{After: first.PageInfo.EndCursor})
		b.want(err, "")
		if len(first.Edges) != 2 || len(rest.Edges) != 3 || b.tell(rest.Edges[0].Node) != all[2] || *rest.Edges[0].Node.Memo != "end" {
			t.Errorf("page by page: %v, %v", first.Nodes(), rest.Nodes())
		}
	})
}

// tell is "FUND 1.00 CNY resale".
func (b *books) tell(record models.AdjustmentRecord) string {
	text := string(record.OperationType) + " " + record.Amount.String()
	if record.Customer != nil && record.Customer.ID == b.resale && record.Reseller == nil {
		text += " resale"
	}
	if record.Reseller != nil && record.Reseller.ID == b.reseller && record.Customer == nil {
		text += " reseller"
	}
	return text
}

// A distributor that acts for its reseller reads what the reseller did.
func TestAdjustmentRecordsOfAReseller(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerPartner, b.reseller, models.AccountBalance, "CNY", 1000, 0)
		_, err := b.FundCustomer(context.Background(), b.as(b.distributor), funds.CustomerMove{
			CustomerID: b.resellers, Amount: amount("4"), IdempotencyKey: "1", ActingForPartnerID: &b.reseller,
		})
		b.want(err, "")
		for name, tt := range map[string]struct {
			who  models.Principal
			q    funds.AdjustmentQuery
			want int
		}{
			"the reseller":               {b.as(b.reseller), funds.AdjustmentQuery{}, 1},
			"the distributor for it":     {b.as(b.distributor), funds.AdjustmentQuery{PartnerID: &b.reseller}, 1},
			"the distributor for itself": {b.as(b.distributor), funds.AdjustmentQuery{}, 0},
			"another":                    {b.as(b.stranger), funds.AdjustmentQuery{PartnerID: &b.reseller}, 0},
		} {
			page, err := b.AdjustmentRecords(context.Background(), tt.who, tt.q, models.PageArgs{})
			if err != nil || len(page.Edges) != tt.want {
				t.Errorf("%s: %v, %v, want %d", name, err, page.Nodes(), tt.want)
			}
		}
		for name, tt := range map[string]struct {
			who     models.Principal
			q       funds.AdjustmentQuery
			refused string
		}{
			"nobody":                          {models.Principal{}, funds.AdjustmentQuery{}, "UNAUTHENTICATED"},
			"without the permission":          {models.Principal{Kind: models.PartnerKey, PartnerID: b.distributor}, funds.AdjustmentQuery{}, "FORBIDDEN"},
			"an operator that says not whose": {operator(), funds.AdjustmentQuery{}, "INVALID partnerId"},
			"a partner that is none":          {operator(), funds.AdjustmentQuery{PartnerID: &b.resale}, "INVALID partnerId"},
			"a customer that is none":         {b.as(b.distributor), funds.AdjustmentQuery{CustomerID: &b.reseller}, "INVALID customerId"},
			"a reseller that is none":         {b.as(b.distributor), funds.AdjustmentQuery{ResellerID: &b.resale}, "INVALID resellerId"},
			"from after to":                   {b.as(b.distributor), funds.AdjustmentQuery{From: ptr(noon), To: ptr(noon)}, "INVALID from"},
		} {
			_, err := b.AdjustmentRecords(context.Background(), tt.who, tt.q, models.PageArgs{})
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
	})
}
