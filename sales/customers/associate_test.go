package customers_test

import (
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestWhoMayAssociate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := w.create("other", "", "")
		for _, row := range []struct {
			name string
			who  func(models.Customer) models.Principal
			want string
		}{
			{"the customer itself", asCustomer, ""},
			{"the system", func(models.Customer) models.Principal { return models.SystemPrincipal("first-login") }, ""},
			{"an operator", func(models.Customer) models.Principal { return operator() }, ""},
			{"another customer", func(models.Customer) models.Principal { return asCustomer(other) }, "FORBIDDEN"},
			{"the partner that wants it", func(models.Customer) models.Principal { return asPartner(w.provider) }, "FORBIDDEN"},
			{"nobody", func(models.Customer) models.Principal { return models.Principal{} }, "UNAUTHENTICATED"},
		} {
			c := w.create("customer-"+string(w.IDs("x"))[20:], "", "")
			made, err := w.associate(row.who(c), customers.Associate{CustomerID: c.ID, PartnerID: w.provider.ID, Mode: models.Advisory, Source: models.SourceSSO})
			if reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
			found, err := w.ByIDs(w.ctx, operator(), []models.ID{c.ID})
			if err != nil {
				t.Fatal(err)
			}
			if after := found[c.ID]; (after.PartnerID == w.provider.ID && after.Mode == models.Advisory) != (row.want == "") || (made.ID != "") != (row.want == "") {
				t.Errorf("%s: customer is %s's in mode %q", row.name, after.PartnerID, after.Mode)
			}
		}
	})
}

func TestAssociateIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		fresh := func(prepare func(*models.Customer)) models.Customer {
			c := w.create("customer-"+string(w.IDs("x"))[20:], "", "")
			prepare(&c)
			if _, err := db.NewUpdate().Model(&c).Column("frozen", "currency", "cloud", "created_at").WherePK().Exec(w.ctx); err != nil {
				t.Fatal(err)
			}
			return c
		}
		aged := func(age time.Duration) func(*models.Customer) {
			return func(c *models.Customer) { c.CreatedAt = w.at.Add(-age) }
		}
		week := 7 * 24 * time.Hour
		restricted, expired := w.partner("Restricted", models.SolutionProvider, ""), w.partner("Expired", models.SolutionProvider, "")
		w.setState(restricted, models.PartnerRestricted)
		w.setState(expired, models.PartnerExpired)
		under := w.partner("Under", models.CloudReseller, restricted.ID)
		orphan := w.partner("Orphan", models.CloudReseller, "")
		for _, row := range []struct {
			name     string
			customer models.Customer
			cmd      customers.Associate
			want     string
		}{
			{"of its own partner already", w.create("linked", w.provider.ID, models.Resale), customers.Associate{PartnerID: w.provider.ID}, "ALREADY_ASSOCIATED"},
			{"of another partner already", w.create("linked2", w.stranger.ID, models.Advisory), customers.Associate{PartnerID: w.provider.ID}, "ALREADY_ASSOCIATED"},
			{"frozen", fresh(func(c *models.Customer) { c.Frozen = models.FrozenAccount }), customers.Associate{PartnerID: w.provider.ID}, "CUSTOMER_FROZEN"},
			{"7 days old", fresh(aged(week)), customers.Associate{PartnerID: w.provider.ID}, ""},
			{"older than 7 days", fresh(aged(week + time.Microsecond)), customers.Associate{PartnerID: w.provider.ID}, "REPORT_REQUIRED"},
			{"older but reported", fresh(aged(2 * week)), customers.Associate{PartnerID: w.provider.ID, Source: models.SourceReport}, ""},
			{"has paid", fresh(func(c *models.Customer) { w.buyers[c.ID] = true }), customers.Associate{PartnerID: w.provider.ID}, "REPORT_REQUIRED"},
			{"a restricted partner", fresh(aged(0)), customers.Associate{PartnerID: restricted.ID}, "PARTNER_RESTRICTED"},
			{"an expired partner", fresh(aged(0)), customers.Associate{PartnerID: expired.ID}, "PARTNER_RESTRICTED"},
			{"a restricted distributor's reseller", fresh(aged(0)), customers.Associate{PartnerID: under.ID}, "PARTNER_RESTRICTED"},
			{"a reseller without a distributor", fresh(aged(0)), customers.Associate{PartnerID: orphan.ID}, "PARTNER_RESTRICTED"},
			{"an unknown partner", fresh(aged(0)), customers.Associate{PartnerID: w.IDs(models.PrefixPartner)}, "NOT_FOUND"},
			{"an unknown customer", models.Customer{ID: w.IDs(models.PrefixCustomer)}, customers.Associate{PartnerID: w.provider.ID}, "NOT_FOUND"},
			{"another currency", fresh(func(c *models.Customer) { c.Currency = models.USD }), customers.Associate{PartnerID: w.provider.ID}, "OTHER_SITE"},
			{"another cloud", fresh(func(c *models.Customer) { c.Cloud = "other" }), customers.Associate{PartnerID: w.provider.ID}, "OTHER_SITE"},
			{"a customer as partner", fresh(aged(0)), customers.Associate{PartnerID: w.IDs(models.PrefixCustomer)}, "INVALID"},
			{"an unknown mode", fresh(aged(0)), customers.Associate{PartnerID: w.provider.ID, Mode: "GIFT"}, "INVALID"},
		} {
			row.cmd.CustomerID = row.customer.ID
			if _, err := w.associate(asCustomer(row.customer), row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
		}
	})
}

func TestAssociateAtOnceHasOneWinner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.create("wanted", "", "")
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				partner := []models.ID{w.provider.ID, w.stranger.ID}[i%2]
				_, errs[i] = w.associate(asCustomer(c), customers.Associate{CustomerID: c.ID, PartnerID: partner})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if reasonOf(err) != "ALREADY_ASSOCIATED" {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d associations succeeded, want one", won)
		}
	})
}
