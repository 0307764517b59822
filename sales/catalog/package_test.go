package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// packed is small with servers by the hour and a package of them, which is sold in two regions.
func packed() string {
	return strings.NewReplacer(
		`"zones": [{"code": "cn-north-4a", "name": "AZ1"}]}]`, `"zones": [{"code": "cn-north-4a", "name": "AZ1"}]}, {"code": "cn-east-2", "name": "East"}]`,
		`"name": "VM"}]`, `"name": "VM"}, {"code": "hws.resource.type.pack", "serviceType": "hws.service.type.ec2", "name": "Hours"}]`,
		`"zones": ["cn-north-4a"]}]}]`, `"zones": ["cn-north-4a"]}, {"region": "cn-east-2"}]},
  {"code": "hours.10", "resourceType": "hws.resource.type.pack", "name": "Ten hours", "regions": [{"region": "cn-north-4"}, {"region": "cn-east-2"}], "package": [
    {"resourceType": "hws.resource.type.vm", "specs": ["s6.linux"], "usageType": "duration", "amount": "10.5", "measure": 4, "cycle": "MONTH", "basis": "CALENDAR"}]}]`,
		`"amount": "10.00"}`, `"amount": "10.00"},
    {"resourceType": "hws.resource.type.pack", "spec": "hours.10", "regions": ["cn-north-4", "cn-east-2"], "period": "MONTH", "currency": "CNY", "amount": "4.00"},
    {"resourceType": "hws.resource.type.vm", "spec": "s6.linux", "regions": ["cn-north-4", "cn-east-2"], "usageType": "duration", "usageMeasure": 17, "currency": "CNY", "amount": "0.50"}`,
	).Replace(small)
}

func TestABrokenPackageIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	item := `{"resourceType": "hws.resource.type.vm", "specs": ["s6.linux"], "usageType": "duration", "amount": "10.5", "measure": 4, "cycle": "MONTH", "basis": "CALENDAR"}`
	cases := map[string]struct{ old, new, where string }{
		"a resource type that is not": {`{"resourceType": "hws.resource.type.vm", "specs"`, `{"resourceType": "nowhere", "specs"`, "Line 8, specs[1].package[0].resourceType"},
		"a use that is not":           {`"usageType": "duration", "amount"`, `"usageType": "traffic", "amount"`, "package[0].usageType: the resource type has no such"},
		"a specification that is not": {`["s6.linux"], "usageType"`, `["s6.linux", "s9"], "usageType"`, "package[0].specs[1]: nothing of this is sold on demand"},
		"a region that is not":        {`"measure": 4, "cycle"`, `"measure": 4, "region": "cn-south-9", "cycle"`, "package[0].region: there is no such region"},
		"nothing in it":               {`"10.5"`, `"0"`, "package[0].amount: an item holds more"},
		"an amount that is none":      {`"10.5"`, `"ten"`, "package[0].amount: a decimal"},
		"a measure that is not":       {`"amount": "10.5", "measure": 4`, `"amount": "10.5", "measure": 5`, "package[0].measure: there is no such measure"},
		"a measure that never fits":   {`"conversions": [{"measure": 4, "refMeasure": 17, "ratio": "2"}]`, `"conversions": []`, "package[0].specs[0]: nothing of this is sold"},
		"a cycle that is not":         {`"cycle": "MONTH"`, `"cycle": "DECADE"`, "package[0].cycle: the cycle is HOUR"},
		"a cycle without a basis":     {`, "basis": "CALENDAR"`, ``, "package[0].basis: the cycle begins by"},
		"a basis without a cycle":     {`"cycle": "MONTH", `, ``, "package[0].basis: there is no cycle"},
		"a use twice":                 {item, item + ", " + item, "specs[1].package[1]: this use, which a package has one item for, is there twice"},
		"too many items":              {item, item + strings.Repeat(", "+item, 20), "specs[1].package: a package has at most 20 items"},
		"an unknown field":            {`"amount": "10.5"`, `"amounts": "10.5"`, "package[0].amounts: there is no such field"},
		"sold by size":                {`"period": "MONTH", "currency": "CNY", "amount": "4.00"`, `"period": "MONTH", "sizeMeasure": 17, "currency": "CNY", "amount": "4.00"`, "specs[1].package: a package is bought by the piece"},
		"paid for by use": {
			`"usageTypes": [`, `"usageTypes": [{"code": "duration", "resourceType": "hws.resource.type.pack", "name": "Time"}, `, "",
		},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		for name, c := range cases {
			broken := strings.Replace(packed(), c.old, c.new, 1)
			if name == "paid for by use" {
				broken = strings.Replace(broken, `"regions": ["cn-north-4", "cn-east-2"], "period": "MONTH"`, `"regions": ["cn-north-4", "cn-east-2"], "usageType": "duration", "usageMeasure": 4`, 1)
				c.where = "specs[1].package: a package is bought by the piece and for a period"
			}
			if broken == packed() {
				t.Fatalf("%s: the case changes nothing", name)
			}
			_, err := s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: broken})
			if models.CodeOf(err) != models.CodeInvalid || !strings.Contains(err.Error(), c.where) {
				t.Errorf("%s: got %v, want %q", name, err, c.where)
			}
		}
		s.load(packed())
	})
}

func TestAPackageHoldsWhatItsQuoteSaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		s.load(packed())
		north := models.ProductKey("hws.service.type.ec2", "hws.resource.type.pack", "cn-north-4", "hours.10")
		east := models.ProductKey("hws.service.type.ec2", "hws.resource.type.pack", "cn-east-2", "hours.10")
		server := models.ProductKey("hws.service.type.ec2", "hws.resource.type.vm", "cn-north-4", "s6.linux")
		quoted, err := s.Purchase(s.ctx, s.self(s.resale), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{{
			Product:    catalog.Product{ID: "1", ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.pack", SpecCode: "hours.10", Region: "cn-north-4"},
			PeriodType: models.PeriodMonth, PeriodCount: 2,
		}}})
		s.want(err, "")
		if quoted.Quote == nil || quoted.Quote.Official.String() != "8" {
			t.Fatalf("a package of two months: %+v, %+v", quoted.Quote, quoted.Problems)
		}
		quotedAt := s.at
		s.at = s.at.Add(1e9)
		s.load(strings.NewReplacer(`"version": "v1"`, `"version": "v2"`, `"10.5"`, `"20"`).Replace(packed()))
		content := func(amount string, region string) []models.PackageContent {
			return []models.PackageContent{{
				ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCodes: []string{"s6.linux"}, Region: region, UsageType: "duration",
				Amount: decimal.RequireFromString(amount), MeasureID: 4, Cycle: models.ResetMonthly, Basis: models.ResetByCalendar,
			}}
		}
		for what, c := range map[string]struct {
			quote models.ID
			want  map[string][]models.PackageContent
		}{
			"of a quote":                     {quoted.Quote.ID, map[string][]models.PackageContent{north: content("10.5", "cn-north-4"), east: content("10.5", "cn-east-2")}},
			"of an order without one, later": {"", map[string][]models.PackageContent{north: content("20", "cn-north-4"), east: content("20", "cn-east-2")}},
		} {
			got, err := s.PackagesIn(s.ctx, db, "hws", c.quote, s.at, []string{north, east, server})
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", what, err, diff)
			}
		}
		if before, err := s.PackagesIn(s.ctx, db, "hws", "", quotedAt, []string{north}); err != nil || before[north][0].Amount.String() != "10.5" {
			t.Errorf("at the moment of the quote: %v, %v", before, err)
		}
	})
}

func TestAPackageStaysWhatItWasBoughtAs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		me := s.self(s.resale)
		for from, to := range map[string]string{"hours.750": "hours.1500", "hours.gone": "hours.750"} {
			id := s.runs(s.resale, func(r *models.Resource) { r.ResourceType, r.SpecCode = "hws.resource.type.package.vm", from })
			if quoted, err := s.Change(s.ctx, me, catalog.QuoteChange{ResourceID: id, SpecCode: to}); models.ReasonOf(err) != "RESOURCE_NOT_CHANGEABLE" || quoted.Quote != nil {
				t.Errorf("from %s to %s: %+v, %v", from, to, quoted, err)
			}
		}
		server := s.runs(s.resale, nil)
		if quoted, err := s.Change(s.ctx, me, catalog.QuoteChange{ResourceID: server, SpecCode: "s6.xlarge.2.linux"}); err != nil || quoted.Quote == nil {
			t.Errorf("a server changes: %+v, %v", quoted, err)
		}
	})
}
