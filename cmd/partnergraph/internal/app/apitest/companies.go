package apitest

import (
	"context"
	"strings"
	"testing"

	examples "github.com/partnergraph/partnergraph/examples/companies"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
)

// inform loads the example companies, one by one, so that there are several loads.
func (w *World) inform(ctx context.Context, t *testing.T) {
	t.Helper()
	for line := range strings.Lines(examples.JSONL) {
		_, err := w.Companies.Load(ctx, w.who, companies.LoadCompanies{Label: "world", Content: line})
		must(t, err)
	}
}

// Company is the example company with this English name.
func (w *World) Company(t *testing.T, nameEn string) models.ID {
	t.Helper()
	var row models.Company
	must(t, w.DB.NewSelect().Model(&row).Where("name_en = ?", nameEn).Scan(t.Context()))
	return row.ID
}

// indexCompanies learns what the register has, which is the same for everybody who looks companies up.
func (w *World) indexCompanies(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, table := range []string{
		"companies", "company_loads", "company_relations", "company_financings", "company_offerings", "company_rankings", "company_rights",
	} {
		var ids []models.ID
		must(t, w.DB.NewSelect().Table(table).Column("id").Scan(ctx, &ids))
		for _, id := range ids {
			w.owners[id] = holder{}
		}
	}
}

// companyCalls are those of the register.
func companyCalls() calls {
	return calls{
		"loadCompanies": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"label": "audited", "content": `{"country": "DE", "registrationNumber": "HRB 1", "name": "Audited", "status": "ACTIVE", "source": "a test", "asOf": "2026-11-01"}`}}
		},
	}
}
