package federation_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// markers is metadata of words: its entity id, "enc" for a key to encrypt for, "warn" for a remark, "bad" for an unusable file.
type markers struct{}

func (markers) CheckSPMetadata(xml []byte) (models.ProviderFacts, []models.MetadataFinding, error) {
	words := strings.Fields(string(xml))
	if len(words) == 0 || strings.Contains(string(xml), "bad") {
		refusal := models.Invalid("metadata", "The metadata cannot be used: it is bad.")
		refusal.Details = map[string]any{"findings": []map[string]any{{"code": "BAD", "message": "It is bad."}}}
		return models.ProviderFacts{}, nil, refusal
	}
	facts := models.ProviderFacts{
		EntityID: words[0], ConsumerURLs: []string{words[0] + "/acs"}, Fingerprints: []string{"aa"}, CanEncrypt: strings.Contains(string(xml), "enc"),
	}
	if strings.Contains(string(xml), "warn") {
		return facts, []models.MetadataFinding{{Code: "WARN", Message: "Mind this."}}, nil
	}
	return facts, nil, nil
}

// documents are what can be fetched, by address.
type documents struct {
	mu    sync.Mutex
	texts map[string]string
	asked int
}

func (d *documents) Fetch(_ context.Context, url string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if text, ok := d.texts[url]; ok {
		return []byte(text), nil
	}
	return nil, models.Invalid("url", "The document cannot be fetched: no.")
}

// realm is the world with two platforms: a solution provider's, and a distributor's that also serves its reseller.
type realm struct {
	*world
	identity *identity.Service
	web      *documents
	owners   [2]models.Partner
	reseller models.Partner
	configs  [2]models.AccessConfiguration
	// customers: one of each owner, and one of the reseller; advisory is the first owner's.
	buyers   [3]models.Customer
	advisory models.Customer
}

func newRealm(t *testing.T, db *store.DB) *realm {
	t.Helper()
	return newRealmOn(t, db, "")
}

// newRealmOn is newRealm beside others in the same database.
func newRealmOn(t *testing.T, db *store.DB, tag string) *realm {
	t.Helper()
	r := &realm{world: newWorld(t, db), web: &documents{texts: map[string]string{}}}
	clock := func() time.Time { return r.now }
	hasher, err := identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, rand.Reader, 2)
	must(t, err)
	r.identity = &identity.Service{
		DB: db, Now: clock, IDs: r.IDs, Events: &events.Recorder{IDs: r.IDs, Now: clock}, Random: rand.Reader, Passwords: hasher, Logger: slog.New(slog.DiscardHandler),
	}
	limits, err := cache.Open(t.Context(), "memory:", cache.WithNow(clock))
	must(t, err)
	r.Metadata, r.Fetcher, r.Limits, r.People, r.OwnOrigin = markers{}, r.web, limits, r.identity, "https://sales.example.com"
	for i, kind := range []models.PartnerKind{models.SolutionProvider, models.Distributor} {
		r.owners[i] = r.partner(t, kind, "")
		r.configs[i] = models.AccessConfiguration{
			ID: r.IDs(models.PrefixAccessConfiguration), PartnerID: r.owners[i].ID, PlatformID: fmt.Sprintf("platform%d%s", i, strings.ReplaceAll(tag, " ", "-")), State: models.ExposureEnabled,
			AllowedOrigins: []string{}, AllowedServices: []string{}, ReturnSecretSealed: []byte{1}, CreatedAt: r.now, UpdatedAt: r.now,
		}
		r.insert(t, &r.configs[i])
	}
	r.reseller = r.partner(t, models.CloudReseller, r.owners[1].ID)
	r.buyers = [3]models.Customer{
		r.buyer(t, r.owners[0].ID, models.Resale, "shop-1"), r.buyer(t, r.owners[1].ID, models.Resale, "shop-1"), r.buyer(t, r.reseller.ID, models.Resale, "shop-1"),
	}
	r.advisory = r.buyer(t, r.owners[0].ID, models.Advisory, "")
	return r
}

func (r *realm) insert(t *testing.T, row any) {
	t.Helper()
	_, err := r.DB.NewInsert().Model(row).Exec(t.Context())
	must(t, err)
}

func (r *realm) partner(t *testing.T, kind models.PartnerKind, parent models.ID) models.Partner {
	t.Helper()
	id := r.IDs(models.PrefixPartner)
	row := models.Partner{
		ID: id, Kind: kind, Name: string(id), ParentID: parent, Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY,
		Cloud: "hws", CreatedAt: r.now, UpdatedAt: r.now,
	}
	r.insert(t, &row)
	return row
}

func (r *realm) buyer(t *testing.T, partner models.ID, mode models.AssociationMode, external string) models.Customer {
	t.Helper()
	id := r.IDs(models.PrefixCustomer)
	row := models.Customer{
		ID: id, Cloud: "hws", Name: "c-" + string(id), Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen, Currency: models.CNY,
		ExternalID: external, PartnerID: partner, Mode: mode, CreatedAt: r.now, UpdatedAt: r.now,
	}
	r.insert(t, &row)
	return row
}

func (r *realm) user(t *testing.T, customer models.ID) models.User {
	t.Helper()
	user, err := r.identity.CreateUser(t.Context(), models.SystemPrincipal("test"), identity.CreateUser{
		CustomerID: &customer, LoginName: "u-" + string(r.IDs("usr")),
	})
	must(t, err)
	return user
}

// key is a partner's program.
func (r *realm) key(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, KeyID: models.ID("key_" + string(p.ID)), PartnerID: p.ID, PartnerKind: p.Kind,
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func without(who models.Principal, permission models.Permission) models.Principal {
	var left []models.Permission
	for _, p := range who.Permissions {
		if p != permission {
			left = append(left, p)
		}
	}
	who.Permissions = left
	return who
}

func (r *realm) register(t *testing.T, owner int, metadata string) models.ServiceProvider {
	t.Helper()
	saved, err := r.RegisterServiceProvider(t.Context(), r.key(r.owners[owner]), federation.RegisterServiceProvider{
		PartnerID: r.owners[owner].ID, Name: "Cloud", Metadata: &metadata,
	})
	must(t, err)
	return saved.ServiceProvider
}

// wantRefusal checks code, field and reason of an error; an empty code wants none.
func wantRefusal(t *testing.T, err error, code models.Code, field, reason string) {
	t.Helper()
	var got models.Error
	var refusal *models.Error
	if errors.As(err, &refusal) {
		got = *refusal
	}
	if models.CodeOf(err) != code || got.Field != field || got.Reason() != reason {
		t.Errorf("got %v (%s, field %q, reason %q), want %s, field %q, reason %q", err, models.CodeOf(err), got.Field, got.Reason(), code, field, reason)
	}
}

func TestServiceProviderIsRegisteredChangedAndRemoved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx, who := t.Context(), r.key(r.owners[0])
		metadata := "https://cloud.example.com warn enc"
		saved, err := r.RegisterServiceProvider(ctx, who, federation.RegisterServiceProvider{PartnerID: r.owners[0].ID, Name: " Cloud ", Metadata: &metadata})
		must(t, err)
		want := models.ServiceProvider{
			ID: saved.ServiceProvider.ID, AccessConfigurationID: r.configs[0].ID, PartnerID: r.owners[0].ID, PlatformID: "platform0", Name: "Cloud",
			EntityID: "https://cloud.example.com", Metadata: metadata, NameIDFormat: models.NameIDTransient, Attributes: models.VendorAttributes(),
			Encryption: models.EncryptAuto, SignatureAlgorithm: models.SignRSASHA256, State: models.ServiceProviderEnabled,
			Facts:     models.ProviderFacts{EntityID: "https://cloud.example.com", ConsumerURLs: []string{"https://cloud.example.com/acs"}, Fingerprints: []string{"aa"}, CanEncrypt: true},
			CreatedAt: r.now, UpdatedAt: r.now,
		}
		if diff := cmp.Diff(want, saved.ServiceProvider); diff != "" {
			t.Errorf("registered (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]models.MetadataFinding{{Code: "WARN", Message: "Mind this."}}, saved.Findings); diff != "" {
			t.Errorf("findings:\n%s", diff)
		}
		found, err := r.ServiceProviderByEntity(ctx, "platform0", want.EntityID)
		must(t, err)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		if _, err := r.ServiceProviderByEntity(ctx, "platform1", want.EntityID); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("on another platform: %v", err)
		}

		r.now = r.now.Add(time.Hour)
		changed, err := r.UpdateServiceProvider(ctx, who, federation.UpdateServiceProvider{
			ServiceProviderID: want.ID, Name: ptr("Other"), Metadata: ptr("https://cloud.example.com enc 2"), NameIDFormat: ptr(models.NameIDPersistent),
			Attributes: []models.ServiceProviderAttribute{{Name: "mail", Source: models.SourceEmail}}, BPID: ptr("bp"), IDPInitiated: ptr(true),
			LoginURL: ptr("https://cloud.example.com/login?xAccountType=a"), Encryption: ptr(models.EncryptAlways),
			SignatureAlgorithm: ptr(models.SignECDSASHA256), State: ptr(models.ServiceProviderDisabled),
		})
		must(t, err)
		want.Name, want.Metadata, want.NameIDFormat = "Other", "https://cloud.example.com enc 2", models.NameIDPersistent
		want.Attributes, want.BPID, want.IDPInitiated = []models.ServiceProviderAttribute{{Name: "mail", Source: models.SourceEmail}}, "bp", true
		want.LoginURL, want.Encryption, want.SignatureAlgorithm = "https://cloud.example.com/login?xAccountType=a", models.EncryptAlways, models.SignECDSASHA256
		want.State, want.UpdatedAt = models.ServiceProviderDisabled, r.now
		if diff := cmp.Diff(want, changed.ServiceProvider); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		if enabled, err := r.EnabledServiceProviders(ctx, "platform0"); err != nil || len(enabled) != 0 {
			t.Errorf("enabled: %v, %v", enabled, err)
		}
		again, err := r.UpdateServiceProvider(ctx, who, federation.UpdateServiceProvider{ServiceProviderID: want.ID, BPID: ptr(""), LoginURL: ptr(""), Attributes: []models.ServiceProviderAttribute{}})
		must(t, err)
		want.BPID, want.LoginURL, want.Attributes = "", "", []models.ServiceProviderAttribute{}
		if diff := cmp.Diff(want, again.ServiceProvider); diff != "" {
			t.Errorf("cleared (-want +got):\n%s", diff)
		}
		removed, err := r.RemoveServiceProvider(ctx, who, federation.RemoveServiceProvider{ServiceProviderID: want.ID})
		if err != nil || removed.RemovedServiceProviderID != want.ID {
			t.Errorf("removed %v, %v", removed, err)
		}
		if _, err := r.ServiceProviderByID(ctx, "platform0", string(want.ID)); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("after: %v", err)
		}
		var kinds []string
		must(t, db.NewSelect().Model((*models.Event)(nil)).Column("type").Where("subject_id = ?", want.ID).OrderExpr("id").Scan(ctx, &kinds))
		if diff := cmp.Diff([]string{"service_provider.registered", "service_provider.updated", "service_provider.updated", "service_provider.removed"}, kinds); diff != "" {
			t.Errorf("events:\n%s", diff)
		}
	})
}

func TestServiceProvidersThatAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx, own := t.Context(), r.key(r.owners[0])
		known := r.register(t, 0, "https://known.example.com")
		type cmd = federation.RegisterServiceProvider
		for name, c := range map[string]struct {
			who           models.Principal
			change        func(*cmd)
			code          models.Code
			field, reason string
		}{
			"nobody":                      {models.Principal{}, nil, models.CodeUnauthenticated, "", ""},
			"without the permission":      {without(own, models.WriteExposure), nil, models.CodeForbidden, "", ""},
			"another's":                   {r.key(r.owners[1]), nil, models.CodeNotFound, "", ""},
			"a reseller for distributor":  {r.key(r.reseller), func(c *cmd) { c.PartnerID = r.owners[1].ID }, models.CodeForbidden, "", ""},
			"a distributor's reseller":    {r.key(r.owners[1]), func(c *cmd) { c.PartnerID = r.reseller.ID }, models.CodeNotFound, "", ""},
			"no partner's id":             {own, func(c *cmd) { c.PartnerID = r.buyers[0].ID }, models.CodeInvalid, "partnerId", ""},
			"no metadata":                 {own, func(c *cmd) { c.Metadata = nil }, models.CodeInvalid, "metadata", ""},
			"both":                        {own, func(c *cmd) { c.MetadataURL = ptr("https://a.example.com") }, models.CodeInvalid, "metadataUrl", ""},
			"bad metadata":                {own, func(c *cmd) { c.Metadata = ptr("bad") }, models.CodeInvalid, "metadata", ""},
			"metadata of 2 MiB and one":   {own, func(c *cmd) { c.Metadata = ptr("e " + strings.Repeat("x", 2<<20)) }, models.CodeInvalid, "metadata", ""},
			"metadata with a zero byte":   {own, func(c *cmd) { c.Metadata = ptr("e \x00") }, models.CodeInvalid, "metadata", ""},
			"metadata that is not UTF-8":  {own, func(c *cmd) { c.Metadata = ptr("e \xff") }, models.CodeInvalid, "metadata", ""},
			"an entity twice":             {own, func(c *cmd) { c.Metadata = ptr("https://known.example.com") }, models.CodeConflict, "metadata", ""},
			"plain http":                  {own, func(c *cmd) { c.Metadata, c.MetadataURL = nil, ptr("http://a.example.com") }, models.CodeInvalid, "metadataUrl", ""},
			"an address without document": {own, func(c *cmd) { c.Metadata, c.MetadataURL = nil, ptr("https://a.example.com") }, models.CodeInvalid, "metadataUrl", ""},
			"no name":                     {own, func(c *cmd) { c.Name = " " }, models.CodeInvalid, "name", ""},
			"an endless name":             {own, func(c *cmd) { c.Name = strings.Repeat("n", 129) }, models.CodeInvalid, "name", ""},
			"an endless bpId":             {own, func(c *cmd) { c.BPID = ptr(strings.Repeat("b", 65)) }, models.CodeInvalid, "bpId", ""},
			"a login link of http":        {own, func(c *cmd) { c.LoginURL = ptr("http://a.example.com") }, models.CodeInvalid, "loginUrl", ""},
			"a login link of script":      {own, func(c *cmd) { c.LoginURL = ptr("javascript:alert(1)") }, models.CodeInvalid, "loginUrl", ""},
			"always without a key":        {own, func(c *cmd) { c.Encryption = ptr(models.EncryptAlways) }, models.CodeInvalid, "encryption", ""},
			"a format that is none":       {own, func(c *cmd) { c.NameIDFormat = ptr(models.NameIDFormat("EMAIL")) }, models.CodeInvalid, "nameIdFormat", ""},
			"an algorithm that is none":   {own, func(c *cmd) { c.SignatureAlgorithm = ptr(models.SignatureAlgorithm("RSA_SHA1")) }, models.CodeInvalid, "signatureAlgorithm", ""},
			"a state that is none":        {own, func(c *cmd) { c.State = ptr(models.ServiceProviderState("PAUSED")) }, models.CodeInvalid, "state", ""},
			"an attribute twice": {own, func(c *cmd) {
				c.Attributes = []models.ServiceProviderAttribute{{Name: "a", Source: models.SourceName}, {Name: "a", Source: models.SourceEmail}}
			}, models.CodeInvalid, "attributes", ""},
			"an attribute of blanks": {own, func(c *cmd) {
				c.Attributes = []models.ServiceProviderAttribute{{Name: "a b", Source: models.SourceName}}
			}, models.CodeInvalid, "attributes", ""},
			"a source that is none": {own, func(c *cmd) { c.Attributes = []models.ServiceProviderAttribute{{Name: "a", Source: "PASSWORD"}} }, models.CodeInvalid, "attributes", ""},
			"33 attributes": {own, func(c *cmd) {
				for i := range 33 {
					c.Attributes = append(c.Attributes, models.ServiceProviderAttribute{Name: fmt.Sprint(i), Source: models.SourceName})
				}
			}, models.CodeInvalid, "attributes", ""},
		} {
			good := cmd{PartnerID: r.owners[0].ID, Name: "Cloud", Metadata: ptr("https://new.example.com")}
			if c.change != nil {
				c.change(&good)
			}
			t.Run(name, func(t *testing.T) {
				_, err := r.RegisterServiceProvider(ctx, c.who, good)
				wantRefusal(t, err, c.code, c.field, c.reason)
			})
		}
		if r.web.asked != 1 {
			t.Errorf("%d documents were fetched, want the one of the allowed address", r.web.asked)
		}
		// Others can neither change, refresh nor remove what is there.
		for _, who := range []models.Principal{r.key(r.owners[1]), r.key(r.reseller), without(own, models.WriteExposure), {}} {
			want := models.CodeNotFound
			switch {
			case who.IsAnonymous():
				want = models.CodeUnauthenticated
			case !who.May(models.WriteExposure):
				want = models.CodeForbidden
			}
			_, err := r.UpdateServiceProvider(ctx, who, federation.UpdateServiceProvider{ServiceProviderID: known.ID, Name: ptr("Mine")})
			wantRefusal(t, err, want, "", "")
			_, err = r.RefreshServiceProvider(ctx, who, federation.RefreshServiceProvider{ServiceProviderID: known.ID})
			wantRefusal(t, err, want, "", "")
			_, err = r.RemoveServiceProvider(ctx, who, federation.RemoveServiceProvider{ServiceProviderID: known.ID})
			wantRefusal(t, err, want, "", "")
		}
		_, err := r.UpdateServiceProvider(ctx, own, federation.UpdateServiceProvider{ServiceProviderID: known.ID, Name: ptr("New"), Metadata: ptr("https://other.example.com")})
		wantRefusal(t, err, models.CodePreconditionFailed, "", "ENTITY_ID_FIXED")
		_, err = r.RefreshServiceProvider(ctx, own, federation.RefreshServiceProvider{ServiceProviderID: known.ID})
		wantRefusal(t, err, models.CodePreconditionFailed, "", "NO_METADATA_URL")
		found, err := r.ServiceProvidersByIDs(ctx, own, []models.ID{known.ID})
		must(t, err)
		if diff := cmp.Diff(map[models.ID]models.ServiceProvider{known.ID: known}, found); diff != "" {
			t.Errorf("something was changed:\n%s", diff)
		}
	})
}

func TestMetadataIsFetchedAndRefreshed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx, who := t.Context(), r.key(r.owners[0])
		address := "https://cloud.example.com/metadata"
		r.web.texts[address] = "https://cloud.example.com one"
		saved, err := r.RegisterServiceProvider(ctx, who, federation.RegisterServiceProvider{PartnerID: r.owners[0].ID, Name: "Cloud", MetadataURL: &address})
		must(t, err)
		if saved.ServiceProvider.MetadataURL != address || saved.ServiceProvider.Metadata != r.web.texts[address] {
			t.Errorf("registered %+v", saved.ServiceProvider)
		}
		id := federation.RefreshServiceProvider{ServiceProviderID: saved.ServiceProvider.ID}
		r.web.texts[address] = "https://cloud.example.com two enc"
		fresh, err := r.RefreshServiceProvider(ctx, who, id)
		if err != nil || fresh.ServiceProvider.Metadata != r.web.texts[address] || !fresh.ServiceProvider.Facts.CanEncrypt {
			t.Errorf("refreshed %+v, %v", fresh.ServiceProvider, err)
		}
		// Whoever takes the address over does not become another service provider by it.
		r.web.texts[address] = "https://evil.example.com"
		_, err = r.RefreshServiceProvider(ctx, who, id)
		wantRefusal(t, err, models.CodePreconditionFailed, "", "ENTITY_ID_FIXED")
		r.web.texts[address] = "bad"
		_, err = r.RefreshServiceProvider(ctx, who, id)
		wantRefusal(t, err, models.CodeInvalid, "metadataUrl", "")
		if kept, err := r.ServiceProviderByID(ctx, "platform0", string(id.ServiceProviderID)); err != nil || kept.Metadata != fresh.ServiceProvider.Metadata {
			t.Errorf("kept %q, %v", kept.Metadata, err)
		}
		// Uploaded metadata makes it an uploaded one.
		uploaded, err := r.UpdateServiceProvider(ctx, who, federation.UpdateServiceProvider{ServiceProviderID: id.ServiceProviderID, Metadata: ptr("https://cloud.example.com three")})
		if err != nil || uploaded.ServiceProvider.MetadataURL != "" {
			t.Errorf("uploaded %+v, %v", uploaded.ServiceProvider, err)
		}
		for range 30 {
			_, err = r.UpdateServiceProvider(ctx, who, federation.UpdateServiceProvider{ServiceProviderID: id.ServiceProviderID, MetadataURL: ptr("https://scan.example.com")})
		}
		wantRefusal(t, err, models.CodeRateLimited, "", "")
	})
}

func TestWaitingSignInsAndLogouts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx := context.Background()
		waiting := func(id string) federation.Waiting {
			return federation.Waiting{ID: id, PlatformID: "platform0", BrowserHash: []byte{1, 2}, Body: json.RawMessage(`{"relayState":"hidden"}`), ExpiresAt: r.now.Add(time.Minute)}
		}
		one, two := strings.Repeat("a", 43), strings.Repeat("b", 43)
		must(t, r.ParkIDPRequest(ctx, waiting(one)))
		for range 2 {
			got, err := r.FindIDPRequest(ctx, "platform0", one)
			must(t, err)
			if diff := cmp.Diff(waiting(one), got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		}
		var row models.IDPRequest
		must(t, db.NewSelect().Model(&row).Scan(ctx))
		if strings.Contains(fmt.Sprintf("%s %s", row.IDHash, row.BodySealed), "hidden") || strings.Contains(string(row.IDHash), one) {
			t.Error("the row tells what it must not")
		}
		if _, err := r.TakeIDPRequest(ctx, "platform1", one); !errors.Is(err, federation.ErrUnknownRequest) {
			t.Errorf("another platform: %v", err)
		}
		var taken atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := r.TakeIDPRequest(ctx, "platform0", one); err == nil {
					taken.Add(1)
				} else if !errors.Is(err, federation.ErrUnknownRequest) {
					t.Errorf("take: %v", err)
				}
			})
		}
		group.Wait()
		if taken.Load() != 1 {
			t.Errorf("%d took it", taken.Load())
		}

		logout := waiting(two)
		logout.BrowserHash = nil
		must(t, r.SaveIDPLogout(ctx, logout))
		logout.Body = json.RawMessage(`{"step":2}`)
		must(t, r.SaveIDPLogout(ctx, logout))
		got, err := r.TakeIDPLogout(ctx, "platform0", two)
		must(t, err)
		if diff := cmp.Diff(logout, got); diff != "" {
			t.Errorf("logout (-want +got):\n%s", diff)
		}
		if _, err := r.TakeIDPLogout(ctx, "platform0", two); !errors.Is(err, federation.ErrUnknownRequest) {
			t.Errorf("taking twice: %v", err)
		}

		must(t, r.ParkIDPRequest(ctx, waiting(one)))
		must(t, r.SaveIDPLogout(ctx, logout))
		r.now = r.now.Add(time.Minute)
		_, err = r.FindIDPRequest(ctx, "platform0", one)
		_, late := r.TakeIDPLogout(ctx, "platform0", two)
		if !errors.Is(err, federation.ErrUnknownRequest) || !errors.Is(late, federation.ErrUnknownRequest) {
			t.Errorf("too late: %v, %v", err, late)
		}
		for name, bad := range map[string]federation.Waiting{
			"an id that can be guessed": {ID: "1", PlatformID: "p", BrowserHash: []byte{1}, ExpiresAt: r.now},
			"no browser":                {ID: one, PlatformID: "p", ExpiresAt: r.now}, "no end": {ID: one, PlatformID: "p", BrowserHash: []byte{1}},
		} {
			if err := r.ParkIDPRequest(ctx, bad); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestParticipants(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		ctx := t.Context()
		one := federation.Participant{SessionID: "ses_1", PlatformID: "platform0", ServiceProviderID: "svp_1", Name: "ann|transient", SessionIndex: "i1", ExpiresAt: r.now.Add(time.Hour)}
		other, index, bob, elsewhere := one, one, one, one
		other.ServiceProviderID = "svp_2"
		index.SessionIndex = "i2"
		bob.SessionID, bob.Name, bob.SessionIndex = "ses_2", "bob|transient", "i3"
		elsewhere.SessionID, elsewhere.PlatformID = "ses_3", "platform1"
		for _, p := range []federation.Participant{other, index, bob, elsewhere, one, one} {
			must(t, r.Join(ctx, p))
		}
		of := func(want []federation.Participant, got []federation.Participant, err error) {
			t.Helper()
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		got, err := r.ParticipantsOf(ctx, "ses_1")
		of([]federation.Participant{one, index, other}, got, err)
		got, err = r.ParticipantsNamed(ctx, "platform0", "svp_1", one.Name, nil)
		of([]federation.Participant{one, index}, got, err)
		got, err = r.ParticipantsNamed(ctx, "platform0", "svp_1", one.Name, []string{"i2", "i3"})
		of([]federation.Participant{index}, got, err)
		got, err = r.ParticipantsNamed(ctx, "platform0", "svp_2", bob.Name, nil)
		of([]federation.Participant{}, got, err)
		var row models.IDPParticipant
		must(t, db.NewSelect().Model(&row).Where("session_id = 'ses_2'").Scan(ctx))
		if strings.Contains(row.NameBlind+string(row.NameSealed), "bob") {
			t.Error("the name lies open in the row")
		}
		must(t, r.LeaveParticipant(ctx, one))
		must(t, r.LeaveParticipant(ctx, one))
		got, err = r.ParticipantsOf(ctx, "ses_1")
		of([]federation.Participant{index, other}, got, err)
		r.now = r.now.Add(2 * time.Hour)
		got, err = r.ParticipantsOf(ctx, "ses_1")
		of([]federation.Participant{}, got, err)
		swept, err := r.Sweep(ctx)
		if err != nil || swept.Participants != 4 {
			t.Errorf("swept %+v, %v", swept, err)
		}
	})
}

func TestPairwiseNames(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRealm(t, db)
		seen := map[string]bool{}
		for _, of := range [][3]string{{"p", "sp", "ann"}, {"p", "sp", "bob"}, {"p", "sp2", "ann"}, {"p2", "sp", "ann"}, {"p", "s", "pann"}} {
			if id := r.SubjectID(of[0], of[2]); id != r.SubjectID(of[0], of[2]) || id == r.SubjectID(of[0]+"2", of[2]) || id == r.SubjectID(of[0], of[2]+"2") || len(id) != 64 {
				t.Errorf("%v: %s", of, id)
			}
			name := r.PairwiseID(of[0], of[1], of[2])
			if seen[name] || name != r.PairwiseID(of[0], of[1], of[2]) || strings.Contains(name, "ann") || len(name) < 32 {
				t.Errorf("the name of %v is %s", of, name)
			}
			seen[name] = true
		}
	})
}
