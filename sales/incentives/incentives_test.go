package incentives_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type office struct {
	*incentives.Service
	t                               *testing.T
	distributor, reseller, provider models.ID
}

func newOffice(t *testing.T, db *store.DB) *office {
	o := &office{t: t, Service: &incentives.Service{DB: db, Now: func() time.Time { return noon }, IDs: models.RandomIDs(), Cloud: "sim"}}
	partner := func(kind models.PartnerKind, parent models.ID) models.ID {
		p := models.Partner{ID: o.IDs(models.PrefixPartner), Cloud: "sim", Kind: kind, Name: "P", ParentID: parent, Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon}
		if _, err := db.NewInsert().Model(&p).Exec(context.Background()); err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	o.distributor = partner(models.Distributor, "")
	o.reseller = partner(models.CloudReseller, o.distributor)
	o.provider = partner(models.SolutionProvider, "")
	return o
}

func (o *office) put(statement models.IncentiveStatement, lines ...models.IncentiveLine) (written models.IncentiveStatement, full []models.IncentiveLine, err error) {
	err = o.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		written, full, err = o.Put(ctx, tx, statement, lines)
		return err
	})
	return written, full, err
}

// statement puts one with n lines of 1.00 at 8 %.
func (o *office) statement(partner models.ID, period models.BillingCycle, n int) models.IncentiveStatement {
	o.t.Helper()
	lines := slices.Repeat([]models.IncentiveLine{line(100, "0.08", 8)}, n)
	written, _, err := o.put(models.IncentiveStatement{
		PartnerID: partner, Period: period, Status: models.StatementDone, Currency: models.CNY,
		PerformanceMinor: int64(n) * 100, TotalMinor: int64(n) * 8,
	}, lines...)
	if err != nil {
		o.t.Fatal(err)
	}
	return written
}

func line(performance int64, rate string, amount int64) models.IncentiveLine {
	return models.IncentiveLine{ServiceType: "ecs", Currency: models.CNY, PerformanceMinor: performance, Rate: decimal.RequireFromString(rate), AmountMinor: amount}
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: []models.Permission{models.ReadIncentives}}
}

func (o *office) partner(id models.ID, kind models.PartnerKind) models.Principal {
	return models.Principal{Kind: models.PartnerKey, PartnerID: id, PartnerKind: kind, Permissions: []models.Permission{models.ReadIncentives}}
}

func ids[T models.Identified](c models.Connection[T]) []models.ID {
	var found []models.ID
	for _, node := range c.Nodes() {
		found = append(found, node.NodeID())
	}
	return found
}

func TestPutChecksTheFigures(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		good := models.IncentiveStatement{PartnerID: o.provider, Period: "2026-10", Status: models.StatementToConfirm, Currency: models.CNY, PerformanceMinor: 1505, TotalMinor: 121}
		lines := []models.IncentiveLine{line(1005, "0.1", 101), line(500, "0.04", 20)} // 100.5 rounds away from zero
		dollars := line(500, "0.04", 20)
		dollars.Currency = models.USD
		changed := func(change func(s *models.IncentiveStatement)) models.IncentiveStatement {
			s := good
			change(&s)
			return s
		}
		for name, tt := range map[string]struct {
			statement models.IncentiveStatement
			lines     []models.IncentiveLine
			field     string
		}{
			"a line's amount":      {good, []models.IncentiveLine{line(1005, "0.1", 100), line(500, "0.04", 21)}, "lines[0]"},
			"a rate over one":      {good, []models.IncentiveLine{line(1005, "1.1", 1106)}, "lines[0]"},
			"another total":        {changed(func(s *models.IncentiveStatement) { s.TotalMinor++ }), lines, "total"},
			"another performance":  {changed(func(s *models.IncentiveStatement) { s.PerformanceMinor-- }), lines, "total"},
			"no lines for a total": {good, nil, "total"},
			"two currencies":       {good, []models.IncentiveLine{lines[0], dollars}, "currency"},
			"no month":             {changed(func(s *models.IncentiveStatement) { s.Period = "2026-13" }), lines, "period"},
			"no partner":           {changed(func(s *models.IncentiveStatement) { s.PartnerID = "cus_1" }), lines, "partnerId"},
			"no currency":          {changed(func(s *models.IncentiveStatement) { s.Currency = "EUR" }), lines, "currency"},
		} {
			_, _, err := o.put(tt.statement, tt.lines...)
			if e := (*models.Error)(nil); models.CodeOf(err) != models.CodeInvalid || !errors.As(err, &e) || e.Field != tt.field {
				t.Errorf("%s: got %v, want INVALID of %q", name, err, tt.field)
			}
		}

		written, full, err := o.put(good, lines...)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := o.StatementsByIDs(context.Background(), operator(), []models.ID{written.ID})
		if err != nil || stored[written.ID].TotalMinor != 121 || stored[written.ID].Period != "2026-10" {
			t.Errorf("stored: %+v, %v", stored, err)
		}
		pages, err := o.FindLinesForStatements(context.Background(), operator(), []models.ID{written.ID}, models.PageArgs{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(full, pages[written.ID].Nodes()); diff != "" {
			t.Errorf("lines (-written +read):\n%s", diff)
		}
		if _, _, err := o.put(good, lines...); models.CodeOf(err) != models.CodeConflict {
			t.Errorf("a second statement of the period: %v, want CONFLICT", err)
		}
	})
}

func TestFindStatementsFiltersWithinTheScope(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		september, october := o.statement(o.distributor, "2026-09", 1), o.statement(o.distributor, "2026-10", 1)
		others := o.statement(o.provider, "2026-10", 1)
		period := models.BillingCycle("2026-10")
		customer := models.Principal{Kind: models.CustomerUser, CustomerID: "cus_01h455vb4pex5vsknk084sn02q", Permissions: []models.Permission{models.ReadIncentives}}
		distributor := o.partner(o.distributor, models.Distributor)
		for name, tt := range map[string]struct {
			who    models.Principal
			filter incentives.StatementFilter
			want   []models.ID
		}{
			"an operator sees all":             {operator(), incentives.StatementFilter{}, []models.ID{others.ID, october.ID, september.ID}},
			"by partner":                       {operator(), incentives.StatementFilter{PartnerID: &o.distributor}, []models.ID{october.ID, september.ID}},
			"by period":                        {operator(), incentives.StatementFilter{Period: &period}, []models.ID{others.ID, october.ID}},
			"by status":                        {operator(), incentives.StatementFilter{Status: []models.StatementStatus{models.StatementDone}}, []models.ID{others.ID, october.ID, september.ID}},
			"by another status":                {operator(), incentives.StatementFilter{Status: []models.StatementStatus{models.StatementIssuing}}, nil},
			"no status at all":                 {operator(), incentives.StatementFilter{Status: []models.StatementStatus{}}, nil},
			"a distributor sees its own":       {distributor, incentives.StatementFilter{}, []models.ID{october.ID, september.ID}},
			"another's are nothing":            {distributor, incentives.StatementFilter{PartnerID: &o.provider}, nil},
			"a reseller has none, P12":         {o.partner(o.reseller, models.CloudReseller), incentives.StatementFilter{}, nil},
			"a customer sees none":             {customer, incentives.StatementFilter{}, nil},
			"its distributor's are not for it": {o.partner(o.reseller, models.CloudReseller), incentives.StatementFilter{PartnerID: &o.distributor}, nil},
		} {
			got, err := o.FindStatements(context.Background(), tt.who, tt.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(tt.want, ids(got)); diff != "" || *got.TotalCount != len(tt.want) {
				t.Errorf("%s: total %d (-want +got):\n%s", name, *got.TotalCount, diff)
			}
		}
		seen, err := o.StatementsByIDs(context.Background(), distributor, []models.ID{september.ID, others.ID})
		if _, own := seen[september.ID]; err != nil || len(seen) != 1 || !own {
			t.Errorf("by ids: %+v, %v", seen, err)
		}
		wrong := models.ID("cus_01h455vb4pex5vsknk084sn02q")
		if _, err := o.FindStatements(context.Background(), operator(), incentives.StatementFilter{PartnerID: &wrong}, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a customer as partner: %v", err)
		}
	})
}

func TestNestedPagesTakeOneStatementForAllParents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		a1, a2, a3 := o.statement(o.distributor, "2026-08", 3), o.statement(o.distributor, "2026-09", 1), o.statement(o.distributor, "2026-10", 0)
		b1 := o.statement(o.provider, "2026-10", 2)
		two := 2

		ctx, counter := store.CountStatements(context.Background())
		got, err := o.FindStatementsForPartners(ctx, operator(), []models.ID{o.distributor, o.reseller, o.provider}, models.PageArgs{First: &two, WantTotal: true})
		if err != nil || counter.Count() != 2 {
			t.Fatalf("%v, statements: %v, want two", err, counter.Statements())
		}
		if diff := cmp.Diff([][]models.ID{{a3.ID, a2.ID}, {b1.ID}, nil}, [][]models.ID{ids(got[o.distributor]), ids(got[o.provider]), ids(got[o.reseller])}); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		if n, m := *got[o.distributor].TotalCount, *got[o.reseller].TotalCount; n != 3 || m != 0 || !got[o.distributor].PageInfo.HasNextPage || got[o.provider].PageInfo.HasNextPage {
			t.Errorf("totals %d and %d, or who has more, are wrong", n, m)
		}
		next, err := o.FindStatementsForPartners(context.Background(), operator(), []models.ID{o.distributor}, models.PageArgs{First: &two, After: got[o.distributor].PageInfo.EndCursor})
		if diff := cmp.Diff([]models.ID{a1.ID}, ids(next[o.distributor])); diff != "" || err != nil {
			t.Errorf("the next page: %v (-want +got):\n%s", err, diff)
		}

		ctx, counter = store.CountStatements(context.Background())
		lines, err := o.FindLinesForStatements(ctx, o.partner(o.distributor, models.Distributor), []models.ID{a1.ID, a2.ID, a3.ID, b1.ID}, models.PageArgs{First: &two, WantTotal: true})
		if err != nil || counter.Count() != 2 {
			t.Fatalf("%v, statements: %v, want two", err, counter.Statements())
		}
		shown, totals := []int{}, []int{}
		for _, statement := range []models.IncentiveStatement{a1, a2, a3, b1} {
			shown, totals = append(shown, len(lines[statement.ID].Edges)), append(totals, *lines[statement.ID].TotalCount)
		}
		if diff := cmp.Diff([][]int{{2, 1, 0, 0}, {3, 1, 0, 0}}, [][]int{shown, totals}); diff != "" {
			t.Errorf("lines shown and counted, none of them another partner's (-want +got):\n%s", diff)
		}
	})
}

func TestIncentivesNeedThePermission(t *testing.T) {
	t.Parallel()
	o := newOffice(t, storetest.SQLite(t))
	for who, code := range map[*models.Principal]models.Code{
		{}: models.CodeUnauthenticated, {Kind: models.PartnerKey, PartnerID: o.provider}: models.CodeForbidden,
	} {
		_, find := o.FindStatements(context.Background(), *who, incentives.StatementFilter{}, models.PageArgs{})
		_, nested := o.FindStatementsForPartners(context.Background(), *who, nil, models.PageArgs{})
		_, byID := o.StatementsByIDs(context.Background(), *who, nil)
		_, lines := o.FindLinesForStatements(context.Background(), *who, nil, models.PageArgs{})
		for _, err := range []error{find, nested, byID, lines} {
			if models.CodeOf(err) != code {
				t.Errorf("%q: got %v, want %s", who.Kind, err, code)
			}
		}
	}
}
