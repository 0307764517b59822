package billing_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestUseIsRatedOnceByThePriceOfItsMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		dearer := strings.NewReplacer(`"example-1"`, `"example-2"`, `"amount": "0.4750"`, `"amount": "0.5000"`, `"schema": 1,`, `"schema": 1, "effectiveFrom": "2026-11-11T00:00:00Z",`).Replace(catalogue.JSON)
		second, err := o.catalog.Load(o.ctx, operator(), catalog.LoadCatalogue{Content: dearer})
		o.want(err, "")
		o.moveTo(time.Date(2026, 11, 12, 8, 0, 0, 0, time.UTC))
		before, after := time.Date(2026, 11, 10, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC)
		size, measure := decimal.NewFromInt(100), 17
		disk := billing.UsageRecord{
			ExternalID: "disk", CustomerID: o.resale.ID, ServiceType: ebs, ResourceType: volume, SpecCode: "SSD", Region: "cn-north-4", UsageType: "duration",
			UsageValue: decimal.NewFromInt(3), UsageMeasureID: 4, Size: &size, SizeMeasureID: &measure, UsedAt: before,
		}
		lines := o.record(hours("a", o.resale, "2.5", before), hours("b", o.resale, "2.5", after), disk)
		if got := lines[0].ExactOfficial.String(); got != "1.1875" || !lines[0].UnitPrice.Equal(decimal.RequireFromString("0.475")) {
			t.Errorf("use before the change costs %s at %s", got, lines[0].UnitPrice)
		}
		if got := lines[1].ExactOfficial.String(); got != "1.25" || lines[1].VersionID != second.CatalogueVersion.ID || lines[0].VersionID == lines[1].VersionID {
			t.Errorf("use after the change costs %s by %s", got, lines[1].VersionID)
		}
		// A linear product costs by its size: what an inquiry of the same says.
		quoted, err := o.catalogQuote(o.resale, disk)
		o.want(err, "")
		if !lines[2].ExactPayable.Equal(quoted) || quoted.IsZero() {
			t.Errorf("a linear product costs %s, an inquiry says %s", lines[2].ExactPayable, quoted)
		}
		if lines[0].PartnerID != o.provider.ID || lines[0].Mode != models.Resale || lines[0].Status() != models.BillUnbilled {
			t.Errorf("%+v", lines[0])
		}
		if at := o.scheduled[o.resale.ID]; !at.Equal(time.Date(2026, 11, 12, 16, 30, 0, 0, time.UTC)) {
			t.Errorf("the settlement is scheduled at %s", at)
		}
	})
}

func TestDiscountsOfTheMomentApply(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		until := o.at.Add(time.Hour)
		for _, given := range []models.Discount{
			{Kind: models.DiscountContract, Value: decimal.RequireFromString("0.9"), From: o.at.AddDate(0, 0, -1)},
			{Kind: models.DiscountPartnerRate, PartnerID: o.provider.ID, Value: decimal.RequireFromString("0.5"), From: o.at, Until: &until},
		} {
			given.ID, given.Cloud, given.CustomerID, given.Mode, given.CreatedAt = o.IDs(models.PrefixDiscount), "hws", o.resale.ID, models.DiscountRate, o.at
			o.insert(&given)
		}
		o.moveTo(o.at.Add(24 * time.Hour))
		moment := until.Add(-time.Minute)
		o.leave(&o.resale, until, o.provider, models.Advisory) // the partner's discounts count as long as it sold
		lines := o.record(hours("both", o.resale, "10", moment), hours("contract", o.resale, "10", until), hours("neither", o.resale, "10", moment.AddDate(0, 0, -3)))
		for i, want := range []string{"2.375", "4.275", "4.75"} {
			if !lines[i].ExactPayable.Equal(decimal.RequireFromString(want)) || !lines[i].ExactOfficial.Equal(decimal.RequireFromString("4.75")) {
				t.Errorf("line %d: %s of %s, want %s", i, lines[i].ExactPayable, lines[i].ExactOfficial, want)
			}
		}
		if lines[0].Mode != models.Resale || lines[1].Mode != models.Advisory || lines[2].DiscountID != "" || lines[0].DiscountID == lines[1].DiscountID {
			t.Errorf("%+v", lines)
		}
	})
}

func TestRepeatingARecordChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		at := o.at.Add(-time.Hour)
		first := o.record(hours("a", o.resale, "2", at))[0]
		same := hours("a", o.resale, "2.00", at)
		lines := o.record(same, same)
		if lines[0].ID != first.ID || lines[1].ID != first.ID || len(o.lines(o.resale)) != 1 {
			t.Errorf("the repetition brought %s, then %s, not %s", lines[0].ID, lines[1].ID, first.ID)
		}
		if got := o.refuse(hours("a", o.resale, "3", at)); got != "CONFLICT" {
			t.Errorf("another content: %s", got)
		}
		correction := o.record(corrected(hours("a", o.resale, "2", at), "5"))[0]
		if correction.BaseID != first.ID || !correction.UsageValue.Equal(decimal.NewFromInt(3)) || !correction.ExactPayable.Equal(decimal.RequireFromString("1.425")) {
			t.Errorf("the correction is %+v", correction)
		}
		again := o.record(corrected(hours("a", o.resale, "2", at), "5"))[0]
		if again.ID != correction.ID || len(o.lines(o.resale)) != 2 {
			t.Errorf("the repeated correction brought %s", again.ID)
		}
		if got := o.refuse(hours("a", o.resale, "2", at)); got != "CONFLICT" {
			t.Errorf("a late repetition of what was corrected: %s", got)
		}
		if last := o.record(corrected(hours("a", o.resale, "2", at), "0"))[0]; !last.ExactPayable.Equal(decimal.RequireFromString("-2.375")) {
			t.Errorf("the correction to zero is %s", last.ExactPayable)
		}
		for name, change := range map[string]func(*billing.UsageRecord){
			"another customer": func(r *billing.UsageRecord) { r.CustomerID = o.advisory.ID },
			"another product":  func(r *billing.UsageRecord) { r.SpecCode = "s6.small.1.linux" },
		} {
			record := corrected(hours("a", o.resale, "2", at), "5")
			change(&record)
			if got := o.refuse(record); got != "CORRECTION_MOVES" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if first := o.lines(o.resale)[0]; first.ID != lines[0].ID || !first.ExactPayable.Equal(decimal.RequireFromString("0.95")) {
			t.Errorf("the first line was changed: %+v", first)
		}
	})
}

func TestWhatIsWrongWithARecord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		at := o.at.Add(-time.Hour)
		ten, many, none := decimal.NewFromInt(10), 10_001, 0
		weekly := models.SettlementInterval("WEEKLY")
		unnamed := strings.Repeat("x", 65)
		for name, tt := range map[string]struct {
			change func(*billing.UsageRecord)
			want   string
		}{
			"no id":                 {func(r *billing.UsageRecord) { r.ExternalID = "" }, "INVALID externalId"},
			"an id with a space":    {func(r *billing.UsageRecord) { r.ExternalID = "a b" }, "INVALID externalId"},
			"a long id":             {func(r *billing.UsageRecord) { r.ExternalID = unnamed }, "INVALID externalId"},
			"a long resource":       {func(r *billing.UsageRecord) { r.ResourceID = &unnamed }, "INVALID resourceId"},
			"a partner as customer": {func(r *billing.UsageRecord) { r.CustomerID = o.provider.ID }, "INVALID customerId"},
			"an unknown customer":   {func(r *billing.UsageRecord) { r.CustomerID = o.IDs(models.PrefixCustomer) }, "NOT_FOUND"},
			"no service type":       {func(r *billing.UsageRecord) { r.ServiceType = "" }, "INVALID serviceType"},
			"an unknown product":    {func(r *billing.UsageRecord) { r.SpecCode = "none" }, "PRODUCT_NOT_FOUND"},
			"an unknown use":        {func(r *billing.UsageRecord) { r.UsageType = "none" }, "PRICE_NOT_FOUND"},
			"an unknown measure":    {func(r *billing.UsageRecord) { r.UsageMeasureID = 17 }, "MEASURE_UNKNOWN"},
			"no measure":            {func(r *billing.UsageRecord) { r.UsageMeasureID = 0 }, "INVALID usageMeasureId"},
			"less than nothing":     {func(r *billing.UsageRecord) { r.UsageValue = decimal.NewFromInt(-1) }, "INVALID usageValue"},
			"a bomb":                {func(r *billing.UsageRecord) { r.UsageValue = decimal.New(1, 50_000_000) }, "INVALID usageValue"},
			"too fine":              {func(r *billing.UsageRecord) { r.UsageValue = decimal.New(1, -11) }, "INVALID usageValue"},
			"too dear": {func(r *billing.UsageRecord) {
				r.UsageValue, r.Quantity = decimal.New(1, 0).Shift(0).Mul(decimal.RequireFromString("999999999999")), new(10_000)
			}, "PRICE_TOO_LARGE"},
			"many pieces":            {func(r *billing.UsageRecord) { r.Quantity = &many }, "INVALID quantity"},
			"no pieces":              {func(r *billing.UsageRecord) { r.Quantity = &none }, "INVALID quantity"},
			"a size without measure": {func(r *billing.UsageRecord) { r.Size = &ten }, "INVALID sizeMeasureId"},
			"the future":             {func(r *billing.UsageRecord) { r.UsedAt = o.at.Add(6 * time.Minute) }, "INVALID usedAt"},
			"long ago":               {func(r *billing.UsageRecord) { r.UsedAt = o.at.AddDate(0, -18, -1) }, "INVALID usedAt"},
			"before the catalogue":   {func(r *billing.UsageRecord) { r.UsedAt = o.at.AddDate(0, -1, 0) }, "CATALOGUE_MISSING"},
			"an unknown interval":    {func(r *billing.UsageRecord) { r.Settlement = &weekly }, "INVALID settlement"},
		} {
			record := hours("bad", o.resale, "1", at)
			tt.change(&record)
			if got := o.refuse(record); got != tt.want {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		}
		done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: []billing.UsageRecord{
			hours("twice", o.resale, "1", at), hours("twice", o.resale, "2", at), hours("good", o.resale, "1", at),
		}})
		o.want(err, "")
		if done.Results[0].Error != nil || refusal(done.Results[1].Error) != "INVALID externalId" || done.Results[2].Error != nil {
			t.Errorf("%+v", done.Results)
		}
		if n := len(o.lines(o.resale)); n != 2 {
			t.Errorf("%d lines, want 2: what is refused leaves nothing and keeps nothing else out", n)
		}
		_, err = o.Record(o.ctx, operator(), billing.RecordUsage{})
		o.want(err, "INVALID records")
		_, err = o.Record(o.ctx, operator(), billing.RecordUsage{Records: make([]billing.UsageRecord, models.MaxUsageRecords+1)})
		o.want(err, "INVALID records")
	})
}

func TestWhoMayReportAndRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		at := o.at.Add(-time.Hour)
		cloud := models.Principal{Kind: models.Operator, KeyID: "key_9", Permissions: []models.Permission{models.WriteUsage}}
		_, err := o.Record(o.ctx, cloud, billing.RecordUsage{Records: []billing.UsageRecord{
			hours("a", o.resale, "1", at), hours("b", o.advisory, "1", at), hours("c", o.ofReseller, "1", at), hours("d", o.loose, "1", at),
		}})
		o.want(err, "")
		granted := as(o.provider)
		granted.Permissions = models.AllPermissions()
		for name, tt := range map[string]struct {
			who         models.Principal
			reports     string // what comes of reporting
			resale      bool
			advisory    bool
			ofReseller  bool
			loose       bool
			readRefused string
		}{
			"the cloud's program":         {who: cloud, readRefused: "FORBIDDEN"},
			"operator":                    {who: operator(), resale: true, advisory: true, ofReseller: true, loose: true},
			"provider":                    {who: as(o.provider), reports: "FORBIDDEN", resale: true},
			"provider with every scope":   {who: granted, reports: "FORBIDDEN", resale: true},
			"stranger":                    {who: as(o.stranger), reports: "FORBIDDEN"},
			"distributor":                 {who: as(o.distributor), reports: "FORBIDDEN", ofReseller: true},
			"reseller":                    {who: as(o.reseller), reports: "FORBIDDEN", ofReseller: true},
			"the customer":                {who: self(o.resale), reports: "FORBIDDEN", resale: true},
			"the advisory customer":       {who: self(o.advisory), reports: "FORBIDDEN", advisory: true},
			"the one without any partner": {who: self(o.loose), reports: "FORBIDDEN", loose: true},
			"nobody":                      {who: models.Principal{}, reports: "UNAUTHENTICATED", readRefused: "UNAUTHENTICATED"},
		} {
			_, err := o.Record(o.ctx, tt.who, billing.RecordUsage{Records: []billing.UsageRecord{hours("a", o.resale, "1", at)}})
			if got := refusal(err); got != tt.reports {
				t.Errorf("%s reports: %q, want %q", name, got, tt.reports)
			}
			_, err = o.Import(o.ctx, tt.who, billing.ImportUsage{UploadID: "x"})
			if want := tt.reports; want != "" && refusal(err) != want {
				t.Errorf("%s imports: %q, want %q", name, refusal(err), want)
			}
			found, err := o.FindLines(o.ctx, tt.who, billing.LineFilter{}, models.PageArgs{WantTotal: true})
			if got := refusal(err); got != tt.readRefused {
				t.Errorf("%s reads: %q, want %q", name, got, tt.readRefused)
			}
			if _, err := o.FindMonths(o.ctx, tt.who, billing.MonthFilter{}, models.PageArgs{}); refusal(err) != tt.readRefused {
				t.Errorf("%s reads months: %v", name, err)
			}
			seen := map[models.ID]bool{}
			for _, line := range found.Nodes() {
				seen[line.CustomerID] = true
				byID, err := o.LinesByIDs(o.ctx, tt.who, []models.ID{line.ID})
				if err != nil || len(byID) != 1 {
					t.Errorf("%s does not find %s: %v", name, line.ID, err)
				}
			}
			want := map[models.ID]bool{o.resale.ID: tt.resale, o.advisory.ID: tt.advisory, o.ofReseller.ID: tt.ofReseller, o.loose.ID: tt.loose}
			for customer, sees := range want {
				if seen[customer] != sees {
					t.Errorf("%s sees %s: %t", name, customer, seen[customer])
				}
			}
		}
	})
}

// TestOneRecordReportedByManyAtOnce: whoever comes second finds what the first one brought.
func TestOneRecordReportedByManyAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		at := o.at.Add(-time.Hour)
		var records []billing.UsageRecord
		for i := range 20 {
			records = append(records, hours(fmt.Sprintf("r%d", i), o.resale, "1", at))
		}
		var group sync.WaitGroup
		answers := make([][]billing.UsageResult, 8)
		for i := range answers {
			group.Go(func() {
				done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: records})
				if err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
				answers[i] = done.Results
			})
		}
		group.Wait()
		for i, results := range answers {
			for k, result := range results {
				if result.Error != nil || result.BillLine.ID != answers[0][k].BillLine.ID {
					t.Fatalf("caller %d has another answer: %+v", i, result)
				}
			}
		}
		if n := len(o.lines(o.resale)); n != 20 {
			t.Errorf("%d lines, want 20", n)
		}
	})
}

// catalogQuote is what an on-demand inquiry says that a record costs, with 10 fraction digits.
func (o *office) catalogQuote(c models.Customer, r billing.UsageRecord) (decimal.Decimal, error) {
	precision := 10
	o.catalog.Customers = whole{o}
	quoted, err := o.catalog.OnDemand(o.ctx, self(c), catalog.QuoteOnDemand{Precision: &precision, Products: []catalog.OnDemandProduct{{
		Product: catalog.Product{
			ID: "1", ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: r.SpecCode, Region: r.Region, Size: r.Size, SizeMeasureID: r.SizeMeasureID,
		},
		UsageType: r.UsageType, UsageValue: r.UsageValue, UsageMeasureID: r.UsageMeasureID,
	}}})
	if err != nil || quoted.Quote == nil {
		return decimal.Zero, fmt.Errorf("%w %+v", err, quoted.Problems)
	}
	return quoted.Quote.Official, nil
}
