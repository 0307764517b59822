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

// M02: of a hundred, those that the caller may not read are left out without a word.
func TestBalancesAreLookedUpTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerCustomer, b.resale, models.AccountBalance, "CNY", 100, 0)
		partners := []models.ID{b.reseller, b.stranger, b.distributor, b.reseller}
		customers := []models.ID{b.other, b.advisory, b.resellers, b.resale, b.resale, b.IDs(models.PrefixCustomer)}
		for name, tt := range map[string]struct {
			who  models.Principal
			want []models.ID
		}{
			"the distributor":      {b.as(b.distributor), []models.ID{b.reseller, b.distributor, b.resellers, b.resale}},
			"the reseller":         {b.as(b.reseller), []models.ID{b.reseller, b.resellers}},
			"an advisory customer": {user(b.advisory), []models.ID{b.advisory}},
			"an operator":          {operator(), []models.ID{b.reseller, b.stranger, b.distributor, b.other, b.advisory, b.resellers, b.resale}},
		} {
			found, err := b.Balances(context.Background(), tt.who, funds.BalanceLookup{PartnerIDs: partners, CustomerIDs: customers})
			b.want(err, "")
			var got []models.ID
			for _, one := range found {
				got = append(got, one.OwnerID)
				if one.OwnerID == b.resale && one.Balance.Available != cny(100) {
					t.Errorf("%s reads %+v", name, one.Balance)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		ctx, counter := store.CountStatements(context.Background())
		_, err := b.Balances(ctx, operator(), funds.BalanceLookup{CustomerIDs: customers})
		if err != nil || counter.Count() > 2 {
			t.Errorf("%v, statements: %v, want two at most", err, counter.Statements())
		}
		many := make([]models.ID, 100)
		for i := range many {
			many[i] = b.resale
		}
		for name, tt := range map[string]struct {
			who     models.Principal
			lookup  funds.BalanceLookup
			refused string
		}{
			"a hundred":              {operator(), funds.BalanceLookup{CustomerIDs: many}, ""},
			"nothing":                {operator(), funds.BalanceLookup{}, ""},
			"a hundred and one":      {operator(), funds.BalanceLookup{PartnerIDs: partners[:1], CustomerIDs: many}, "INVALID customerIds"},
			"too many partners":      {operator(), funds.BalanceLookup{PartnerIDs: append(many, b.reseller)}, "INVALID partnerIds"},
			"a customer as partner":  {operator(), funds.BalanceLookup{PartnerIDs: customers}, "INVALID partnerIds"},
			"a partner as customer":  {operator(), funds.BalanceLookup{CustomerIDs: partners}, "INVALID customerIds"},
			"nobody":                 {models.Principal{}, funds.BalanceLookup{}, "UNAUTHENTICATED"},
			"without the permission": {models.Principal{Kind: models.PartnerKey, PartnerID: b.distributor}, funds.BalanceLookup{}, "FORBIDDEN"},
		} {
			_, err := b.Balances(context.Background(), tt.who, tt.lookup)
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
	})
}
