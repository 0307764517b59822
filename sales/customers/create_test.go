package customers_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestCreateSealsPersonalData(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		cmd := customers.CreateCustomer{
			Name: "acme_shop", Kind: models.Enterprise, ExternalID: "shop-1", RealName: "Acme Ltd", Email: "Ann@Acme.example",
			Phone: "0086-13800000000", Source: models.SourceSSO, Tag: "spring",
		}
		made, err := w.Create(w.ctx, asPartner(w.provider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if made.PartnerID != w.provider.ID || made.Mode != models.Resale || made.Cloud != "hwc" || made.Currency != models.CNY {
			t.Errorf("created: %+v", made)
		}
		found, err := w.ByIDs(w.ctx, asPartner(w.provider), []models.ID{made.ID})
		if err != nil {
			t.Fatal(err)
		}
		c := found[made.ID]
		if c.RealName == nil || *c.RealName != cmd.RealName || c.Email == nil || *c.Email != cmd.Email || c.Phone == nil || *c.Phone != cmd.Phone {
			t.Errorf("personal data read back: %v %v %v", c.RealName, c.Email, c.Phone)
		}
		var raw struct {
			RealName, Email, Phone []byte
			Blind                  string
		}
		err = db.NewSelect().Table("customers").ColumnExpr("real_name_sealed AS real_name, email_sealed AS email, phone_sealed AS phone, email_blind AS blind").
			Where("id = ?", made.ID).Scan(w.ctx, &raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range [][]byte{raw.RealName, raw.Email, raw.Phone, []byte(raw.Blind)} {
			if len(column) == 0 || bytes.Contains(bytes.ToLower(column), []byte("acme")) || bytes.Contains(column, []byte("138")) {
				t.Errorf("a column is not sealed: %q", column)
			}
		}
		var events []models.Event
		if err := db.NewSelect().Model(&events).OrderExpr("ev.id").Scan(w.ctx); err != nil || len(events) != 2 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if diff := cmp.Diff([]string{"name", "externalId", "realName", "email", "phone"}, events[0].Fields); diff != "" {
			t.Error(diff)
		}
		in, err := w.AssociationsFor(w.ctx, asPartner(w.provider), []models.ID{made.ID})
		if a := in[made.ID]; err != nil || a.Source != models.SourceSSO || a.Tag != "spring" || a.Mode != models.Resale || !a.Since.Equal(w.at) {
			t.Errorf("association: %+v, %v", a, err)
		}
	})
}

func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		mine, restricted := asPartner(w.provider), w.partner("Restricted", models.SolutionProvider, "")
		w.setState(restricted, models.PartnerRestricted)
		if _, err := w.Create(w.ctx, mine, customers.CreateCustomer{Name: "taken", ExternalID: "shop-1"}); err != nil {
			t.Fatal(err)
		}
		buyer := asCustomer(w.create("buyer", "", ""))
		buyer.Permissions = models.AllPermissions()
		for _, row := range []struct {
			name, field string
			who         models.Principal
			cmd         customers.CreateCustomer
			want        string
		}{
			{"a taken name", "accountName", mine, customers.CreateCustomer{Name: "taken"}, "CONFLICT"},
			{"a taken external id", "externalId", mine, customers.CreateCustomer{Name: "other", ExternalID: "shop-1"}, "CONFLICT"},
			{"the same external id at another partner", "", asPartner(w.stranger), customers.CreateCustomer{Name: "other", ExternalID: "shop-1"}, ""},
			{"a name of 4", "accountName", mine, customers.CreateCustomer{Name: "abcd"}, "INVALID"},
			{"a name of 33", "accountName", mine, customers.CreateCustomer{Name: strings.Repeat("a", 33)}, "INVALID"},
			{"a reserved name", "accountName", mine, customers.CreateCustomer{Name: "OP_admin"}, "INVALID"},
			{"an unknown kind", "kind", mine, customers.CreateCustomer{Name: "fresh", Kind: "ROBOT"}, "INVALID"},
			{"an unknown mode", "mode", mine, customers.CreateCustomer{Name: "fresh", Mode: "GIFT"}, "INVALID"},
			{"an unknown source", "source", mine, customers.CreateCustomer{Name: "fresh", Source: "GIFT"}, "INVALID"},
			{"a long tag", "tag", mine, customers.CreateCustomer{Name: "fresh", Tag: strings.Repeat("x", 65)}, "INVALID"},
			{"a long external id", "externalId", mine, customers.CreateCustomer{Name: "fresh", ExternalID: strings.Repeat("x", 129)}, "INVALID"},
			{"a real name with a line break", "realName", mine, customers.CreateCustomer{Name: "fresh", RealName: "a\nb"}, "INVALID"},
			{"half an e-mail address", "email", mine, customers.CreateCustomer{Name: "fresh", Email: "ann@"}, "INVALID"},
			{"two e-mail addresses", "email", mine, customers.CreateCustomer{Name: "fresh", Email: "a@b.example,c@d.example"}, "INVALID"},
			{"a phone without a country", "phone", mine, customers.CreateCustomer{Name: "fresh", Phone: "13800000000"}, "INVALID"},
			{"a customer as partner", "partnerId", operator(), customers.CreateCustomer{Name: "fresh", PartnerID: buyer.CustomerID}, "INVALID"},
			{"no partner and no cloud", "partnerId", operator(), customers.CreateCustomer{Name: "fresh"}, "INVALID"},
			{"for another partner", "", mine, customers.CreateCustomer{Name: "fresh", PartnerID: w.stranger.ID}, "NOT_FOUND"},
			{"a reseller for its distributor", "", asPartner(w.reseller), customers.CreateCustomer{Name: "fresh", PartnerID: w.distributor.ID}, "NOT_FOUND"},
			{"a distributor for its reseller", "", asPartner(w.distributor), customers.CreateCustomer{Name: "of-reseller", PartnerID: w.reseller.ID}, ""},
			{"a restricted partner", "", asPartner(restricted), customers.CreateCustomer{Name: "fresh"}, "PARTNER_RESTRICTED"},
			{"a customer", "", buyer, customers.CreateCustomer{Name: "fresh"}, "FORBIDDEN"},
			{"without the permission", "", models.Principal{Kind: models.PartnerKey, PartnerID: w.provider.ID}, customers.CreateCustomer{Name: "fresh"}, "FORBIDDEN"},
			{"nobody", "", models.Principal{}, customers.CreateCustomer{Name: "fresh"}, "UNAUTHENTICATED"},
		} {
			_, err := w.Create(w.ctx, row.who, row.cmd)
			if reasonOf(err) != row.want || fieldOf(err) != row.field {
				t.Errorf("%s: %v on %q, want %q on %q", row.name, err, fieldOf(err), row.want, row.field)
			}
		}
		found, err := w.Find(w.ctx, operator(), customers.CustomerFilter{Query: ptr("fresh")}, models.PageArgs{})
		if err != nil || len(found.Edges) != 0 {
			t.Errorf("%d refused customers were written, %v", len(found.Edges), err)
		}
	})
}

func fieldOf(err error) string {
	if e, ok := err.(*models.Error); ok {
		return e.Field
	}
	return ""
}
