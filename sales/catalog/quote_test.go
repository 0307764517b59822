package catalog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// offers are written as "605 495.00 best".
func offers(of []models.QuoteOffer) (all []string) {
	for _, o := range of {
		text := decimal.NewFromInt(int64(o.Kind.WireCode())).String() + " " + o.Amount.StringFixed(max(0, -o.Amount.Exponent())) + " saves " + o.Saving.StringFixed(max(0, -o.Saving.Exponent()))
		if o.BestOffer {
			text += " best"
		}
		all = append(all, text)
	}
	return all
}

func TestAPurchaseHasEveryDiscountAndOneBestOffer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		id, service, month, cny := s.resale.ID, ec2, models.PeriodMonth, models.CNY
		contract := s.grant(s.operator(), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.95")})
		s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: amount("0.9333"), ServiceType: &service})
		s.grant(s.as(s.provider), catalog.GrantDiscount{
			CustomerID: id, Kind: models.DiscountPartnerGranted, Mode: models.DiscountReduction, Value: amount("30.005"), Currency: &cny, PeriodType: &month,
		})
		quote := s.purchased(s.as(s.provider), catalog.QuotePurchase{CustomerID: &id, Products: []catalog.PurchaseProduct{server("a")}})
		// 3 servers at 228.00 and 3 disks at 28.00, for 2 months.
		if quote.OfficialMinor() != 153_600 || quote.Official.StringFixed(2) != "1536.00" || quote.Currency != models.CNY || quote.PartnerID != s.provider.ID {
			t.Errorf("the quote is %s %s of partner %s", quote.Official, quote.Currency, quote.PartnerID)
		}
		want := [][]string{
			{"606 1187.97 saves 348.03 best", "607 1444.75 saves 91.25", "605 1459.20 saves 76.80"},
			{"606 1187.97 saves 180.03 best", "607 1276.75 saves 91.25", "605 1299.60 saves 68.40"}, // 6 x 197.995 and 1368.00 x 0.9333
			{"606 0.00 saves 168.00 best", "605 159.60 saves 8.40"},                                 // 30.005 is more than the disk's 28.00
		}
		got := [][]string{offers(quote.Offers), offers(quote.Lines[0].Offers), offers(quote.Lines[1].Offers)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if line := quote.Lines[1]; line.ParentID != "a" || line.Pieces != 3 || line.Quantity != 1 || line.Position != 2 || line.PeriodCount != 2 {
			t.Errorf("the disk's line is %+v", line)
		}
		if minor, offered := quote.AmountMinor(contract.ID); minor != 145_920 || !offered || quote.Lines[0].AmountMinor(contract.ID)+quote.Lines[1].AmountMinor(contract.ID) != minor {
			t.Errorf("with the contract %d, offered %t", minor, offered)
		}
		if quote.BestOffer().Amount.StringFixed(2) != "1187.97" {
			t.Errorf("best offer %+v", quote.BestOffer())
		}
	})
}

func TestEqualSavingsGoToTheContract(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		id := s.resale.ID
		for _, kind := range []models.DiscountKind{models.DiscountPartnerRate, models.DiscountPartnerGranted, models.DiscountContract} {
			s.grant(s.operator(), catalog.GrantDiscount{CustomerID: id, Kind: kind, Mode: models.DiscountRate, Value: amount("0.5")})
		}
		quote := s.purchased(s.self(s.resale), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
		if diff := cmp.Diff([]string{"605 768.00 saves 768.00 best", "606 768.00 saves 768.00", "607 768.00 saves 768.00"}, offers(quote.Offers)); diff != "" {
			t.Error(diff)
		}
	})
}

// What a partner gives counts for its own resale customers, while it is in force, and where the month's policy allows it (K07).
func TestWhoseDiscountsCount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		id, later := s.resale.ID, s.at.Add(time.Hour)
		s.grant(s.operator(), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.9"), Until: &later})
		given := s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerGranted, Mode: models.DiscountRate, Value: amount("0.8"), From: &later})
		kinds := func() (all []int) {
			quote := s.purchased(s.self(s.resale), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
			for _, o := range quote.Offers {
				all = append(all, o.Kind.WireCode())
			}
			return all
		}
		now := kinds()
		s.at = later
		then := kinds()
		_, err := s.End(s.ctx, s.as(s.provider), catalog.EndDiscount{DiscountID: given.ID})
		s.want(err, "")
		ended := kinds()
		s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerGranted, Mode: models.DiscountRate, Value: amount("0.8")})
		_, err = s.DB.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = ?", s.stranger.ID).Where("id = ?", id).Exec(s.ctx)
		s.want(err, "")
		moved := kinds()
		if diff := cmp.Diff([][]int{{605}, {606}, nil, nil}, [][]int{now, then, ended, moved}); diff != "" {
			t.Error(diff)
		}
		// Object storage has performance without a rebate and allows no partner's discount.
		other := s.other.ID
		for _, kind := range []models.DiscountKind{models.DiscountPartnerRate, models.DiscountContract} {
			s.grant(s.operator(), catalog.GrantDiscount{CustomerID: other, Kind: kind, Mode: models.DiscountRate, Value: amount("0.5")})
		}
		quoted, err := s.OnDemand(s.ctx, s.self(s.other), catalog.QuoteOnDemand{Products: []catalog.OnDemandProduct{stored("1", "1000")}})
		s.want(err, "")
		if diff := cmp.Diff([]string{"605 49.500000 saves 49.500000 best"}, offers(quoted.Quote.Offers)); diff != "" {
			t.Error(diff)
		}
	})
}

// stored is some gigabytes of object storage.
func stored(id, value string) catalog.OnDemandProduct {
	return catalog.OnDemandProduct{
		Product:   catalog.Product{ID: id, ServiceType: obs, ResourceType: object, SpecCode: "obs.standard", Region: "cn-north-4"},
		UsageType: "storage", UsageValue: amount(value), UsageMeasureID: 10,
	}
}

func TestUseIsPricedToTheDigitsAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		disk := catalog.OnDemandProduct{
			Product: catalog.Product{
				ID: "disk", ServiceType: ebs, ResourceType: volume, SpecCode: "SSD", Region: "cn-north-4", Quantity: new(7), Size: new(amount("40")), SizeMeasureID: new(17),
			},
			UsageType: "duration", UsageValue: amount("1.5"), UsageMeasureID: 4,
		}
		megabytes := stored("mb", "1")
		megabytes.UsageMeasureID = 11 // priced per GB of 1024 MB
		price := func(precision int) []string {
			t.Helper()
			quoted, err := s.OnDemand(s.ctx, s.self(s.advisory), catalog.QuoteOnDemand{Precision: &precision, Products: []catalog.OnDemandProduct{disk, megabytes}})
			s.want(err, "")
			var all []string
			for _, line := range quoted.Quote.Lines {
				all = append(all, line.ID+" "+line.Official.StringFixed(-line.Official.Exponent()))
			}
			return append(all, quoted.Quote.Official.StringFixed(-quoted.Quote.Official.Exponent()))
		}
		// 0.0014583333 x 40 x 1.5 x 7 = 0.612499986, and 0.0990 / 1024 = 0.0000966796875
		if diff := cmp.Diff([]string{"disk 0.612500", "mb 0.000097", "0.612597"}, price(6)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"disk 0.6124999860", "mb 0.0000966797", "0.6125966657"}, price(10)); diff != "" {
			t.Error(diff)
		}
		seven := 7
		_, err := s.OnDemand(s.ctx, s.self(s.advisory), catalog.QuoteOnDemand{Precision: &seven, Products: []catalog.OnDemandProduct{disk}})
		s.want(err, "INVALID")
		unknown := stored("x", "1")
		unknown.UsageMeasureID = 17
		quoted, err := s.OnDemand(s.ctx, s.self(s.advisory), catalog.QuoteOnDemand{Products: []catalog.OnDemandProduct{unknown}})
		s.want(err, "")
		if len(quoted.Problems) != 1 || quoted.Problems[0].Reason != "MEASURE_UNKNOWN" {
			t.Errorf("gigabytes of disk for those of traffic: %+v", quoted)
		}
		kept := s.count("quotes")
		many := stored("x", "999999999999")
		many.Quantity = new(10_000)
		_, err = s.OnDemand(s.ctx, s.self(s.advisory), catalog.QuoteOnDemand{Products: []catalog.OnDemandProduct{many}})
		s.want(err, "PRICE_TOO_LARGE")
		if s.count("quotes") != kept {
			t.Error("a refused inquiry was kept")
		}
	})
}

func TestAProductThatIsNotFoundSaysWhichCodeIsWrong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		with := func(change func(p *catalog.PurchaseProduct)) catalog.PurchaseProduct {
			p := server("a")
			p.Parts = nil
			change(&p)
			return p
		}
		products := []catalog.PurchaseProduct{
			with(func(p *catalog.PurchaseProduct) { p.ID, p.ServiceType = "service", "hws.service.type.none" }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.ResourceType = "resource", "hws.resource.type.none" }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.ResourceType = "elsewhere", volume }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.Region = "region", "cn-nowhere-1" }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.SpecCode = "spec", "s6.large.2" }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.SpecCode, p.Region = "both", "none", "cn-nowhere-1" }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.PeriodType = "price", models.PeriodHour }),
			with(func(p *catalog.PurchaseProduct) { p.ID, p.Size, p.SizeMeasureID = "size", new(amount("1")), new(17) }),
			with(func(p *catalog.PurchaseProduct) {
				p.ID, p.SpecCode, p.Zone = "zone", "c7.large.4.linux", new("cn-north-4c")
			}),
			with(func(p *catalog.PurchaseProduct) { p.ID = "fine" }),
		}
		quoted, err := s.Purchase(s.ctx, s.self(s.resale), catalog.QuotePurchase{Products: products})
		s.want(err, "")
		var got []string
		for _, p := range quoted.Problems {
			text := p.ProductID + " " + p.Reason
			for _, code := range p.Wrong {
				text += " " + string(code)
			}
			if p.Message == "" || p.CodeText() != "PRECONDITION_FAILED" {
				t.Errorf("%s says %q with code %s", p.ProductID, p.Message, p.CodeText())
			}
			got = append(got, text)
		}
		want := []string{
			"service PRODUCT_NOT_FOUND SERVICE_TYPE", "resource PRODUCT_NOT_FOUND RESOURCE_TYPE", "elsewhere PRODUCT_NOT_FOUND RESOURCE_TYPE SPEC_CODE",
			"region PRODUCT_NOT_FOUND REGION", "spec PRODUCT_NOT_FOUND SPEC_CODE", "both PRODUCT_NOT_FOUND REGION SPEC_CODE",
			"price PRICE_NOT_FOUND", "size PRICE_NOT_FOUND", "zone PRODUCT_NOT_FOUND",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if quoted.Quote != nil || s.count("quotes") != 0 {
			t.Error("an inquiry with problems was kept as a quote")
		}
	})
}

func TestAnInquiryThatMakesNoSenseIsInvalid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		many := make([]catalog.PurchaseProduct, 60)
		for i := range many {
			many[i] = server("p" + decimal.NewFromInt(int64(i)).String())
		}
		cases := map[string]func(p *catalog.PurchaseProduct){
			"an id twice":          func(p *catalog.PurchaseProduct) { p.Parts[0].ID = p.ID },
			"no id":                func(p *catalog.PurchaseProduct) { p.ID = "" },
			"an id beyond 64":      func(p *catalog.PurchaseProduct) { p.ID = strings.Repeat("i", 65) },
			"no spec":              func(p *catalog.PurchaseProduct) { p.SpecCode = "" },
			"a spec with a slash":  func(p *catalog.PurchaseProduct) { p.SpecCode = "a/b" },
			"a region beyond 64":   func(p *catalog.PurchaseProduct) { p.Region = strings.Repeat("r", 65) },
			"a zone of nothing":    func(p *catalog.PurchaseProduct) { p.Zone = new("") },
			"quantity 0":           func(p *catalog.PurchaseProduct) { p.Quantity = new(0) },
			"quantity 10001":       func(p *catalog.PurchaseProduct) { p.Quantity = new(10_001) },
			"a size alone":         func(p *catalog.PurchaseProduct) { p.Size = new(amount("1")) },
			"a measure alone":      func(p *catalog.PurchaseProduct) { p.SizeMeasureID = new(17) },
			"a size of nothing":    func(p *catalog.PurchaseProduct) { p.Size, p.SizeMeasureID = new(amount("0")), new(17) },
			"a size below nothing": func(p *catalog.PurchaseProduct) { p.Size, p.SizeMeasureID = new(amount("-1")), new(17) },
			"one-off":              func(p *catalog.PurchaseProduct) { p.PeriodType, p.PeriodCount = models.PeriodOneOff, 1 },
			"no periods":           func(p *catalog.PurchaseProduct) { p.PeriodCount = 0 },
			"121 months":           func(p *catalog.PurchaseProduct) { p.PeriodCount = 121 },
		}
		for name, change := range cases {
			p := server("a")
			change(&p)
			if _, err := s.Purchase(s.ctx, s.self(s.resale), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{p}}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, products := range map[string][]catalog.PurchaseProduct{"none": nil, "120 lines": many} {
			if _, err := s.Purchase(s.ctx, s.self(s.resale), catalog.QuotePurchase{Products: products}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.count("quotes") != 0 {
			t.Error("a refused inquiry was kept")
		}
	})
}

func TestWhosePriceMayBeAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		products := []catalog.PurchaseProduct{server("a")}
		ask := func(who models.Principal, customer *models.ID) (models.Quote, string) {
			quoted, err := s.Purchase(s.ctx, who, catalog.QuotePurchase{CustomerID: customer, Products: products})
			if err != nil {
				return models.Quote{}, refusal(err)
			}
			return *quoted.Quote, ""
		}
		narrow := s.self(s.resale)
		narrow.Permissions = slices.DeleteFunc(slices.Clone(narrow.Permissions), func(p models.Permission) bool { return p == models.ReadCatalogue })
		for _, c := range []struct {
			name     string
			who      models.Principal
			customer *models.ID
			want     string
		}{
			{"itself", s.self(s.resale), nil, ""},
			{"itself by name", s.self(s.resale), &s.resale.ID, ""},
			{"another customer", s.self(s.resale), &s.advisory.ID, "NOT_FOUND"},
			{"its resale customer", s.as(s.provider), &s.resale.ID, ""},
			{"its advisory customer", s.as(s.provider), &s.advisory.ID, ""},
			{"a stranger's customer", s.as(s.provider), &s.other.ID, "NOT_FOUND"},
			{"a partner for nobody", s.as(s.provider), nil, "INVALID"},
			{"a partner's id", s.as(s.provider), &s.provider.ID, "INVALID"},
			{"an operator", s.operator(), &s.other.ID, ""},
			{"without the permission", narrow, nil, "FORBIDDEN"},
			{"nobody", models.Principal{}, &s.resale.ID, "UNAUTHENTICATED"},
		} {
			if _, got := ask(c.who, c.customer); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		// An advisory customer's own inquiry is its own, and one that its partner makes the partner's too (O02).
		own, _ := ask(s.self(s.advisory), nil)
		partners, _ := ask(s.as(s.provider), &s.advisory.ID)
		resales, _ := ask(s.self(s.resale), nil)
		sees := func(who models.Principal) (seen []bool) {
			found, err := s.QuotesByIDs(s.ctx, who, []models.ID{own.ID, partners.ID, resales.ID})
			s.want(err, "")
			for _, q := range []models.Quote{own, partners, resales} {
				_, is := found[q.ID]
				seen = append(seen, is)
			}
			return seen
		}
		got := [][]bool{sees(s.self(s.advisory)), sees(s.as(s.provider)), sees(s.self(s.resale)), sees(s.as(s.stranger)), sees(s.operator())}
		want := [][]bool{{true, true, false}, {false, true, true}, {false, false, true}, {false, false, false}, {true, true, true}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		_, err := s.forOrder(s.as(s.stranger), resales.ID)
		s.want(err, "NOT_FOUND")
	})
}

// A kept quote is what its version, its discounts and its moment make of its questions, whatever happened since.
func TestAKeptQuoteIsComputedAgainToTheByte(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		id, until := s.resale.ID, s.at.Add(time.Hour)
		given := s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: amount("0.8765"), Until: &until})
		linear := server("b")
		linear.Parts[0].Size, linear.Parts[0].SizeMeasureID = new(amount("33.3")), new(17)
		bought := s.purchased(s.self(s.resale), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a"), linear}})
		used, err := s.OnDemand(s.ctx, s.self(s.resale), catalog.QuoteOnDemand{Products: []catalog.OnDemandProduct{stored("x", "12.345678")}})
		s.want(err, "")
		_, err = s.End(s.ctx, s.as(s.provider), catalog.EndDiscount{DiscountID: given.ID})
		s.want(err, "")
		s.at = s.at.AddDate(0, 2, 0)
		s.load(strings.NewReplacer("example-1", "example-2", "228.00", "1.00", "28.00", "2.00", "0.0990", "9").Replace(catalogue.JSON))
		for _, first := range []models.Quote{bought, *used.Quote} {
			kept, err := s.QuotesByIDs(s.ctx, s.operator(), []models.ID{first.ID})
			s.want(err, "")
			again, err := s.Recompute(s.ctx, s.self(s.resale), first.ID)
			s.want(err, "")
			want, err := json.Marshal(first.Lines)
			s.want(err, "")
			for what, other := range map[string]models.Quote{"kept": kept[first.ID], "computed again": again} {
				got, err := json.Marshal(other.Lines)
				s.want(err, "")
				wantOffers, _ := json.Marshal([]any{first.Official, first.Offers, first.Discounts, first.CatalogueVersion})
				gotOffers, _ := json.Marshal([]any{other.Official, other.Offers, other.Discounts, other.CatalogueVersion})
				if string(got) != string(want) || string(gotOffers) != string(wantOffers) {
					t.Errorf("%s:\n%s\n%s\nwant\n%s\n%s", what, got, gotOffers, want, wantOffers)
				}
			}
		}
	})
}

func TestAnOrderTakesAQuoteThatStillHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		who, id := s.self(s.resale), s.resale.ID
		given := s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: amount("0.9")})
		quote := s.purchased(who, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
		takes := func(want string) {
			t.Helper()
			got, err := s.forOrder(who, quote.ID)
			s.want(err, want)
			if want == "" {
				if diff := cmp.Diff(quote.Lines, got.Lines, cmp.Comparer(decimal.Decimal.Equal)); diff != "" || got.CatalogueVersion != quote.CatalogueVersion {
					t.Error(diff)
				}
			}
		}
		takes("")
		s.at = s.at.Add(time.Hour)
		s.load(strings.NewReplacer("example-1", "example-2", "456.00", "457.00").Replace(catalogue.JSON)) // another product is dearer
		takes("")
		s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: id, Kind: models.DiscountPartnerGranted, Mode: models.DiscountRate, Value: amount("0.1")})
		takes("") // something better is no reason to refuse
		s.at = s.at.Add(time.Hour)
		dear := quote
		s.load(strings.NewReplacer("example-1", "example-3", "228.00", "229.00").Replace(catalogue.JSON))
		takes("QUOTE_STALE")
		quote = s.purchased(who, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
		takes("")
		_, err := s.End(s.ctx, s.as(s.provider), catalog.EndDiscount{DiscountID: given.ID})
		s.want(err, "")
		takes("QUOTE_STALE")
		quote = s.purchased(who, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
		_, err = s.DB.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = ?", s.stranger.ID).Where("id = ?", id).Exec(s.ctx)
		s.want(err, "")
		takes("QUOTE_STALE")
		quote = s.purchased(who, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{server("a")}})
		s.at = s.at.Add(24*time.Hour - time.Microsecond)
		takes("")
		s.at = s.at.Add(time.Microsecond)
		takes("QUOTE_EXPIRED")
		quote = dear
		takes("QUOTE_EXPIRED")
		used, err := s.OnDemand(s.ctx, who, catalog.QuoteOnDemand{Products: []catalog.OnDemandProduct{stored("x", "1")}})
		s.want(err, "")
		quote = *used.Quote
		takes("QUOTE_NOT_ORDERABLE")
	})
}

func TestRenewalsAreOfMainResourcesWithWhatFollows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		resource := func(c models.Customer, service, kind, spec string, status models.ResourceStatus) models.Resource {
			return models.Resource{
				ID: s.IDs(models.PrefixResource), CustomerID: c.ID, ServiceType: service, ResourceType: kind, SpecCode: spec, Region: "cn-north-4",
				Status: status, ChargingMode: models.ChargedByPeriod,
			}
		}
		main, disk := resource(s.resale, ec2, vm, "s6.large.2.linux", models.ResourceInUse), resource(s.resale, ebs, volume, "SAS", models.ResourceInUse)
		gone := resource(s.resale, ebs, volume, "SSD", models.ResourceClosed)
		closed := resource(s.resale, ec2, vm, "s6.large.2.linux", models.ResourceClosed)
		used := resource(s.resale, ec2, vm, "s6.large.2.linux", models.ResourceInUse)
		used.ChargingMode = models.ChargedByUse
		foreign := resource(s.other, ec2, vm, "s6.large.2.linux", models.ResourceInUse)
		s.running = []catalog.Renewable{
			{Resource: main, Subs: []models.Resource{disk, gone}, Sizes: map[models.ID]catalog.Size{disk.ID: {Value: amount("100"), MeasureID: 17}}},
			{Resource: closed}, {Resource: used}, {Resource: foreign},
		}
		who := s.self(s.resale)
		renew := func(include *bool, ids ...models.ID) catalog.Quoted {
			t.Helper()
			quoted, err := s.Renewal(s.ctx, who, catalog.QuoteRenewal{ResourceIDs: ids, PeriodType: models.PeriodYear, PeriodCount: 2, IncludeRelated: include})
			s.want(err, "")
			return quoted
		}
		whole, alone := renew(nil, main.ID).Quote, renew(new(false), main.ID).Quote
		// 2280.00 a year for the server and 3.50 for each GB of the disk.
		if whole.Official.StringFixed(2) != "5260.00" || alone.Official.StringFixed(2) != "4560.00" || len(whole.Lines) != 2 || len(alone.Lines) != 1 {
			t.Errorf("with its disk %s, alone %s", whole.Official, alone.Official)
		}
		if line := whole.Lines[1]; line.ResourceID != disk.ID || line.ParentID != string(main.ID) {
			t.Errorf("the disk's line is %+v", line)
		}
		if _, err := s.forOrder(who, whole.ID); err != nil {
			t.Errorf("the renewal cannot be ordered: %v", err)
		}
		var got []string
		for _, p := range renew(nil, closed.ID, used.ID, foreign.ID, main.ID, disk.ID).Problems {
			got = append(got, p.Reason)
		}
		if diff := cmp.Diff([]string{"RESOURCE_NOT_RENEWABLE", "RESOURCE_NOT_RENEWABLE", "RESOURCE_NOT_FOUND", "RESOURCE_NOT_FOUND"}, got); diff != "" {
			t.Error(diff)
		}
		eleven := make([]models.ID, 11)
		for i := range eleven {
			eleven[i] = s.IDs(models.PrefixResource)
		}
		for name, cmd := range map[string]catalog.QuoteRenewal{
			"none":      {PeriodType: models.PeriodMonth, PeriodCount: 1},
			"eleven":    {ResourceIDs: eleven, PeriodType: models.PeriodMonth, PeriodCount: 1},
			"twice":     {ResourceIDs: []models.ID{main.ID, main.ID}, PeriodType: models.PeriodMonth, PeriodCount: 1},
			"an order":  {ResourceIDs: []models.ID{s.IDs(models.PrefixOrder)}, PeriodType: models.PeriodMonth, PeriodCount: 1},
			"12 months": {ResourceIDs: []models.ID{main.ID}, PeriodType: models.PeriodMonth, PeriodCount: 12},
			"4 years":   {ResourceIDs: []models.ID{main.ID}, PeriodType: models.PeriodYear, PeriodCount: 4},
			"days":      {ResourceIDs: []models.ID{main.ID}, PeriodType: models.PeriodDay, PeriodCount: 1},
			"nothing":   {ResourceIDs: []models.ID{main.ID}, PeriodType: models.PeriodMonth},
		} {
			if _, err := s.Renewal(s.ctx, who, cmd); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := s.Renewal(s.ctx, s.operator(), catalog.QuoteRenewal{ResourceIDs: []models.ID{main.ID, foreign.ID}, PeriodType: models.PeriodYear, PeriodCount: 1})
		s.want(err, "INVALID")
	})
}

func TestTurnsToAPeriodAreOfWhatIsChargedByUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		resource := func(edit func(*models.Resource)) catalog.Renewable {
			r := models.Resource{
				ID: s.IDs(models.PrefixResource), CustomerID: s.resale.ID, ServiceType: ec2, ResourceType: vm, SpecCode: "s6.large.2.linux", Region: "cn-north-4",
				Status: models.ResourceInUse, ChargingMode: models.ChargedByUse, UsageStatus: models.UsageNormal,
			}
			edit(&r)
			return catalog.Renewable{Resource: r}
		}
		disk := resource(func(r *models.Resource) { r.ServiceType, r.ResourceType, r.SpecCode = ebs, volume, "SAS" }).Resource
		gone := disk
		gone.ID, gone.Status = s.IDs(models.PrefixResource), models.ResourceClosed
		main := resource(func(*models.Resource) {})
		main.Subs, main.Sizes = []models.Resource{disk, gone}, map[models.ID]catalog.Size{disk.ID: {Value: amount("100"), MeasureID: 17}}
		s.running = []catalog.Renewable{
			main,
			resource(func(r *models.Resource) { r.ParentID = main.Resource.ID }),
			resource(func(r *models.Resource) { r.Status = models.ResourceFrozen }),
			resource(func(r *models.Resource) { r.Status = models.ResourceClosed }),
			resource(func(r *models.Resource) { r.Status = models.ResourceCreating }),
			resource(func(r *models.Resource) { r.ChargingMode = models.ChargedByPeriod }),
			resource(func(r *models.Resource) { r.CustomerID = s.other.ID }),
		}
		who := s.self(s.resale)
		ask := func(ids ...models.ID) (catalog.Quoted, error) {
			return s.ToPeriod(s.ctx, who, catalog.QuoteToPeriod{ResourceIDs: ids, PeriodType: models.PeriodYear, PeriodCount: 2})
		}
		quoted, err := ask(main.Resource.ID)
		s.want(err, "")
		// 2280.00 a year for the server and 3.50 for each GB of the disk.
		if q := quoted.Quote; q == nil || q.Kind != models.QuoteToPeriod || q.Official.StringFixed(2) != "5260.00" || len(q.Lines) != 2 || q.Lines[1].ParentID != string(main.Resource.ID) {
			t.Fatalf("%+v", quoted)
		}
		if _, err := s.forOrder(who, quoted.Quote.ID); err != nil {
			t.Errorf("the turn cannot be ordered: %v", err)
		}
		all := make([]models.ID, len(s.running))
		for i, one := range s.running {
			all[i] = one.Resource.ID
		}
		quoted, err = ask(all...)
		s.want(err, "")
		var got []string
		for _, p := range quoted.Problems {
			got = append(got, p.Reason)
		}
		want := []string{"SUB_RESOURCE", "RESOURCE_FROZEN", "RESOURCE_CLOSED", "RESOURCE_CREATING", "RESOURCE_BY_PERIOD", "RESOURCE_NOT_FOUND"}
		if diff := cmp.Diff(want, got); diff != "" || quoted.Quote != nil || quoted.Problems[0].ProductID != string(all[1]) || quoted.Problems[0].Code != models.CodePreconditionFailed {
			t.Errorf("%s: %+v", diff, quoted)
		}
		_, err = ask(append(all, s.IDs(models.PrefixResource), s.IDs(models.PrefixResource), s.IDs(models.PrefixResource), s.IDs(models.PrefixResource))...)
		s.want(err, "INVALID")
		_, err = s.ToPeriod(s.ctx, who, catalog.QuoteToPeriod{ResourceIDs: all[:1], PeriodType: models.PeriodDay, PeriodCount: 1})
		s.want(err, "INVALID")
		_, err = s.ToPeriod(s.ctx, models.Principal{}, catalog.QuoteToPeriod{ResourceIDs: all[:1], PeriodType: models.PeriodYear, PeriodCount: 1})
		s.want(err, "UNAUTHENTICATED")
	})
}

func TestWhoGivesAndEndsDiscounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		rate := catalog.GrantDiscount{Mode: models.DiscountRate, Value: amount("0.9")}
		give := func(who models.Principal, customer models.Customer, kind models.DiscountKind) string {
			cmd := rate
			cmd.CustomerID, cmd.Kind = customer.ID, kind
			_, err := s.Grant(s.ctx, who, cmd)
			return refusal(err)
		}
		got := []string{
			give(s.as(s.provider), s.resale, models.DiscountPartnerGranted), give(s.as(s.provider), s.resale, models.DiscountPartnerRate),
			give(s.as(s.provider), s.resale, models.DiscountContract), give(s.as(s.provider), s.advisory, models.DiscountPartnerRate),
			give(s.as(s.provider), s.other, models.DiscountPartnerRate), give(s.self(s.resale), s.resale, models.DiscountPartnerRate),
			give(s.operator(), s.advisory, models.DiscountContract), give(s.operator(), s.other, models.DiscountPartnerRate),
		}
		if diff := cmp.Diff([]string{"", "", "FORBIDDEN", "CUSTOMER_NOT_RESALE", "NOT_FOUND", "FORBIDDEN", "", ""}, got); diff != "" {
			t.Error(diff)
		}
		usd, cny, month, past, future := models.USD, models.CNY, models.PeriodMonth, s.at.Add(-time.Second), s.at.Add(time.Hour)
		for name, cmd := range map[string]catalog.GrantDiscount{
			"a rate above 1":           {Mode: models.DiscountRate, Value: amount("1.01")},
			"a rate below 0":           {Mode: models.DiscountRate, Value: amount("-0.5")},
			"a rate with a currency":   {Mode: models.DiscountRate, Value: amount("0.5"), Currency: &cny},
			"a rate too fine":          {Mode: models.DiscountRate, Value: amount("0.55555555555")},
			"an amount without one":    {Mode: models.DiscountReduction, Value: amount("5"), PeriodType: &month},
			"an amount per nothing":    {Mode: models.DiscountFixed, Value: amount("5"), Currency: &cny},
			"an amount in dollars":     {Mode: models.DiscountFixed, Value: amount("5"), Currency: &usd, PeriodType: &month},
			"from the past":            {Mode: models.DiscountRate, Value: amount("0.5"), From: &past},
			"until before it begins":   {Mode: models.DiscountRate, Value: amount("0.5"), From: &future, Until: &future},
			"a service type that is /": {Mode: models.DiscountRate, Value: amount("0.5"), ServiceType: new("a/b")},
			"no mode":                  {Value: amount("0.5")},
		} {
			cmd.CustomerID, cmd.Kind = s.resale.ID, models.DiscountPartnerGranted
			if _, err := s.Grant(s.ctx, s.as(s.provider), cmd); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := s.Grant(s.ctx, s.as(s.provider), catalog.GrantDiscount{
			CustomerID: s.resale.ID, Kind: models.DiscountPartnerRate, Mode: models.DiscountReduction, Value: amount("5"), Currency: &cny, PeriodType: &month,
		})
		s.want(err, "INVALID")
		if n := s.count("discounts"); n != 4 {
			t.Errorf("%d discounts, want 4", n)
		}
		contract := s.grant(s.operator(), catalog.GrantDiscount{CustomerID: s.resale.ID, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.9")})
		coming := s.grant(s.as(s.provider), catalog.GrantDiscount{CustomerID: s.resale.ID, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: amount("0.9"), From: &future})
		end := func(who models.Principal, id models.ID) string {
			_, err := s.End(s.ctx, who, catalog.EndDiscount{DiscountID: id})
			return refusal(err)
		}
		got = []string{
			end(s.as(s.provider), contract.ID), end(s.as(s.stranger), contract.ID), end(s.self(s.resale), coming.ID),
			end(s.as(s.provider), coming.ID), end(s.operator(), contract.ID), end(s.operator(), contract.ID), end(s.operator(), s.resale.ID),
		}
		if diff := cmp.Diff([]string{"FORBIDDEN", "NOT_FOUND", "FORBIDDEN", "", "", "DISCOUNT_ENDED", "INVALID"}, got); diff != "" {
			t.Error(diff)
		}
		for range catalog.MaxDiscounts - 2 {
			s.grant(s.operator(), catalog.GrantDiscount{CustomerID: s.resale.ID, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.9")})
		}
		if got := give(s.operator(), s.resale, models.DiscountContract); got != "DISCOUNTS_TOO_MANY" {
			t.Errorf("one too many: %q", got)
		}
	})
}

// What counts against the bound is what is or will be in force: not what is over, what was ended before it began, and what others have.
func TestDiscountsThatAreOverDoNotCount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := stocked(t, db)
		have := func(customer models.Customer, n int, from time.Time, until *time.Time) {
			t.Helper()
			rows := make([]models.Discount, n)
			for i := range rows {
				rows[i] = models.Discount{
					ID: s.IDs(models.PrefixDiscount), Cloud: "hws", CustomerID: customer.ID, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.9"),
					From: from, Until: until, CreatedAt: s.at,
				}
			}
			s.insert(&rows)
		}
		before, tick := s.at.Add(-time.Hour), time.Microsecond
		have(s.resale, 30, before, nil)
		have(s.resale, 10, before, new(s.at.Add(tick)))                    // over the next moment
		have(s.resale, 9, s.at.Add(time.Hour), new(s.at.Add(2*time.Hour))) // still to come
		have(s.resale, 20, before, new(s.at))                              // over this very moment
		have(s.resale, 20, before, new(s.at.Add(-tick)))
		have(s.resale, 20, s.at.Add(time.Hour), new(s.at.Add(time.Hour))) // ended before it began
		have(s.other, 60, before, nil)
		grant := func() string {
			_, err := s.Grant(s.ctx, s.operator(), catalog.GrantDiscount{CustomerID: s.resale.ID, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: amount("0.9")})
			return refusal(err)
		}
		if got := []string{grant(), grant()}; !slices.Equal(got, []string{"", "DISCOUNTS_TOO_MANY"}) {
			t.Errorf("with 49 that count: %q", got)
		}
		s.at = s.at.Add(tick) // ten more are over
		for i := range 11 {
			if got := grant(); (got == "") != (i < 10) {
				t.Errorf("grant %d: %q", i, got)
			}
		}
	})
}
