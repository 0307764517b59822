package catalog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// runs has a resource of a customer run, of which two thirds of a month are left that 228.00 were paid for.
func (s *shop) runs(customer models.Customer, change func(*models.Resource)) models.ID {
	r := models.Resource{
		ID: s.IDs(models.PrefixResource), CustomerID: customer.ID, Status: models.ResourceInUse, ChargingMode: models.ChargedByPeriod, ServiceType: ec2,
		ResourceType: vm, SpecCode: "s6.large.2.linux", Region: "cn-north-4",
	}
	if change != nil {
		change(&r)
	}
	s.running = append(s.running, catalog.Renewable{Resource: r})
	s.periods = []models.PaidPeriod{{
		From: s.at.AddDate(0, 0, -10), Until: s.at.AddDate(0, 0, 20), PeriodType: models.PeriodMonth, PeriodCount: 1, RestMinor: 15_200,
	}}
	return r.ID
}

func TestAChangeIsPricedForWhatIsLeft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: s.resale.ID, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: decimal.New(9, -1)})
		me, id := s.self(s.resale), s.runs(s.resale, nil)
		old := s.runs(s.resale, func(r *models.Resource) { r.SpecCode = "s1.gone" })
		disk := s.runs(s.resale, func(r *models.Resource) {
			r.ServiceType, r.ResourceType, r.SpecCode, r.SpecSize, r.SpecMeasure = ebs, volume, "SSD", "40", "17"
		})
		ask := func(cmd catalog.QuoteChange) models.Quote {
			t.Helper()
			quoted, err := s.Change(s.ctx, me, cmd)
			if err != nil || quoted.Quote == nil {
				t.Fatalf("%+v, %v", quoted.Problems, err)
			}
			return *quoted.Quote
		}
		figures := func(q models.Quote) []string {
			best := "-"
			if q.BestOffer() != nil {
				best = q.BestOffer().Amount.StringFixed(2)
			}
			return []string{q.Official.StringFixed(2), best, q.Refund().StringFixed(2)}
		}
		for name, row := range map[string]struct {
			cmd  catalog.QuoteChange
			want []string // list price, best offer, what goes back
		}{
			"dearer: two thirds of 228.00 more":         {catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux"}, []string{"152.00", "136.80", "0.00"}},
			"cheaper: 152.00 less two thirds of 71.10":  {catalog.QuoteChange{ResourceID: id, SpecCode: "s6.small.1.linux"}, []string{"0.00", "-", "104.60"}},
			"from what is not sold any more":            {catalog.QuoteChange{ResourceID: old, SpecCode: "s6.xlarge.2.linux"}, []string{"152.00", "121.60", "0.00"}},
			"another size of the same":                  {catalog.QuoteChange{ResourceID: disk, SpecCode: "SSD", Size: new(decimal.New(100, 0)), SizeMeasureID: new(17)}, nil},
			"something else of the size that it has is": {catalog.QuoteChange{ResourceID: disk, SpecCode: "SAS"}, nil},
		} {
			quote := ask(row.cmd)
			if diff := cmp.Diff(row.want, figures(quote)); row.want != nil && diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if row.want == nil && (quote.Lines[0].Change.BaseSize == nil || quote.Lines[0].Size == nil || quote.Official.IsZero() && quote.Refund().IsZero()) {
				t.Errorf("%s: %+v", name, quote.Lines[0])
			}
			again, err := s.Recompute(s.ctx, me, quote.ID)
			if diff := cmp.Diff(quote.Lines, again.Lines); err != nil || diff != "" {
				t.Errorf("%s, computed again: %v %s", name, err, diff)
			}
		}
		// It holds for an hour, whatever time passes meanwhile.
		quote := ask(catalog.QuoteChange{ResourceID: id, SpecCode: "s6.small.1.linux"})
		s.at = s.at.Add(time.Hour - time.Microsecond)
		if held, err := s.QuoteForOrderIn(s.ctx, db, me, quote.ID); err != nil || !slices.Equal(figures(held), figures(quote)) {
			t.Errorf("%v, %v", figures(held), err)
		}
		s.at = s.at.Add(time.Microsecond)
		if _, err := s.QuoteForOrderIn(s.ctx, db, me, quote.ID); models.ReasonOf(err) != "QUOTE_EXPIRED" {
			t.Error(err)
		}
	})
}

func TestWhatCannotBeChangedSaysWhy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		me, id := s.self(s.resale), s.runs(s.resale, nil)
		change := func(alter func(*models.Resource)) models.ID { return s.runs(s.resale, alter) }
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  catalog.QuoteChange
			want string
		}{
			"a sub-resource":          {me, catalog.QuoteChange{ResourceID: change(func(r *models.Resource) { r.ParentID = id }), SpecCode: "s6.xlarge.2.linux"}, "SUB_RESOURCE"},
			"frozen":                  {me, catalog.QuoteChange{ResourceID: change(func(r *models.Resource) { r.Status = models.ResourceFrozen }), SpecCode: "s6.xlarge.2.linux"}, "RESOURCE_FROZEN"},
			"by use":                  {me, catalog.QuoteChange{ResourceID: change(func(r *models.Resource) { r.ChargingMode = models.ChargedByUse }), SpecCode: "s6.xlarge.2.linux"}, "RESOURCE_PAY_PER_USE"},
			"what it is already":      {me, catalog.QuoteChange{ResourceID: id, SpecCode: "s6.large.2.linux"}, "INVALID"},
			"an empty specification":  {me, catalog.QuoteChange{ResourceID: id}, "INVALID"},
			"a size without measure":  {me, catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux", Size: new(decimal.New(1, 0))}, "INVALID"},
			"an order":                {me, catalog.QuoteChange{ResourceID: s.IDs(models.PrefixOrder), SpecCode: "s6.xlarge.2.linux"}, "INVALID"},
			"unknown":                 {me, catalog.QuoteChange{ResourceID: s.IDs(models.PrefixResource), SpecCode: "s6.xlarge.2.linux"}, "NOT_FOUND"},
			"somebody else's":         {s.self(s.other), catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux"}, "NOT_FOUND"},
			"nobody":                  {models.Principal{}, catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux"}, "UNAUTHENTICATED"},
			"an unknown product":      {me, catalog.QuoteChange{ResourceID: id, SpecCode: "s9.none"}, "PRODUCT_NOT_FOUND"},
			"a size of what has none": {me, catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux", Size: new(decimal.New(1, 0)), SizeMeasureID: new(17)}, "PRICE_NOT_FOUND"},
		} {
			quoted, err := s.Change(s.ctx, row.who, row.cmd)
			got := string(models.CodeOf(err))
			if reason := models.ReasonOf(err); reason != "" {
				got = reason
			}
			if err == nil && len(quoted.Problems) == 1 {
				got = quoted.Problems[0].Reason
			}
			if got != row.want || quoted.Quote != nil {
				t.Errorf("%s: %s %v, want %s", name, got, err, row.want)
			}
		}
		s.periods = nil
		if _, err := s.Change(s.ctx, me, catalog.QuoteChange{ResourceID: id, SpecCode: "s6.xlarge.2.linux"}); models.ReasonOf(err) != "RESOURCE_NOT_CHANGEABLE" {
			t.Errorf("without a period: %v", err)
		}
		if n, err := db.NewSelect().Table("quotes").Count(s.ctx); err != nil || n != 0 {
			t.Errorf("%d quotes were kept, %v", n, err)
		}
	})
}
