package federation_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// secretOf is the ticket in the address that a browser is sent to.
func secretOf(t *testing.T, made federation.CreatedTicket, platform string) string {
	t.Helper()
	u, err := url.Parse(made.URL)
	must(t, err)
	if u.Scheme+"://"+u.Host+u.Path != "https://sales.example.com/saml/idp/"+platform+"/ticket" || len(u.Query().Get("ticket")) != 43 {
		t.Fatalf("the address is %s", made.URL)
	}
	return u.Query().Get("ticket")
}

func TestTicketSignsInOnceAndSoon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx, who := t.Context(), r.key(r.owners[0])
		external := federation.CreateSignInTicket{CustomerID: &r.buyers[0].ID, ExternalUserID: ptr("ann@shop"), Next: ptr("/checkout/1?x=y")}
		made, err := r.CreateSignInTicket(ctx, who, external)
		must(t, err)
		if made.ExpiresAt != r.now.Add(time.Minute) {
			t.Errorf("it ends at %s", made.ExpiresAt)
		}
		token := secretOf(t, made, "platform0")
		var row models.SignInTicket
		must(t, db.NewSelect().Model(&row).Scan(ctx))
		if strings.Contains(string(row.TokenHash), token) || strings.Contains(string(row.TripSealed), "checkout") {
			t.Error("the ticket lies open in its row")
		}
		if _, _, err := r.RedeemTicket(ctx, "platform1", token); !errors.Is(err, federation.ErrTicketRefused) {
			t.Errorf("on another platform: %v", err)
		}
		var got atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				user, trip, err := r.RedeemTicket(context.Background(), "platform0", token)
				switch {
				case err == nil:
					got.Add(1)
					if user.CustomerID != r.buyers[0].ID || user.ExternalID != "ann@shop" || user.PasswordHash != "" || user.Kind != models.CustomerUser {
						t.Errorf("the person is %+v", user)
					}
					if diff := cmp.Diff(federation.Trip{Next: "/checkout/1?x=y"}, trip); diff != "" {
						t.Error(diff)
					}
				case !errors.Is(err, federation.ErrTicketRefused):
					t.Errorf("redeem: %v", err)
				}
			})
		}
		group.Wait()
		if got.Load() != 1 {
			t.Errorf("%d signed in with one ticket", got.Load())
		}
		// The same person again, though not the customer's neighbour by the same name.
		again, err := r.CreateSignInTicket(ctx, who, external)
		must(t, err)
		_, err = r.CreateSignInTicket(ctx, r.key(r.owners[1]), federation.CreateSignInTicket{CustomerID: &r.buyers[1].ID, ExternalUserID: ptr("ann@shop")})
		must(t, err)
		count, err := db.NewSelect().Model((*models.User)(nil)).Where("external_id = 'ann@shop'").Count(ctx)
		if err != nil || count != 2 {
			t.Errorf("%d people, %v", count, err)
		}
		r.now = r.now.Add(time.Minute)
		if _, _, err := r.RedeemTicket(ctx, "platform0", secretOf(t, again, "platform0")); !errors.Is(err, federation.ErrTicketRefused) {
			t.Errorf("too late: %v", err)
		}
		var kinds []string
		must(t, db.NewSelect().Model((*models.Event)(nil)).Column("type").Where("partner_id = ?", r.owners[0].ID).OrderExpr("id").Scan(ctx, &kinds))
		if diff := cmp.Diff([]string{"user.created", "sign_in_ticket.created", "sign_in_ticket.created"}, kinds); diff != "" {
			t.Errorf("events:\n%s", diff)
		}
	})
}

func TestExternalPersonIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				_, err := r.CreateSignInTicket(context.Background(), r.key(r.owners[0]), federation.CreateSignInTicket{CustomerID: &r.buyers[0].ID, ExternalUserID: ptr("new")})
				if err != nil {
					t.Errorf("ticket: %v", err)
				}
			})
		}
		group.Wait()
		if count, err := db.NewSelect().Model((*models.User)(nil)).Where("external_id = 'new'").Count(t.Context()); err != nil || count != 1 {
			t.Errorf("%d people, %v", count, err)
		}
	})
}

// TestWhoMaySignWhomIn is the wall of allow and deny rows of createSignInTicket.
func TestWhoMaySignWhomIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx := t.Context()
		own, distributor := r.key(r.owners[0]), r.key(r.owners[1])
		member, operator, system := own, models.Principal{Kind: models.Operator, UserID: "usr_op", Permissions: models.AllPermissions()}, models.SystemPrincipal("test")
		member.Kind, member.KeyID, member.UserID = models.PartnerMember, "", "usr_m"
		ann, bob, advised := r.user(t, r.buyers[0].ID), r.user(t, r.buyers[2].ID), r.user(t, r.advisory.ID)
		disabled := r.user(t, r.buyers[0].ID)
		_, err := db.NewUpdate().Model((*models.User)(nil)).Set("state = ?", models.UserDisabled).Where("id = ?", disabled.ID).Exec(ctx)
		must(t, err)
		staff := models.User{ID: r.IDs("usr"), Kind: models.PartnerMember, PartnerID: r.owners[0].ID, LoginName: "staff", State: models.UserActive, Permissions: []models.Permission{}, CreatedAt: r.now, UpdatedAt: r.now}
		r.insert(t, &staff)
		closed := r.register(t, 0, "https://closed.example.com")
		open := r.register(t, 0, "https://open.example.com")
		_, err = r.UpdateServiceProvider(ctx, own, federation.UpdateServiceProvider{ServiceProviderID: open.ID, IDPInitiated: ptr(true)})
		must(t, err)
		foreign := r.register(t, 1, "https://foreign.example.com")
		request := strings.Repeat("r", 43)
		must(t, r.ParkIDPRequest(ctx, federation.Waiting{ID: request, PlatformID: "platform0", BrowserHash: []byte{1}, Body: []byte("{}"), ExpiresAt: r.now.Add(time.Minute)}))
		type cmd = federation.CreateSignInTicket
		of := func(id models.ID) cmd { return cmd{UserID: &id} }
		for name, c := range map[string]struct {
			who           models.Principal
			cmd           cmd
			code          models.Code
			field, reason string
		}{
			"its own customer's person":           {own, of(ann.ID), "", "", ""},
			"its own customer":                    {own, cmd{CustomerID: &r.buyers[0].ID}, "", "", ""},
			"a distributor its reseller's":        {distributor, of(bob.ID), "", "", ""},
			"for a waiting sign-in":               {own, cmd{UserID: &ann.ID, RequestID: &request}, "", "", ""},
			"to launch":                           {own, cmd{UserID: &ann.ID, ServiceProviderID: &open.ID, RelayState: ptr("state")}, "", "", ""},
			"nobody":                              {models.Principal{}, of(ann.ID), models.CodeUnauthenticated, "", ""},
			"a key without the permission":        {without(own, models.IssueSignIns), of(ann.ID), models.CodeForbidden, "", ""},
			"a reseller":                          {r.key(r.reseller), of(bob.ID), models.CodeForbidden, "", ""},
			"a member":                            {member, of(ann.ID), models.CodeForbidden, "", ""},
			"an operator":                         {operator, of(ann.ID), models.CodeForbidden, "", ""},
			"a job":                               {system, of(ann.ID), models.CodeForbidden, "", ""},
			"another partner's person":            {own, of(bob.ID), models.CodeNotFound, "", ""},
			"another partner's customer":          {own, cmd{CustomerID: &r.buyers[1].ID}, models.CodeNotFound, "", ""},
			"another partner's, to be made":       {own, cmd{CustomerID: &r.buyers[1].ID, ExternalUserID: ptr("x")}, models.CodeNotFound, "", ""},
			"a person that is none":               {own, of("usr_01h455vb4pex5vsknk084sn02q"), models.CodeNotFound, "", ""},
			"its own staff":                       {own, of(staff.ID), models.CodeNotFound, "", ""},
			"an advisory customer's person (C01)": {own, of(advised.ID), models.CodePreconditionFailed, "", "NOT_RESALE"},
			"an advisory customer, to be made":    {own, cmd{CustomerID: &r.advisory.ID, ExternalUserID: ptr("x")}, models.CodePreconditionFailed, "", "NOT_RESALE"},
			"a disabled person":                   {own, of(disabled.ID), models.CodePreconditionFailed, "", "PERSON_DISABLED"},
			"a customer without people":           {distributor, cmd{CustomerID: &r.buyers[1].ID}, models.CodePreconditionFailed, "", "NO_PERSON"},
			"neither":                             {own, cmd{}, models.CodeInvalid, "customerId", ""},
			"both":                                {own, cmd{CustomerID: &r.buyers[0].ID, UserID: &ann.ID}, models.CodeInvalid, "customerId", ""},
			"a customer that is a user":           {own, cmd{CustomerID: &ann.ID}, models.CodeInvalid, "customerId", ""},
			"a user that is a customer":           {own, of(r.buyers[0].ID), models.CodeInvalid, "userId", ""},
			"an external id without customer":     {own, cmd{UserID: &ann.ID, ExternalUserID: ptr("x")}, models.CodeInvalid, "externalUserId", ""},
			"an empty external id":                {own, cmd{CustomerID: &r.buyers[0].ID, ExternalUserID: ptr("")}, models.CodeInvalid, "externalUserId", ""},
			"an external id like ours":            {own, cmd{CustomerID: &r.buyers[0].ID, ExternalUserID: ptr(string(ann.ID))}, models.CodeInvalid, "externalUserId", ""},
			"an endless external id":              {own, cmd{CustomerID: &r.buyers[0].ID, ExternalUserID: ptr(strings.Repeat("x", 129))}, models.CodeInvalid, "externalUserId", ""},
			"two targets":                         {own, cmd{UserID: &ann.ID, RequestID: &request, Next: ptr("/console")}, models.CodeInvalid, "next", ""},
			"another site":                        {own, cmd{UserID: &ann.ID, Next: ptr("https://evil.example.com")}, models.CodeInvalid, "next", ""},
			"another site without scheme":         {own, cmd{UserID: &ann.ID, Next: ptr("//evil.example.com")}, models.CodeInvalid, "next", ""},
			"another site by backslash":           {own, cmd{UserID: &ann.ID, Next: ptr("/\\evil.example.com")}, models.CodeInvalid, "next", ""},
			"a relay state without launch":        {own, cmd{UserID: &ann.ID, RelayState: ptr("x")}, models.CodeInvalid, "relayState", ""},
			"an endless relay state":              {own, cmd{UserID: &ann.ID, ServiceProviderID: &open.ID, RelayState: ptr(strings.Repeat("x", 81))}, models.CodeInvalid, "relayState", ""},
			"a waiting sign-in that is none":      {own, cmd{UserID: &ann.ID, RequestID: ptr(strings.Repeat("x", 43))}, models.CodeNotFound, "", ""},
			"another platform's waiting sign-in":  {distributor, cmd{UserID: &bob.ID, RequestID: &request}, models.CodeNotFound, "", ""},
			"another platform's provider":         {own, cmd{UserID: &ann.ID, ServiceProviderID: &foreign.ID}, models.CodeNotFound, "", ""},
			"a provider that is not launched":     {own, cmd{UserID: &ann.ID, ServiceProviderID: &closed.ID}, models.CodePreconditionFailed, "", "LAUNCH_NOT_ALLOWED"},
			"a provider that is a partner":        {own, cmd{UserID: &ann.ID, ServiceProviderID: &r.owners[0].ID}, models.CodeInvalid, "serviceProviderId", ""},
		} {
			t.Run(name, func(t *testing.T) {
				made, err := r.CreateSignInTicket(ctx, c.who, c.cmd)
				wantRefusal(t, err, c.code, c.field, c.reason)
				if (err == nil) != (made.URL != "") {
					t.Errorf("made %+v", made)
				}
			})
		}
		if count, err := db.NewSelect().Model((*models.User)(nil)).Where("external_id IS NOT NULL").Count(ctx); err != nil || count != 0 {
			t.Errorf("%d people were made, %v", count, err)
		}
	})
}

func TestTicketsEndWithWhatTheyRestOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, spoil := range map[string]func(r *realm, user models.User) (any, string, any){
			"the customer left": func(*realm, models.User) (any, string, any) {
				return (*models.Customer)(nil), "partner_id = ?", nil
			},
			"the customer is advised": func(*realm, models.User) (any, string, any) {
				return (*models.Customer)(nil), "mode = ?", models.Advisory
			},
			"the person is disabled": func(*realm, models.User) (any, string, any) {
				return (*models.User)(nil), "state = ?", models.UserDisabled
			},
			"the platform is off": func(*realm, models.User) (any, string, any) {
				return (*models.AccessConfiguration)(nil), "state = ?", models.ExposureDisabled
			},
		} {
			t.Run(name, func(t *testing.T) {
				r := newRealmOn(t, db, name)
				ctx := t.Context()
				user := r.user(t, r.buyers[0].ID)
				made, err := r.CreateSignInTicket(ctx, r.key(r.owners[0]), federation.CreateSignInTicket{UserID: &user.ID})
				must(t, err)
				model, set, value := spoil(r, user)
				id := map[bool]models.ID{true: user.ID}[strings.Contains(name, "person")]
				switch {
				case strings.Contains(name, "customer"):
					id = r.buyers[0].ID
				case strings.Contains(name, "platform"):
					id = r.configs[0].ID
				}
				_, err = db.NewUpdate().Model(model).Set(set, value).Where("id = ?", id).Exec(ctx)
				must(t, err)
				_, _, err = r.RedeemTicket(ctx, r.configs[0].PlatformID, secretOf(t, made, r.configs[0].PlatformID))
				if !errors.Is(err, federation.ErrTicketRefused) {
					t.Errorf("redeemed: %v", err)
				}
			})
		}
	})
}

func TestTicketsAreCountedByKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		user := r.user(t, r.buyers[0].ID)
		cmd := federation.CreateSignInTicket{UserID: &user.ID}
		other := r.key(r.owners[0])
		other.KeyID = "key_other"
		var err error
		for i := 0; err == nil && i <= 300; i++ {
			if i < 300 { // what is refused counts as well: guessing ids is bounded too
				bad := models.ID("usr_01h455vb4pex5vsknk084sn02q")
				_, miss := r.CreateSignInTicket(t.Context(), r.key(r.owners[0]), federation.CreateSignInTicket{UserID: &bad})
				wantRefusal(t, miss, models.CodeNotFound, "", "")
				continue
			}
			_, err = r.CreateSignInTicket(t.Context(), r.key(r.owners[0]), cmd)
		}
		wantRefusal(t, err, models.CodeRateLimited, "", "")
		_, err = r.CreateSignInTicket(t.Context(), other, cmd)
		must(t, err)
	})
}

func TestPersonOnAPlatform(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx := t.Context()
		ann, bob, cat, dan := r.user(t, r.buyers[0].ID), r.user(t, r.buyers[1].ID), r.user(t, r.buyers[2].ID), r.user(t, r.advisory.ID)
		for name, c := range map[string]struct {
			platform      string
			user          models.ID
			account, self string
		}{
			"a customer's person":                  {"platform0", ann.ID, "shop-1", string(ann.ID)},
			"an advisory customer's person":        {"platform0", dan.ID, string(r.advisory.ID), string(dan.ID)},
			"another platform's":                   {"platform1", ann.ID, "", ""},
			"the distributor's":                    {"platform1", bob.ID, "shop-1", string(bob.ID)},
			"its reseller's, whose keys are apart": {"platform1", cat.ID, string(r.buyers[2].ID), string(cat.ID)},
			"nobody":                               {"platform0", "usr_none", "", ""},
			"nowhere":                              {"platform9", ann.ID, "", ""},
		} {
			person, found, err := r.PersonOn(ctx, c.platform, c.user)
			must(t, err)
			if found != (c.account != "") || person.AccountKey != c.account || person.UserKey != c.self {
				t.Errorf("%s: %v %+v", name, found, person)
			}
		}
	})
}

func TestCloudBindings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx := t.Context()
		provider := r.register(t, 1, "https://cloud.example.com")
		ann, cat := r.user(t, r.buyers[1].ID), r.user(t, r.buyers[2].ID)
		notice := federation.CloudNotice{
			PlatformID: "platform1", ServiceProviderID: provider.ID, XAccountID: "shop-1", XUserID: string(ann.ID), DomainID: "d1", DomainName: "domain",
			Nonce: "n1", IssuedAt: r.now,
		}
		record := func(change func(*federation.CloudNotice)) models.CloudBinding {
			t.Helper()
			n := notice
			if change != nil {
				change(&n)
			}
			got, err := r.RecordCloudBinding(ctx, n)
			must(t, err)
			return got
		}
		first := record(nil)
		want := models.CloudBinding{
			ID: first.ID, ServiceProviderID: provider.ID, PartnerID: r.owners[1].ID, XAccountID: "shop-1", XUserID: string(ann.ID), CustomerID: r.buyers[1].ID,
			UserID: ann.ID, DomainID: "d1", DomainName: "domain", State: models.CloudBound, Nonce: "n1", IssuedAt: r.now, CreatedAt: r.now, UpdatedAt: r.now,
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("bound (-want +got):\n%s", diff)
		}
		r.now = r.now.Add(time.Hour)
		if diff := cmp.Diff(want, record(nil)); diff != "" {
			t.Errorf("the same again (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, record(func(n *federation.CloudNotice) { n.Unbound, n.IssuedAt = true, n.IssuedAt.Add(-time.Second) })); diff != "" {
			t.Errorf("an older word (-want +got):\n%s", diff)
		}
		want.State, want.Nonce, want.IssuedAt, want.UpdatedAt = models.CloudUnbound, "n2", first.IssuedAt.Add(time.Minute), r.now
		if diff := cmp.Diff(want, record(func(n *federation.CloudNotice) {
			n.Unbound, n.Nonce, n.IssuedAt = true, "n2", n.IssuedAt.Add(time.Minute)
		})); diff != "" {
			t.Errorf("a newer word (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, record(nil)); diff != "" {
			t.Errorf("the first again (-want +got):\n%s", diff)
		}
		// Whom it is about: a reseller's customer goes by our id, and by the storefront's key it is somebody else's.
		for name, c := range map[string]struct {
			account, user  string
			customer, self models.ID
		}{
			"a reseller's customer":       {string(r.buyers[2].ID), string(cat.ID), r.buyers[2].ID, cat.ID},
			"a person of another's":       {"shop-1", string(cat.ID), r.buyers[1].ID, ""},
			"another platform's":          {string(r.buyers[0].ID), string(cat.ID), "", ""},
			"nobody":                      {"nobody", "nobody", "", ""},
			"the person alone":            {"", string(cat.ID), r.buyers[2].ID, cat.ID},
			"the person alone, a strange": {"", "nobody", "", ""},
		} {
			got := record(func(n *federation.CloudNotice) { n.XAccountID, n.XUserID, n.DomainID = c.account, c.user, name })
			if got.CustomerID != c.customer || got.UserID != c.self {
				t.Errorf("%s: %q, %q", name, got.CustomerID, got.UserID)
			}
		}
		for name, change := range map[string]func(*federation.CloudNotice){
			"no domain": func(n *federation.CloudNotice) { n.DomainID = "" }, "nobody": func(n *federation.CloudNotice) { n.XUserID, n.XAccountID = "", "" },
			"an endless name":     func(n *federation.CloudNotice) { n.DomainName = strings.Repeat("n", 129) },
			"a control character": func(n *federation.CloudNotice) { n.XAccountID = "a\x00" },
		} {
			n := notice
			change(&n)
			if _, err := r.RecordCloudBinding(ctx, n); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		n := notice
		n.PlatformID = "platform0"
		if _, err := r.RecordCloudBinding(ctx, n); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("another platform's provider: %v", err)
		}
		r.seenBy(t, first)
		_, err := r.RemoveServiceProvider(ctx, r.key(r.owners[1]), federation.RemoveServiceProvider{ServiceProviderID: provider.ID})
		must(t, err)
		if count, err := db.NewSelect().Model((*models.CloudBinding)(nil)).Count(ctx); err != nil || count != 0 {
			t.Errorf("%d bindings stay, %v", count, err)
		}
	})
}

// seenBy checks who finds a binding of the distributor's customer.
func (r *realm) seenBy(t *testing.T, b models.CloudBinding) {
	t.Helper()
	ctx := t.Context()
	customer := models.Principal{Kind: models.CustomerUser, CustomerID: b.CustomerID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
	other := customer
	other.CustomerID = r.buyers[2].ID
	for name, c := range map[string]struct {
		who  models.Principal
		sees bool
	}{
		"the customer": {customer, true}, "another": {other, false}, "its partner": {r.key(r.owners[1]), true}, "a reseller of it": {r.key(r.reseller), false},
		"another partner": {r.key(r.owners[0]), false}, "a job": {models.SystemPrincipal("test"), true},
	} {
		pages, err := r.FindCloudBindingsFor(ctx, c.who, []models.ID{b.CustomerID}, models.PageArgs{})
		must(t, err)
		var found bool
		for _, row := range pages[b.CustomerID].Nodes() {
			found = found || row.ID == b.ID
		}
		if found != c.sees {
			t.Errorf("%s: %v", name, found)
		}
	}
	// The next partner does not learn what the former one's cloud said, and the former one no more.
	_, err := r.DB.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = ?", r.owners[0].ID).Set("external_id = NULL").Where("id = ?", b.CustomerID).Exec(ctx)
	must(t, err)
	for _, owner := range r.owners {
		pages, err := r.FindCloudBindingsFor(ctx, r.key(owner), []models.ID{b.CustomerID}, models.PageArgs{})
		must(t, err)
		if n := len(pages[b.CustomerID].Edges); n != 0 {
			t.Errorf("%s sees %d bindings", owner.Kind, n)
		}
	}
	if _, err := r.FindCloudBindingsFor(ctx, without(customer, models.ReadCustomers), []models.ID{b.CustomerID}, models.PageArgs{}); models.CodeOf(err) != models.CodeForbidden {
		t.Errorf("without the permission: %v", err)
	}
}
