package federation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// bound binds a person of acme's account to the first customer's user.
func (w *world) bound(t *testing.T, xUserID string) models.ID {
	t.Helper()
	var id models.ID
	must(t, w.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		got, err := w.BindIn(ctx, tx, models.SystemPrincipal("test"), federation.Binding{
			PlatformID: "acme_IDP", XAccountID: "acc", XUserID: xUserID, CustomerID: w.customers[0], UserID: w.users[0],
		})
		if err == nil {
			id = got.Person.ID
		}
		return err
	}))
	return id
}

// TestUnbind walks the states of domain 4.2 "Federated identity": bound, unbound, and bound again by a later first login.
func TestUnbind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx, who := newWorld(t, db), t.Context(), models.SystemPrincipal("test")
		first, second := w.bound(t, "one"), w.bound(t, "two")
		done, err := w.Unbind(ctx, who, federation.UnbindIdentity{IdentityID: first})
		must(t, err)
		row := done.BindNotification
		if row.BindAction() != models.BindActionUnbind || row.IdentityID != first || row.XUserID != "one" || row.State() != models.NotificationSent || done.Delivery.URL == nil {
			t.Errorf("%+v", done)
		}
		if want := "acc one UNBIND buyer-" + string(w.users[0]) + " " + row.Nonce; done.Delivery.BindRequest != want {
			t.Errorf("told %q, want %q", done.Delivery.BindRequest, want)
		}
		if diff := cmp.Diff([]string{"acme_IDP " + string(w.users[0])}, w.ended); diff != "" {
			t.Errorf("sessions ended: %s", diff)
		}
		// The account stays with its other person, and goes with the last.
		if known, found, err := w.FindIdentity(ctx, "acme_IDP", "acc", "one"); err != nil || !found || known.Person != nil {
			t.Errorf("%+v %v %v", known, found, err)
		}
		again, err := w.Unbind(ctx, who, federation.UnbindIdentity{IdentityID: first})
		must(t, err)
		if again.BindNotification.ID != row.ID || again.BindNotification.Nonce == row.Nonce || len(w.ended) != 1 {
			t.Errorf("unbinding again: %+v, sessions %v", again.BindNotification, w.ended)
		}
		w.noURL = true
		last, err := w.Unbind(ctx, who, federation.UnbindIdentity{IdentityID: second})
		must(t, err)
		if last.Delivery.URL != nil || last.Delivery.BindRequest == "" {
			t.Errorf("a platform without address: %+v", last.Delivery)
		}
		if _, found, err := w.FindIdentity(ctx, "acme_IDP", "acc", "two"); err != nil || found {
			t.Errorf("the account stays without people: %v %v", found, err)
		}
		if w.bound(t, "one") == first {
			t.Error("binding anew revives the old binding")
		}
	})
}

// TestWhoMayUnbind: partners with the permission, and people their own binding only.
func TestWhoMayUnbind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		partner, stranger := w.exposed(t, db), models.RandomIDs()(models.PrefixPartner)
		_, err := db.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = ?", partner).Where("id = ?", w.customers[0]).Exec(t.Context())
		must(t, err)
		may := func(p models.Principal, permissions ...models.Permission) models.Principal {
			p.Permissions = permissions
			return p
		}
		person := func(customer, user int) models.Principal {
			return models.Principal{Kind: models.CustomerUser, CustomerID: w.customers[customer], UserID: w.users[user]}
		}
		for name, c := range map[string]struct {
			who  models.Principal
			want models.Code
		}{
			"nobody":                       {models.Principal{}, models.CodeUnauthenticated},
			"partner":                      {may(models.Principal{Kind: models.PartnerKey, PartnerID: partner}, models.WriteCustomers), ""},
			"partner without permission":   {may(models.Principal{Kind: models.PartnerKey, PartnerID: partner}, models.ReadCustomers), models.CodeForbidden},
			"another partner":              {may(models.Principal{Kind: models.PartnerKey, PartnerID: stranger}, models.WriteCustomers), models.CodeNotFound},
			"the person":                   {person(0, 0), ""},
			"a colleague":                  {person(0, 1), models.CodeNotFound},
			"a person of another customer": {person(1, 1), models.CodeNotFound},
			"the customer's key":           {models.Principal{Kind: models.CustomerUser, CustomerID: w.customers[0], KeyID: "key_x"}, models.CodeForbidden},
		} {
			id := w.bound(t, "one")
			_, err := w.Unbind(t.Context(), c.who, federation.UnbindIdentity{IdentityID: id})
			if got := models.CodeOf(err); got != c.want {
				t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
			}
		}
		if _, err := w.Unbind(t.Context(), models.SystemPrincipal("test"), federation.UnbindIdentity{IdentityID: "cus_x"}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("an id of another kind: %v", err)
		}
	})
}

// TestLeavingTellsAndEndsSessions: the end of an association ends what the platform signed in to, and the platform is to be told.
func TestLeavingTellsAndEndsSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		ids := []models.ID{w.bound(t, "one"), w.bound(t, "two")}
		must(t, db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return w.LeaveIn(ctx, tx, models.SystemPrincipal("test"), models.Customer{ID: w.customers[0], Name: "buyer-a"})
		}))
		for _, id := range ids {
			row, found, err := w.NotificationFor(ctx, id)
			must(t, err)
			if !found || row.BindAction() != models.BindActionUnbind || row.State() != models.NotificationPending || row.CustomerName != "buyer-a" {
				t.Errorf("%v %+v", found, row)
			}
		}
		if len(w.ended) != 2 || !strings.HasPrefix(w.ended[0], "acme_IDP ") {
			t.Errorf("sessions ended: %v", w.ended)
		}
	})
}

// TestAResellersCustomersLeaveItsDistributorsPlatform: the end of a cooperation unbinds those of the reseller's customers that are bound, and
// nobody else's.
func TestAResellersCustomersLeaveItsDistributorsPlatform(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		id := w.bound(t, "one")
		var customer models.Customer
		must(t, db.NewSelect().Model(&customer).Where("c.id = ?", w.customers[0]).Scan(ctx))
		reseller := models.Partner{ID: w.IDs(models.PrefixPartner), Cloud: "sim", Kind: models.CloudReseller, Currency: models.CNY}
		_, err := db.NewInsert().Model(&reseller).Exec(ctx)
		must(t, err)
		customer.PartnerID = reseller.ID
		_, err = db.NewUpdate().Model(&customer).Column("partner_id").WherePK().Exec(ctx)
		must(t, err)
		part := func(partner models.ID) {
			must(t, db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				return w.PartIn(ctx, tx, models.SystemPrincipal("test"), models.Partner{ID: partner, ParentID: "par_distributor"})
			}))
		}
		bound := func() int {
			n, err := db.NewSelect().Table("federated_accounts").Where("customer_id = ?", customer.ID).Count(ctx)
			must(t, err)
			return int(n)
		}
		before := bound()
		if part("par_another"); before == 0 || bound() != before {
			t.Fatalf("%d accounts before, %d after another reseller left", before, bound())
		}
		part(customer.PartnerID)
		if row, found, err := w.NotificationFor(ctx, id); err != nil || !found || row.BindAction() != models.BindActionUnbind || bound() != 0 || len(w.ended) != 1 {
			t.Errorf("%v %v %+v, %d accounts, ended %v", err, found, row, bound(), w.ended)
		}
	})
}

// TestTestLogin: a link works once, a report is sealed, read by its partner and gone after a day.
func TestTestLogin(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		who := models.SystemPrincipal("test")
		if _, err := w.CreateTest(ctx, who, federation.CreateTestLogin{PartnerID: models.RandomIDs()(models.PrefixPartner)}); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("a partner without a platform: %v", err)
		}
		if _, err := w.CreateTest(ctx, models.Principal{Kind: models.PartnerKey, Permissions: []models.Permission{models.ReadExposure}}, federation.CreateTestLogin{}); models.CodeOf(err) != models.CodeForbidden {
			t.Errorf("who may only read: %v", err)
		}
		if _, err := w.BeginTest(ctx, "acme_IDP", "never"); err != federation.ErrUnknownRequest {
			t.Errorf("a token that never was: %v", err)
		}
		partner := w.exposed(t, db)
		made, err := w.CreateTest(ctx, who, federation.CreateTestLogin{PartnerID: partner})
		must(t, err)
		link, token, _ := strings.Cut(made.URL, "testLogin=")
		if !strings.HasPrefix(link, "https://sales.example.com/saml/login?") || !strings.Contains(made.URL, "xAccountType=acme_IDP") || made.TestLogin.State != models.TestWaiting {
			t.Errorf("%+v", made)
		}
		token, _, _ = strings.Cut(token, "&")
		if _, err := w.BeginTest(ctx, "other_IDP", token); err != federation.ErrUnknownRequest {
			t.Errorf("another platform's link: %v", err)
		}
		id, err := w.BeginTest(ctx, "acme_IDP", token)
		must(t, err)
		if _, err := w.BeginTest(ctx, "acme_IDP", token); err != federation.ErrUnknownRequest || id != made.TestLogin.ID {
			t.Errorf("the link works twice: %v", err)
		}
		report := models.TestReport{Accepted: true, NameID: "secret-name", Checks: []models.TestCheck{{Name: "AUDIENCE", Verdict: models.TestPassed}}}
		must(t, w.FinishTest(ctx, id, report))
		must(t, w.FinishTest(ctx, id, models.TestReport{NameID: "second"}))
		read := func() models.TestLogin {
			found, err := w.TestLoginsByIDs(ctx, who, []models.ID{id})
			must(t, err)
			return found[id]
		}
		got := read()
		if diff := cmp.Diff(&report, got.Report); diff != "" || got.State != models.TestDone {
			t.Errorf("%s %s", got.State, diff)
		}
		if strings.Contains(string(got.ReportSealed), "secret-name") {
			t.Error("what the assertion said is not sealed")
		}
		w.now = w.now.Add(24 * time.Hour)
		if got := read(); got.State != models.TestExpired || got.Report != nil {
			t.Errorf("after a day: %s %v", got.State, got.Report)
		}
		w.now = w.now.Add(11 * time.Minute)
		swept, err := w.Sweep(ctx)
		must(t, err)
		if swept.TestLogins != 1 {
			t.Errorf("%+v", swept)
		}
	})
}

// exposed gives a new partner the platform acme_IDP.
func (w *world) exposed(t *testing.T, db *store.DB) models.ID {
	t.Helper()
	ids := models.RandomIDs()
	partner := models.Partner{
		ID: ids(models.PrefixPartner), Cloud: "hws", Kind: models.SolutionProvider, Name: "acme", Level: models.LevelLeading, Country: "CN",
		SigningEntity: "Cloud", Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
	}
	_, err := db.NewInsert().Model(&partner).Exec(t.Context())
	must(t, err)
	_, err = db.NewInsert().Model(&models.AccessConfiguration{
		ID: ids(models.PrefixAccessConfiguration), PartnerID: partner.ID, PlatformID: "acme_IDP", State: models.ExposureEnabled,
		AllowedOrigins: []string{}, AllowedServices: []string{}, ReturnSecretSealed: []byte{1}, CreatedAt: w.now, UpdatedAt: w.now,
	}).Exec(t.Context())
	must(t, err)
	return partner.ID
}

// TestBindingStopsWithThePlatform: it may be switched off between the assertion and the form.
func TestBindingStopsWithThePlatform(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		partner := w.exposed(t, db)
		_, err := db.NewUpdate().Model((*models.AccessConfiguration)(nil)).Set("state = ?", models.ExposureDisabled).Where("partner_id = ?", partner).Exec(ctx)
		must(t, err)
		err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := w.BindIn(ctx, tx, models.SystemPrincipal("test"), federation.Binding{
				PlatformID: "acme_IDP", XAccountID: "acc", XUserID: "one", CustomerID: w.customers[0], UserID: w.users[0],
			})
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("bound to a platform that is switched off: %v", err)
		}
		// Resending asks for the permission and the platform's own partner.
		id := w.recorded(t)
		reader := models.Principal{Kind: models.PartnerKey, PartnerID: partner, Permissions: []models.Permission{models.ReadExposure}}
		if _, err := w.Resend(ctx, reader, federation.ResendBindNotification{BindNotificationID: id}); models.CodeOf(err) != models.CodeForbidden {
			t.Errorf("who may only read: %v", err)
		}
		reader.Permissions = []models.Permission{models.WriteExposure}
		sent, err := w.Resend(ctx, reader, federation.ResendBindNotification{BindNotificationID: id})
		must(t, err)
		if sent.BindNotification.State() != models.NotificationRepeat || sent.Delivery.BindRequest == "" {
			t.Errorf("%+v", sent)
		}
		reader.PartnerID = models.RandomIDs()(models.PrefixPartner)
		if _, err := w.Resend(ctx, reader, federation.ResendBindNotification{BindNotificationID: id}); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("another partner: %v", err)
		}
		delivered, err := w.HandOver(ctx, models.SystemPrincipal("test"), id)
		must(t, err)
		if delivered.Notification.State() != models.NotificationSent || delivered.Notification.Attempts != 2 {
			t.Errorf("after it was handed over again: %+v", delivered.Notification)
		}
	})
}

// recorded records a notification of acme_IDP without a binding.
func (w *world) recorded(t *testing.T) (id models.ID) {
	t.Helper()
	must(t, w.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		row, err := w.RecordNotificationIn(ctx, tx, models.BindNotification{PlatformID: "acme_IDP", XAccountID: "acc", XUserID: "one", CustomerID: w.customers[0]})
		id = row.ID
		return err
	}))
	return id
}
