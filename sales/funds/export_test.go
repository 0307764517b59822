package funds_test

import (
	stdcmp "cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func tokenOf(ready funds.ExportReady) string {
	return strings.TrimPrefix(ready.URL, "https://shop.example/exports/")
}

// download takes an export and returns its lines.
func (b *books) download(who models.Principal, token string) ([]models.StatementEntry, error) {
	export, err := b.OpenExport(context.Background(), who, token)
	if err != nil {
		return nil, err
	}
	var all []models.StatementEntry
	err = export.Pages(context.Background(), time.Minute, func(page []models.StatementEntry) error {
		all = append(all, page...)
		return nil
	})
	return all, err
}

func TestAnExportIsTheStatementUntilItWasAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		ledgerOfOne(b)
		who := b.as(b.distributor)
		for name, q := range map[string]funds.StatementQuery{
			"its own": {}, "a customer's": {StatementFilter: funds.StatementFilter{CustomerID: &b.resale}},
			"with a customer, filtered": {PartnerID: &b.distributor, StatementFilter: funds.StatementFilter{
				CustomerID: &b.resale, Direction: ptr(models.Income), AccountTypes: []models.AccountKind{models.AccountBalance},
			}},
			"of no kind": {StatementFilter: funds.StatementFilter{TradeTypes: []models.TransferKind{}}},
		} {
			want := b.whole(who, q, 4, false)
			ready, err := b.ExportStatement(context.Background(), who, q)
			b.want(err, "")
			if !ready.ExpiresAt.Equal(b.now.Add(5*time.Minute)) || len(tokenOf(ready)) != 43 {
				t.Errorf("%s: %+v", name, ready)
			}
			b.now = b.now.Add(time.Minute)
			b.give(models.OwnerPartner, b.distributor, models.AccountBalance, "CNY", 1, 0) // too late for the file
			got, err := b.download(who, tokenOf(ready))
			b.want(err, "")
			if diff := cmp.Diff(briefs(want), briefs(got)); diff != "" {
				t.Errorf("%s (-statement +export):\n%s", name, diff)
			}
		}
	})
}

// An export of more lines than one reading fetches has each once, and its amounts make the balance.
func TestALongExportIsWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		manyLines(b, 3000)
		// Another account has a line on the second and on the last page, of the very moments of others.
		for _, ago := range []time.Duration{1500 * time.Minute, 3 * time.Minute} {
			b.now = noon.Add(-ago)
			b.give(models.OwnerPartner, b.distributor, models.AccountBonus, "CNY", 1, 0)
		}
		b.now = noon
		who := b.as(b.distributor)
		ready, err := b.ExportStatement(context.Background(), who, funds.StatementQuery{})
		b.want(err, "")
		lines, err := b.download(who, tokenOf(ready))
		b.want(err, "")
		seen, sum := map[models.ID]bool{}, int64(0)
		for _, line := range lines {
			seen[line.ID] = true
			sum += line.Amount.Minor
		}
		sorted := slices.IsSortedFunc(lines, func(x, y models.StatementEntry) int {
			return stdcmp.Or(y.CreatedAt.Compare(x.CreatedAt), strings.Compare(string(y.AccountID), string(x.AccountID)), int(y.Version-x.Version))
		})
		if len(lines) != 3003 || len(seen) != 3003 || sum != 3003 || !sorted {
			t.Errorf("%d lines, %d of them once, %d in all, in order %t", len(lines), len(seen), sum, sorted)
		}
		for most, refused := range map[int]string{3003: "", 3002: "TOO_MANY_LINES"} {
			b.MaxExportLines = most
			_, err = b.ExportStatement(context.Background(), who, funds.StatementQuery{})
			b.want(err, refused)
		}
	})
}

func TestAnExportWorksOnceAndForItsOrganisation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		b.give(models.OwnerPartner, b.distributor, models.AccountBalance, "CNY", 100, 0)
		who := b.as(b.distributor)
		ask := func(q funds.StatementQuery) string {
			ready, err := b.ExportStatement(context.Background(), who, q)
			b.want(err, "")
			return tokenOf(ready)
		}
		token := ask(funds.StatementQuery{})
		var kept []models.StatementExport
		b.want(db.NewSelect().Model(&kept).Scan(context.Background()), "")
		if len(kept) != 1 || strings.Contains(string(kept[0].TokenHash), token) || len(kept[0].TokenHash) != 32 {
			t.Errorf("kept: %+v", kept)
		}
		for name, tt := range map[string]struct {
			who     models.Principal
			token   string
			refused string
		}{
			"nobody":                 {models.Principal{}, token, "UNAUTHENTICATED"},
			"without the permission": {models.Principal{Kind: models.PartnerKey, PartnerID: b.distributor}, token, "FORBIDDEN"},
			"a stranger":             {b.as(b.stranger), token, "NOT_FOUND"},
			"its reseller":           {b.as(b.reseller), token, "NOT_FOUND"},
			"an operator":            {operator(), token, "NOT_FOUND"},
			"a made-up token":        {who, "AAAA" + token[4:], "NOT_FOUND"},
			"no token":               {who, "", "NOT_FOUND"},
		} {
			_, err := b.download(tt.who, tt.token)
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
		// Whoever tried in vain has not used it up; of many at once one gets it.
		got := map[string]int{}
		for _, answer := range atOnce(8, func(int) string {
			_, err := b.download(who, token)
			return refusal(err)
		}) {
			got[answer]++
		}
		if diff := cmp.Diff(map[string]int{"": 1, "NOT_FOUND": 7}, got); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}

		late := ask(funds.StatementQuery{})
		b.now = b.now.Add(5 * time.Minute)
		_, err := b.download(who, late)
		b.want(err, "NOT_FOUND")

		// Whether the ledger may be read is asked again.
		customers := ask(funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.resale}})
		_, err = db.NewUpdate().Model((*models.Customer)(nil)).Set("mode = ?", models.Advisory).Where("id = ?", b.resale).Exec(context.Background())
		b.want(err, "")
		_, err = b.download(who, customers)
		b.want(err, "NOT_FOUND")

		waiting := ask(funds.StatementQuery{})
		n, err := b.SweepExports(context.Background())
		if err != nil || n != 0 {
			t.Errorf("swept %d too early, %v", n, err)
		}
		_, err = b.download(who, waiting)
		b.want(err, "")
		ask(funds.StatementQuery{})
		b.now = b.now.Add(5 * time.Minute)
		if n, err = b.SweepExports(context.Background()); err != nil || n != 1 {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func TestExportsThatAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBooks(t, db)
		for name, tt := range map[string]struct {
			who     models.Principal
			q       funds.StatementQuery
			refused string
		}{
			"nobody":                           {models.Principal{}, funds.StatementQuery{}, "UNAUTHENTICATED"},
			"without the permission":           {models.Principal{Kind: models.PartnerKey, PartnerID: b.distributor}, funds.StatementQuery{}, "FORBIDDEN"},
			"an operator that says not whose":  {operator(), funds.StatementQuery{}, "INVALID partnerId"},
			"a stranger's":                     {b.as(b.stranger), funds.StatementQuery{PartnerID: &b.distributor}, "NOT_FOUND"},
			"the distributor's, by a reseller": {b.as(b.reseller), funds.StatementQuery{PartnerID: &b.distributor}, "NOT_FOUND"},
			"an advisory customer's (M02)":     {b.as(b.distributor), funds.StatementQuery{StatementFilter: funds.StatementFilter{CustomerID: &b.advisory}}, "NOT_FOUND"},
			"from after to":                    {b.as(b.distributor), funds.StatementQuery{StatementFilter: funds.StatementFilter{From: ptr(noon), To: ptr(noon)}}, "INVALID from"},
		} {
			_, err := b.ExportStatement(context.Background(), tt.who, tt.q)
			if got := refusal(err); got != tt.refused {
				t.Errorf("%s: %q, want %q", name, got, tt.refused)
			}
		}
		kept, err := db.NewSelect().Model((*models.StatementExport)(nil)).Count(context.Background())
		if err != nil || kept != 0 {
			t.Errorf("%d kept, %v", kept, err)
		}
	})
}
