package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// small is a catalogue of one product, one entry a line.
const small = `{
  "schema": 1, "cloud": "hws", "version": "v1",
  "regions": [{"code": "cn-north-4", "name": "North", "zones": [{"code": "cn-north-4a", "name": "AZ1"}]}],
  "serviceTypes": [{"code": "hws.service.type.ec2", "name": "Server"}],
  "resourceTypes": [{"code": "hws.resource.type.vm", "serviceType": "hws.service.type.ec2", "name": "VM"}],
  "specs": [{"code": "s6.linux", "resourceType": "hws.resource.type.vm", "name": "s6", "regions": [{"region": "cn-north-4", "zones": ["cn-north-4a"]}]}],
  "usageTypes": [{"code": "duration", "resourceType": "hws.resource.type.vm", "name": "Time"}],
  "measures": [{"id": 4, "name": "Hour", "type": 2}, {"id": 17, "name": "GB", "type": 7}],
  "conversions": [{"measure": 4, "refMeasure": 17, "ratio": "2"}],
  "prices": [
    {"resourceType": "hws.resource.type.vm", "spec": "s6.linux", "regions": ["cn-north-4"], "period": "MONTH", "currency": "CNY", "amount": "10.00"}
  ],
  "policies": [{"serviceType": "hws.service.type.ec2", "month": "2026-11", "incentive": 13, "allowDiscount": true}]
}`

func TestABrokenCatalogueIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	price := `"period": "MONTH", "currency": "CNY", "amount": "10.00"`
	cases := map[string]struct{ old, new, where string }{
		"no JSON":                    {`{` + "\n", "[\n", "Line 1, (the whole)"},
		"ends early":                 {`}]` + "\n}", "", "Line 13"},
		"something after":            {`true}]` + "\n}", `true}]` + "\n} {}", "(the whole): there is something after"},
		"unknown field":              {`"type": 2}`, `"type": 2, "colour": 1}`, "Line 8, measures[0].colour: there is no such field"},
		"unknown field at the top":   {`"schema": 1,`, `"schema": 1, "extra": {},`, "Line 2, extra"},
		"a field twice":              {`"name": "s6",`, `"name": "s6", "name": "s7",`, "specs[0].name: the field is there twice"},
		"a number for a text":        {`"amount": "10.00"`, `"amount": 10.00`, "Line 11, prices[0].amount: a string is wanted"},
		"a text for a number":        {`"id": 17`, `"id": "17"`, "measures[1].id: a whole number"},
		"a fraction for a number":    {`"id": 17`, `"id": 17.5`, "measures[1].id: a whole number"},
		"a text for a truth":         {`true}`, `"yes"}`, "policies[0].allowDiscount: true or false"},
		"a list for an object":       {`[{"id": 4,`, `[[], {"id": 4,`, "measures[0]: an object"},
		"an object for a list":       {`"zones": ["cn-north-4a"]`, `"zones": {}`, "zones: a list"},
		"another schema":             {`"schema": 1`, `"schema": 2`, "Line 2, schema: this server reads"},
		"no cloud":                   {`"cloud": "hws"`, `"cloud": ""`, "Line 2, cloud: a code is missing"},
		"a version with a slash":     {`"version": "v1"`, `"version": "v/1"`, "version: a code has letters"},
		"a moment that is none":      {`"version": "v1",`, `"version": "v1", "effectiveFrom": "soon",`, "effectiveFrom: a moment"},
		"a zone twice":               {`[{"code": "cn-north-4a", "name": "AZ1"}]`, `[{"code": "cn-north-4a", "name": "AZ1"}, {"code": "cn-north-4a", "name": "AZ2"}]`, "Line 3, regions[0].zones[1].code: the availability zone is there twice"},
		"a code beyond 64":           {`"code": "s6.linux"`, `"code": "` + strings.Repeat("s", 65) + `"`, "Line 6, specs[0].code: a code has at most 64"},
		"a name beyond 200":          {`"name": "s6"`, `"name": "` + strings.Repeat("é", 201) + `"`, "specs[0].name: a text has at most 200"},
		"a name of nothing":          {`"name": "s6"`, `"name": " "`, "specs[0].name: a name is missing"},
		"a name with a control":      {`"name": "s6"`, `"name": "s\u0000"`, "specs[0].name: a text has printable"},
		"a service that is not":      {`"serviceType": "hws.service.type.ec2", "name": "VM"`, `"serviceType": "nowhere", "name": "VM"`, "Line 5, resourceTypes[0].serviceType: there is no such"},
		"a resource type that isn't": {`"code": "duration", "resourceType": "hws.resource.type.vm"`, `"code": "duration", "resourceType": "nowhere"`, "Line 7, usageTypes[0].resourceType"},
		"a region that is not":       {`"region": "cn-north-4"`, `"region": "cn-south-9"`, "Line 6, specs[0].regions[0].region: there is no such region"},
		"a zone that is not":         {`["cn-north-4a"]`, `["cn-north-4z"]`, "specs[0].regions[0].zones[0]: the region has no such"},
		"sold nowhere":               {`"regions": [{"region": "cn-north-4", "zones": ["cn-north-4a"]}]`, `"regions": []`, "specs[0]: a specification is sold"},
		"a measure twice":            {`"id": 17`, `"id": 4`, "measures[1].id: the measure is there twice"},
		"a measure type that is not": {`"type": 7`, `"type": 5`, "measures[1].type"},
		"a ratio of nothing":         {`"ratio": "2"`, `"ratio": "0"`, "conversions[0].ratio: a ratio is above 0"},
		"a ratio with an exponent":   {`"ratio": "2"`, `"ratio": "1e50000000"`, "conversions[0].ratio: a decimal"},
		"a conversion into itself":   {`"refMeasure": 17`, `"refMeasure": 4`, "conversions[0]: a measure needs no"},
		"both ways of a conversion":  {`"ratio": "2"}`, `"ratio": "2"}, {"measure": 17, "refMeasure": 4, "ratio": "2"}`, "conversions[1]: the conversion between"},
		"a price without a currency": {price, `"period": "MONTH", "amount": "10.00"`, "Line 11, prices[0]: the price has no currency"},
		"another currency":           {`"CNY"`, `"EUR"`, "prices[0].currency"},
		"a price below nothing":      {`"10.00"`, `"-10.00"`, "prices[0].amount: a decimal"},
		"a price too fine":           {`"10.00"`, `"0.00000000001"`, "prices[0].amount: a decimal"},
		"a period that is not":       {`"MONTH"`, `"WEEK"`, "prices[0].period: the period is"},
		"a one-off period":           {`"MONTH"`, `"ONE_OFF"`, "prices[0].period: the period is"},
		"neither period nor use":     {`"period": "MONTH", `, ``, "prices[0]: a price is per period, or"},
		"both period and use":        {`"period": "MONTH", `, `"period": "MONTH", "usageType": "duration", `, "prices[0]: a price is per period or"},
		"a use that is not":          {`"period": "MONTH", `, `"usageType": "traffic", "usageMeasure": 4, `, "prices[0].usageType"},
		"a use without a measure":    {`"period": "MONTH", `, `"usageType": "duration", `, "prices[0].usageMeasure"},
		"a size without its measure": {`"period": "MONTH", `, `"period": "MONTH", "sizeMeasure": 99, `, "prices[0].sizeMeasure"},
		"a price of nothing sold":    {`"spec": "s6.linux"`, `"spec": "s7.linux"`, "prices[0].regions[0]: no such specification is sold"},
		"a price nowhere":            {`"regions": ["cn-north-4"]`, `"regions": []`, "prices[0]: a price is for one region"},
		"a price twice":              {`"regions": ["cn-north-4"]`, `"regions": ["cn-north-4", "cn-north-4"]`, "prices[0].regions[1]: this price is there twice"},
		"a policy of no service":     {`"serviceType": "hws.service.type.ec2", "month"`, `"serviceType": "nowhere", "month"`, "policies[0].serviceType"},
		"a month that is none":       {`"2026-11"`, `"2026-13"`, "policies[0].month"},
		"an incentive that is not":   {`"incentive": 13`, `"incentive": 3`, "policies[0].incentive"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		for name, c := range cases {
			broken := strings.Replace(small, c.old, c.new, 1)
			if broken == small {
				t.Fatalf("%s: the case changes nothing", name)
			}
			_, err := s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: broken})
			if models.CodeOf(err) != models.CodeInvalid || !strings.Contains(err.Error(), c.where) {
				t.Errorf("%s: got %v, want %q", name, err, c.where)
			}
		}
		if n := s.count("catalogue_versions") + s.count("catalogue_prices") + s.count("catalogue_regions") + s.count("events"); n != 0 {
			t.Errorf("refused catalogues left %d rows", n)
		}
		s.load(small) // or the cases would be about something else that is wrong
	})
}

func TestACatalogueIsLoadedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		first, err := s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: small})
		s.want(err, "")
		rows := s.count("catalogue_prices") + s.count("events")
		s.at = s.at.Add(time.Hour)
		// Laid out in another way it says the same.
		again, err := s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: strings.ReplaceAll(small, "\n", "\n\t ")})
		s.want(err, "")
		if !first.Changed || again.Changed || again.CatalogueVersion.ID != first.CatalogueVersion.ID {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if n := s.count("catalogue_prices") + s.count("events"); n != rows {
			t.Errorf("loading the same again made %d rows of %d", n, rows)
		}
		_, err = s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: strings.Replace(small, `"10.00"`, `"11.00"`, 1)})
		s.want(err, "CONFLICT")
		dated := func(version, from string) string {
			return strings.Replace(small, `"version": "v1"`, `"version": "`+version+`", "effectiveFrom": "`+from+`"`, 1)
		}
		_, err = s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: dated("v2", "2026-11-20T08:00:00Z")})
		s.want(err, "CATALOGUE_BACKDATED")
		s.load(dated("v3", "2026-12-01T00:00:00Z"))
		_, err = s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: dated("v4", "2026-12-01T00:00:00Z")})
		s.want(err, "CONFLICT")
		for _, who := range []models.Principal{s.as(s.provider), s.self(s.resale)} {
			_, err = s.Load(s.ctx, who, catalog.LoadCatalogue{Content: dated("v5", "2027-12-01T00:00:00Z")})
			s.want(err, "FORBIDDEN")
		}
		_, err = s.Load(s.ctx, models.Principal{}, catalog.LoadCatalogue{Content: small})
		s.want(err, "UNAUTHENTICATED")
	})
}

func TestPricesAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		start := s.at
		s.load(strings.Replace(small, `"version": "v1"`, `"version": "v1", "effectiveFrom": "2026-11-01T00:00:00Z"`, 1)) // the first may lie in the past
		dear := strings.NewReplacer(`"version": "v1"`, `"version": "v2", "effectiveFrom": "2026-11-21T00:00:00Z"`, `"10.00"`, `"12.00"`).Replace(small)
		s.load(dear)
		costs := func(who models.Principal, at time.Time) string {
			t.Helper()
			found, err := s.Prices(s.ctx, who, catalog.CatalogueFilter{AsOf: &at}, models.PageArgs{})
			if err != nil {
				return refusal(err)
			}
			if len(found.Edges) == 0 {
				return "nothing"
			}
			return found.Edges[0].Node.Amount.StringFixed(2)
		}
		customer := s.self(s.resale)
		got := []string{
			costs(customer, start.AddDate(0, -1, 0)), costs(customer, start), costs(s.operator(), start.AddDate(0, 0, 1)), costs(customer, start.AddDate(0, 0, 1)),
		}
		s.at = start.AddDate(0, 0, 2)
		got = append(got, costs(customer, start), costs(customer, s.at), costs(models.Principal{}, s.at))
		if diff := cmp.Diff([]string{"nothing", "10.00", "12.00", "INVALID", "10.00", "12.00", "UNAUTHENTICATED"}, got); diff != "" {
			t.Error(diff)
		}
		s.at = start
		versions, err := s.Versions(s.ctx, customer, models.PageArgs{})
		s.want(err, "")
		all, err := s.Versions(s.ctx, s.operator(), models.PageArgs{})
		s.want(err, "")
		if len(versions.Edges) != 1 || len(all.Edges) != 2 {
			t.Errorf("a customer sees %d versions and an operator %d, want 1 and 2", len(versions.Edges), len(all.Edges))
		}
	})
}

func TestListsArePagedByCodeAndSearched(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		who := s.self(s.resale)
		var codes []string
		var after *string
		for range 100 {
			page, err := s.Specifications(s.ctx, who, catalog.CatalogueFilter{}, models.PageArgs{First: new(7), After: after, WantTotal: true})
			s.want(err, "")
			for _, row := range page.Nodes() {
				codes = append(codes, row.Product)
			}
			if *page.TotalCount != 120 {
				t.Fatalf("total %d, want 120: 20 specifications in 6 regions", *page.TotalCount)
			}
			if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
				break
			}
		}
		for i := 1; i < len(codes); i++ {
			if codes[i-1] >= codes[i] {
				t.Fatalf("%s comes before %s", codes[i-1], codes[i])
			}
		}
		if len(codes) != 120 {
			t.Errorf("the pages have %d rows", len(codes))
		}
		found := func(f catalog.CatalogueFilter) int {
			t.Helper()
			page, err := s.Specifications(s.ctx, who, f, models.PageArgs{First: new(100)})
			s.want(err, "")
			return len(page.Edges)
		}
		region, query, name, wild := "cn-east-3", "S6.", "general", "%"
		got := []int{
			found(catalog.CatalogueFilter{Region: &region}), found(catalog.CatalogueFilter{Region: &region, Query: &query}),
			found(catalog.CatalogueFilter{Region: &region, Query: &name}), found(catalog.CatalogueFilter{Query: &wild}),
		}
		if diff := cmp.Diff([]int{20, 5, 5, 0}, got); diff != "" {
			t.Error(diff)
		}
		service := ebs
		types, err := s.ResourceTypes(s.ctx, who, catalog.CatalogueFilter{ServiceType: &service}, models.PageArgs{})
		s.want(err, "")
		if len(types.Edges) != 1 || types.Edges[0].Node.Code != volume {
			t.Errorf("resource types of disks: %+v", types.Edges)
		}
		_, err = s.Policies(s.ctx, who, catalog.CatalogueFilter{}, models.PageArgs{})
		s.want(err, "FORBIDDEN")
		month := models.BillingCycle("2026-11")
		policies, err := s.Policies(s.ctx, s.as(s.provider), catalog.CatalogueFilter{Month: &month}, models.PageArgs{})
		s.want(err, "")
		if len(policies.Edges) != 4 {
			t.Errorf("%d policies of the month, want 4", len(policies.Edges))
		}
		policy, stated, err := s.PolicyFor(s.ctx, s.DB, "hws", obs, month, s.at)
		s.want(err, "")
		if !stated || policy.AllowDiscount || policy.Incentive != models.PolicyPerformanceNoRebate {
			t.Errorf("the policy of object storage is %+v", policy)
		}
	})
}

// FuzzCatalogue: whatever a file holds, it is taken or refused with its place, and neither takes long nor panics.
func FuzzCatalogue(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(strings.Replace(small, `"10.00"`, `1e999`, 1)))
	f.Add([]byte(`{"regions":[{"code":"a","code":"b"}]}`))
	f.Add([]byte("{\"regions\":\n\n[[[[[["))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := catalog.Check(data)
		if err != nil && models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("refused with %v", err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "Line ") && !strings.HasPrefix(err.Error(), "The file is not UTF-8") {
			t.Errorf("refused without a place: %v", err)
		}
		if err != nil && strings.HasPrefix(err.Error(), "Line 0") {
			t.Errorf("the place is unknown: %v", err)
		}
	})
}
