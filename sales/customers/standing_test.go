package customers_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// register stands for sales/companies, which lives above this room: it shows its companies to solution providers and distributors.
type register map[models.ID]models.Company

func (r register) ByIDIn(_ context.Context, _ bun.IDB, who models.Principal, id models.ID) (models.Company, bool, error) {
	company, found := r[id]
	return company, found && who.PartnerKind.HasExposure(), nil
}

// known fills the register's table, which reports refer to, with a company of each name.
func (w *world) known(names ...string) []models.Company {
	w.t.Helper()
	load := models.CompanyLoad{ID: w.IDs(models.PrefixCompanyLoad), Label: "test", CreatedAt: w.at}
	_, err := w.DB.NewInsert().Model(&load).Exec(w.ctx)
	all, shown := []models.Company{}, register{}
	for i, name := range names {
		if err != nil {
			break
		}
		c := models.Company{
			ID: w.IDs(models.PrefixCompany), Key: "DE/" + name, Country: "DE", RegistrationNumber: "HRB" + name, Name: name, FormerNames: []string{"Old " + name}, Status: models.CompanyActive,
			CloudProviders: []string{}, Source: "test", AsOf: "2026-11-01", ContentHash: name, LoadID: load.ID, CreatedAt: w.at, UpdatedAt: w.at,
		}
		if i == len(names)-1 {
			c.Status = models.CompanyDeregistered
		}
		_, err = w.DB.NewInsert().Model(&c).Exec(w.ctx)
		all, shown[c.ID] = append(all, c), c
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.Companies = shown
	return all
}

func TestReportsOfTheRegister(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		all := w.known("Alpha AG", "Beta AG", "Gamma AG")
		alpha, beta, gamma := all[0], all[1], all[2]
		report := func(who models.Principal, cmd customers.ReportCustomer) (models.CustomerReport, string) {
			cmd.Email = "a@b.example"
			made, err := w.Report(w.ctx, who, cmd)
			if err != nil {
				return models.CustomerReport{}, reasonOf(err)
			}
			return made.Report, ""
		}
		me := asPartner(w.provider)
		for name, c := range map[string]struct {
			who  models.Principal
			cmd  customers.ReportCustomer
			want string
		}{
			"another name":           {me, customers.ReportCustomer{CompanyID: &alpha.ID, Company: "Beta AG"}, "INVALID"},
			"no company":             {me, customers.ReportCustomer{CompanyID: &w.provider.ID}, "INVALID"},
			"what is no more":        {me, customers.ReportCustomer{CompanyID: &gamma.ID}, "COMPANY_CLOSED"},
			"nobody":                 {me, customers.ReportCustomer{CompanyID: ptr(models.ID("cmp_01h455vb4pex5vsknk084sn02q"))}, "NOT_FOUND"},
			"by a reseller":          {asPartner(w.reseller), customers.ReportCustomer{CompanyID: &alpha.ID}, "NOT_FOUND"},
			"for a reseller":         {asPartner(w.distributor), customers.ReportCustomer{CompanyID: &alpha.ID, PartnerID: &w.reseller.ID}, ""},
			"for another's reseller": {me, customers.ReportCustomer{CompanyID: &alpha.ID, PartnerID: &w.reseller.ID}, "NOT_FOUND"},
		} {
			if _, got := report(c.who, c.cmd); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		first, refused := report(me, customers.ReportCustomer{CompanyID: &alpha.ID, Company: "OLD  alpha ag"})
		if refused != "" || first.Company != "Alpha AG" || first.Number != "HRBAlpha AG" || first.CompanyID != alpha.ID {
			t.Fatalf("%+v, %s", first, refused)
		}
		for name, cmd := range map[string]customers.ReportCustomer{"again": {CompanyID: &alpha.ID}, "by its name": {Company: "alpha AG"}} {
			if _, got := report(me, cmd); got != "COMPANY_REPORTED" {
				t.Errorf("%s: %q", name, got)
			}
		}
		// Its name changes in the register: it is still the same company.
		alpha.Name = "Alpha SE"
		w.Companies = register{alpha.ID: alpha, beta.ID: beta}
		if _, got := report(me, customers.ReportCustomer{CompanyID: &alpha.ID}); got != "COMPANY_REPORTED" {
			t.Errorf("under its new name: %q", got)
		}
		w.at = w.at.Add(customers.DefaultReportValidity + time.Hour)
		if _, got := report(me, customers.ReportCustomer{CompanyID: &alpha.ID}); got != "" {
			t.Errorf("once the first one is over: %q", got)
		}
		w.Companies = nil
		if _, got := report(me, customers.ReportCustomer{CompanyID: &beta.ID}); got != "NOT_FOUND" {
			t.Errorf("without a register: %q", got)
		}
	})
}

// TestStandingsAreOfTheOwnPartnerAlone: neither its reseller's nor anybody else's reports say what a company is to it.
func TestStandingsAreOfTheOwnPartnerAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		all := w.known("Alpha AG", "Beta AG", "Gamma AG")
		refs := make([]customers.CompanyRef, len(all))
		for i, c := range all {
			refs[i] = customers.RefOf(c)
		}
		standings := func(who models.Principal) map[customers.CompanyRef]customers.CompanyStanding {
			ctx, counted := store.CountStatements(w.ctx)
			found, err := w.StandingsOf(ctx, who, refs)
			if err != nil || counted.Count() > 1 {
				t.Fatalf("%v, %d statements", err, counted.Count())
			}
			return found
		}
		report := func(who models.Principal, cmd customers.ReportCustomer) models.CustomerReport {
			cmd.Email = "a@b.example"
			made, err := w.Report(w.ctx, who, cmd)
			if err != nil {
				t.Fatal(err)
			}
			return made.Report
		}
		byID := report(asPartner(w.provider), customers.ReportCustomer{CompanyID: &all[0].ID, AccountName: ptr("alpha-account")})
		byName := report(asPartner(w.provider), customers.ReportCustomer{Company: "beta ag"})
		report(asPartner(w.distributor), customers.ReportCustomer{CompanyID: &all[0].ID, PartnerID: &w.reseller.ID})
		mine := standings(asPartner(w.provider))
		if len(mine) != 2 || mine[refs[0]].Report.ID != byID.ID || mine[refs[1]].Report.ID != byName.ID || *mine[refs[0]].Report.Email != "a@b.example" || mine[refs[0]].CustomerID != "" {
			t.Errorf("%+v", mine)
		}
		for name, who := range map[string]models.Principal{"a stranger": asPartner(w.stranger), "the reseller's distributor": asPartner(w.distributor), "an operator": operator()} {
			if found := standings(who); len(found) > 0 {
				t.Errorf("%s learns %+v", name, found)
			}
		}
		customer := w.create("alpha-account", w.provider.ID, models.Resale)
		if got := standings(asPartner(w.provider))[refs[0]]; got.CustomerID != customer.ID || got.Report != nil {
			t.Errorf("after the association: %+v", got)
		}
		if found := standings(asCustomer(customer)); len(found) > 0 {
			t.Errorf("the customer learns %+v", found)
		}
		if _, err := w.DB.NewUpdate().Table("customers").Set("partner_id = ?", w.stranger.ID).Where("id = ?", customer.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got := standings(asPartner(w.provider))[refs[0]]; got.CustomerID != "" {
			t.Errorf("another's customer by now: %+v", got)
		}
		w.at = w.at.Add(customers.DefaultReportValidity + time.Hour)
		if got, there := standings(asPartner(w.provider))[refs[1]]; there {
			t.Errorf("a report that is over: %+v", got)
		}
		if _, err := w.StandingsOf(w.ctx, models.Principal{}, refs); models.CodeOf(err) != models.CodeUnauthenticated {
			t.Errorf("nobody: %v", err)
		}
	})
}
