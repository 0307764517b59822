package exposure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// metadata accepts any text but "broken" and names it as the entity id; "named" has a display name and a logo.
type metadata struct{}

func (metadata) CheckIDPMetadata(xml []byte) (models.IDPFacts, error) {
	facts := models.IDPFacts{EntityID: "urn:idp:" + string(xml)}
	switch string(xml) {
	case "broken":
		return models.IDPFacts{}, errors.New("there is no signing certificate")
	case "named":
		facts.DisplayNames = []models.LocalizedText{{Language: "en", Text: "Shop"}}
		facts.Logos = []models.MetadataLogo{{URL: "https://shop.example.com/logo.png", Width: 80, Height: 60}}
	}
	return facts, nil
}

type world struct {
	*exposure.Service
	now                                time.Time
	distributor, reseller, solution    models.Partner
	operator, owner, seller, foreigner models.Principal
	buyer                              models.Principal
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	ids := models.RandomIDs()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	sealer, err := seal.New("k1:" + base64.StdEncoding.EncodeToString(key))
	must(t, err)
	w.Service = &exposure.Service{
		DB: db, Now: clock, IDs: ids, Events: &events.Recorder{IDs: ids, Now: clock}, Seal: sealer, Metadata: metadata{},
		Random: rand.Reader, Logger: slog.New(slog.DiscardHandler), OwnOrigin: "https://sales.example.com",
	}
	partner := func(kind models.PartnerKind, parent models.ID) models.Partner {
		p := models.Partner{
			ID: ids(models.PrefixPartner), Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelStandard, State: models.PartnerActive,
			ParentID: parent, Country: "CN", SigningEntity: "E", Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
		}
		insert(t, db, &p)
		return p
	}
	w.distributor = partner(models.Distributor, "")
	w.reseller = partner(models.CloudReseller, w.distributor.ID)
	w.solution = partner(models.SolutionProvider, "")
	customer := models.Customer{
		ID: ids(models.PrefixCustomer), Cloud: "hws", Name: "buyer", Kind: models.Enterprise, VerifiedStatus: models.Verified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: w.reseller.ID, Mode: models.Resale, CreatedAt: w.now, UpdatedAt: w.now,
	}
	insert(t, db, &customer)
	as := func(p models.Partner) models.Principal {
		return models.Principal{
			Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
		}
	}
	w.operator = models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
	w.owner, w.seller, w.foreigner = as(w.distributor), as(w.reseller), as(w.solution)
	w.buyer = models.Principal{Kind: models.CustomerUser, CustomerID: customer.ID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
	return w
}

func insert(t *testing.T, db *store.DB, row any) {
	t.Helper()
	_, err := db.NewInsert().Model(row).Exec(t.Context())
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// first saves the distributor's platform.
func (w *world) first(t *testing.T) models.AccessConfiguration {
	t.Helper()
	saved, err := w.Update(t.Context(), w.owner, exposure.UpdateAccessConfiguration{
		PartnerID: w.distributor.ID, PlatformID: ptr("acme_IDP"), OrderPaidURL: ptr("https://shop.example.com/paid?lang=zh"),
		AllowedOrigins: []string{"https://shop.example.com"}, AllowedServices: []string{"https://console.example.com/app"},
	})
	must(t, err)
	return saved.AccessConfiguration
}

func TestWhoMayUseTheConfiguration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		config := w.first(t)
		weak := w.owner
		weak.Permissions = []models.Permission{models.ReadPartners}
		for _, tc := range []struct {
			name    string
			who     models.Principal
			partner models.ID
			code    models.Code
			reason  string
			sees    models.Code // of reading the distributor's; "" with one row, or "none" with none
		}{
			{"operator", w.operator, w.distributor.ID, "", "", ""},
			{"owner", w.owner, w.distributor.ID, "", "", ""},
			{"owner for its reseller", w.owner, w.reseller.ID, models.CodePreconditionFailed, "EXPOSURE_NOT_AVAILABLE", ""},
			{"operator for a reseller", w.operator, w.reseller.ID, models.CodePreconditionFailed, "EXPOSURE_NOT_AVAILABLE", ""},
			{"reseller for itself", w.seller, w.reseller.ID, models.CodeForbidden, "", models.CodeForbidden},
			{"reseller for its distributor", w.seller, w.distributor.ID, models.CodeForbidden, "", models.CodeForbidden},
			{"foreign provider", w.foreigner, w.distributor.ID, models.CodeNotFound, "", "none"},
			{"owner without permission", weak, w.distributor.ID, models.CodeForbidden, "", models.CodeForbidden},
			{"customer", w.buyer, w.distributor.ID, models.CodeForbidden, "", models.CodeForbidden},
			{"nobody", models.Principal{}, w.distributor.ID, models.CodeUnauthenticated, "", models.CodeUnauthenticated},
			{"operator for another kind of id", w.operator, config.ID, models.CodeInvalid, "", ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				ctx := t.Context()
				_, updateErr := w.Update(ctx, tc.who, exposure.UpdateAccessConfiguration{PartnerID: tc.partner, AttachmentUpload: ptr(true)})
				_, revealErr := w.RevealReturnSecret(ctx, tc.who, tc.partner)
				_, rotateErr := w.RotateReturnSecret(ctx, tc.who, exposure.RotateReturnSecret{PartnerID: tc.partner})
				for what, err := range map[string]error{"update": updateErr, "reveal": revealErr, "rotate": rotateErr} {
					var refusal *models.Error
					_ = errors.As(err, &refusal)
					if models.CodeOf(err) != tc.code || (refusal != nil && refusal.Reason() != tc.reason) {
						t.Errorf("%s: got %v, want %q %s", what, err, tc.code, tc.reason)
					}
				}
				byPartner, err := w.ByPartnerIDs(ctx, tc.who, []models.ID{w.distributor.ID, w.solution.ID})
				byID, idErr := w.ByIDs(ctx, tc.who, []models.ID{config.ID})
				want, rows := tc.sees, 0
				if want == "" {
					rows = 1
				}
				if want == "none" {
					want = ""
				}
				if models.CodeOf(err) != want || models.CodeOf(idErr) != want || len(byPartner) != rows || len(byID) != rows {
					t.Errorf("reading: %v, %v, %d and %d rows; want %q and %d", err, idErr, len(byPartner), len(byID), want, rows)
				}
			})
		}
	})
}

func TestUpdateRefusesBadInput(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.first(t)
		type cmd = exposure.UpdateAccessConfiguration
		link := func(field string, set func(*cmd, string)) map[string]func(*cmd) {
			rows := map[string]func(*cmd){}
			for name, bad := range map[string]string{
				"http": "http://shop.example.com/x", "loopback http": "http://localhost/x", "script": "javascript:alert(1)", "relative": "/x",
				"no host": "https:///x", "user": "https://a@shop.example.com/", "fragment": "https://shop.example.com/#a", "empty fragment": "https://shop.example.com/#",
				"blank": "https://shop.example.com/a b", "backslash": `https://shop.example.com\@evil.example`, "line": "https://shop.example.com/\n",
				"dots": "https://shop.example.com/a/../b", "long": "https://shop.example.com/" + strings.Repeat("a", 2048),
			} {
				rows[field+" "+name] = func(c *cmd) { set(c, bad) }
			}
			return rows
		}
		named := []models.LocalizedText{{Language: "en", Text: "Shop"}}
		display := func(pairs ...string) func(*cmd) {
			var names []models.LocalizedText
			for pair := range slices.Chunk(pairs, 2) {
				names = append(names, models.LocalizedText{Language: pair[0], Text: pair[1]})
			}
			return func(c *cmd) { c.Display = &models.MetadataDisplay{DisplayNames: names} }
		}
		logo := func(address string, width, height int) func(*cmd) {
			return func(c *cmd) {
				c.Display = &models.MetadataDisplay{DisplayNames: named, Logo: &models.MetadataLogo{URL: address, Width: width, Height: height}}
			}
		}
		many := make([]string, 51)
		for i := range many {
			many[i] = "https://shop.example.com"
		}
		rows := map[string]func(*cmd){
			"state unknown":                   func(c *cmd) { c.State = ptr(models.ExposureState("OFF")) },
			"platformId malformed":            func(c *cmd) { c.PlatformID = ptr("1 x") },
			"idpMetadata broken":              func(c *cmd) { c.IDPMetadata = ptr("broken") },
			"idpMetadata too large":           func(c *cmd) { c.IDPMetadata = ptr(strings.Repeat("x", 2<<20+1)) },
			"orderPaidUrl with a signed name": func(c *cmd) { c.OrderPaidURL = ptr("https://shop.example.com/?signature=x") },
			"allowedOrigins path":             func(c *cmd) { c.AllowedOrigins = []string{"https://shop.example.com/"} },
			"allowedOrigins upper case":       func(c *cmd) { c.AllowedOrigins = []string{"https://Shop.example.com"} },
			"allowedOrigins default port":     func(c *cmd) { c.AllowedOrigins = []string{"https://shop.example.com:443"} },
			"allowedOrigins null":             func(c *cmd) { c.AllowedOrigins = []string{"null"} },
			"allowedOrigins wildcard":         func(c *cmd) { c.AllowedOrigins = []string{"https://*.example.com"} },
			"allowedOrigins query":            func(c *cmd) { c.AllowedOrigins = []string{"https://shop.example.com?x"} },
			"allowedOrigins empty entry":      func(c *cmd) { c.AllowedOrigins = []string{""} },
			"allowedOrigins too many":         func(c *cmd) { c.AllowedOrigins = many },
			"allowedServices query":           func(c *cmd) { c.AllowedServices = []string{"https://shop.example.com/?x"} },
			"allowedServices too many":        func(c *cmd) { c.AllowedServices = many },
			"allowedServices http":            func(c *cmd) { c.AllowedServices = []string{"http://shop.example.com/"} },
			"allowedServices dots":            func(c *cmd) { c.AllowedServices = []string{"https://shop.example.com/a/.."} },
			"authnContexts relative":          func(c *cmd) { c.AuthnContexts = []string{"PasswordProtectedTransport"} },
			"authnContexts without a rest":    func(c *cmd) { c.AuthnContexts = []string{"urn:"} },
			"authnContexts with a blank":      func(c *cmd) { c.AuthnContexts = []string{"urn:oasis:names tc"} },
			"authnContexts beyond ASCII":      func(c *cmd) { c.AuthnContexts = []string{"urn:oasis:nämes"} },
			"authnContexts empty entry":       func(c *cmd) { c.AuthnContexts = []string{"urn:a:b", ""} },
			"authnContexts too long":          func(c *cmd) { c.AuthnContexts = []string{"urn:" + strings.Repeat("a", 253)} },
			"authnContexts too many":          func(c *cmd) { c.AuthnContexts = slices.Repeat([]string{"urn:a:b"}, 9) },
			"subjectScopes blank":             func(c *cmd) { c.SubjectScopes = []string{"shop example"} },
			"subjectScopes with an at":        func(c *cmd) { c.SubjectScopes = []string{"a@shop.example"} },
			"subjectScopes a pattern":         func(c *cmd) { c.SubjectScopes = []string{"*.shop.example"} },
			"subjectScopes too long":          func(c *cmd) { c.SubjectScopes = []string{strings.Repeat("a", 128)} },
			"subjectScopes too many":          func(c *cmd) { c.SubjectScopes = slices.Repeat([]string{"a"}, 51) },
			"subjectScopes missing":           func(c *cmd) { c.AttributeMapping = &models.AttributeMapping{XUserID: models.AttributeSubjectID} },
			"subjectScopes cleared": func(c *cmd) {
				c.AttributeMapping, c.SubjectScopes = &models.AttributeMapping{XAccountID: models.AttributePairwiseID}, []string{}
			},
			"attributeMapping.bpId scoped":      func(c *cmd) { c.AttributeMapping = &models.AttributeMapping{BPID: models.AttributeSubjectID} },
			"display.displayNames missing":      func(c *cmd) { c.Display = &models.MetadataDisplay{Descriptions: named} },
			"display.displayNames empty":        display("en", ""),
			"display.displayNames long":         display("en", strings.Repeat("x", 129)),
			"display.displayNames with a line":  display("en", "a\nb"),
			"display.displayNames turned round": display("en", "a\u202eb"),
			"display.displayNames blank around": display("en", " a"),
			"display.displayNames no language":  display("", "a"),
			"display.displayNames odd language": display("en_GB", "a"),
			"display.displayNames twice":        display("en", "a", "EN", "b"),
			"display.displayNames nine":         display("aa", "a", "ab", "a", "ac", "a", "ad", "a", "ae", "a", "af", "a", "ag", "a", "ah", "a", "ai", "a"),
			"display.descriptions long": func(c *cmd) {
				c.Display = &models.MetadataDisplay{DisplayNames: named, Descriptions: []models.LocalizedText{{Language: "en", Text: strings.Repeat("x", 1025)}}}
			},
			"display.informationUrls http": func(c *cmd) {
				c.Display = &models.MetadataDisplay{DisplayNames: named, InformationURLs: []models.LocalizedText{{Language: "en", Text: "http://shop.example.com"}}}
			},
			"display.privacyStatementUrls script": func(c *cmd) {
				c.Display = &models.MetadataDisplay{DisplayNames: named, PrivacyStatementURLs: []models.LocalizedText{{Language: "en", Text: "javascript:alert(1)"}}}
			},
			"display.logo without a size":      logo("https://shop.example.com/logo.png", 0, 60),
			"display.logo too wide":            logo("https://shop.example.com/logo.png", 4097, 60),
			"display.logo.url http":            logo("http://shop.example.com/logo.png", 80, 60),
			"display.logo.url data":            logo("data:image/png;base64,AAAA", 80, 60),
			"publishContact without a contact": func(c *cmd) { c.PublishContact = ptr(true) },
			"publishContact without an address": func(c *cmd) {
				c.PublishContact, c.Contact = ptr(true), &models.InterfaceContact{Name: "Li", Phone: "0086-1"}
			},
			"bindNotificationUrl after good one": func(c *cmd) { c.AttachmentUpload = ptr(true); c.BindNotificationURL = ptr("ftp://x") },
		}
		for field, set := range map[string]func(*cmd, string){
			"orderPaidUrl":        func(c *cmd, s string) { c.OrderPaidURL = &s },
			"orderRechargeUrl":    func(c *cmd, s string) { c.OrderRechargeURL = &s },
			"bindNotificationUrl": func(c *cmd, s string) { c.BindNotificationURL = &s },
		} {
			maps.Copy(rows, link(field, set))
		}
		before, err := w.ByPlatform(t.Context(), "acme_IDP")
		must(t, err)
		for name, change := range rows {
			input := cmd{PartnerID: w.distributor.ID}
			change(&input)
			_, err := w.Update(t.Context(), w.owner, input)
			var refusal *models.Error
			if !errors.As(err, &refusal) || refusal.Code != models.CodeInvalid || refusal.Field == "" || !strings.HasPrefix(name, refusal.Field+" ") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		after, err := w.ByPlatform(t.Context(), "acme_IDP")
		must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("a refused change was saved (-before +after):\n%s", diff)
		}
	})
}

// TestHowAPlatformSignsPeopleIn: contexts and scopes are kept in order, once each, the scopes in lower case; an empty list clears, and what
// the mapping needs stays. The record says what became of them.
func TestHowAPlatformSignsPeopleIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.first(t)
		contexts := []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken", "https://refeds.org/profile/mfa"}
		_, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{
			PartnerID: w.distributor.ID, AuthnContexts: append(contexts, contexts[0]), SubjectScopes: []string{"Shop.Example.com", "shop.example.com", "b2b"},
			AttributeMapping: &models.AttributeMapping{XUserID: models.AttributeSubjectID},
		})
		must(t, err)
		stored, err := w.ByPlatform(ctx, "acme_IDP")
		must(t, err)
		if !slices.Equal(stored.AuthnContexts, contexts) || !slices.Equal(stored.SubjectScopes, []string{"shop.example.com", "b2b"}) || stored.Attributes().XUserID != models.AttributeSubjectID {
			t.Errorf("%v %v %+v", stored.AuthnContexts, stored.SubjectScopes, stored.Attributes())
		}
		if _, err = w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, SubjectScopes: []string{}}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("scopes that the mapping needs: %v", err)
		}
		_, err = w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{
			PartnerID: w.distributor.ID, AuthnContexts: []string{}, SubjectScopes: []string{}, AttributeMapping: &models.AttributeMapping{},
		})
		must(t, err)
		if stored, err = w.ByPlatform(ctx, "acme_IDP"); err != nil || len(stored.AuthnContexts)+len(stored.SubjectScopes) != 0 {
			t.Errorf("%v %v %v", err, stored.AuthnContexts, stored.SubjectScopes)
		}
		var events []models.Event
		must(t, db.NewSelect().Model(&events).Where("type = ?", models.EventExposureUpdated).OrderExpr("id").Scan(ctx))
		found := map[string]models.FieldChange{}
		for _, change := range events[1].Changes {
			found[change.Field] = change
		}
		if _, contextsTold := found["authnContexts"]; !contextsTold || found["subjectScopes"] == (models.FieldChange{}) {
			t.Errorf("the record says %v", found)
		}
	})
}

// TestWhatAPlatformSaysOfItself: SDP-MD09 to SDP-MD11: words and logo are kept as they are, the contact is published only when the partner says so, and what
// the identity provider's file says of itself is kept to be shown.
func TestWhatAPlatformSaysOfItself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.first(t)
		save := func(cmd exposure.UpdateAccessConfiguration) models.AccessConfiguration {
			t.Helper()
			cmd.PartnerID = w.distributor.ID
			_, err := w.Update(ctx, w.owner, cmd)
			must(t, err)
			stored, err := w.ByPlatform(ctx, "acme_IDP")
			must(t, err)
			return stored
		}
		display := models.MetadataDisplay{
			DisplayNames: []models.LocalizedText{{Language: "en", Text: "Shop"}, {Language: "zh-CN", Text: "店面"}},
			Descriptions: []models.LocalizedText{{Language: "en", Text: "Sells."}}, InformationURLs: []models.LocalizedText{{Language: "en", Text: "https://shop.example.com/about"}},
			PrivacyStatementURLs: []models.LocalizedText{{Language: "zh", Text: "https://shop.example.com/privacy"}},
			Logo:                 &models.MetadataLogo{URL: "https://shop.example.com/logo.png", Width: 80, Height: 60},
		}
		stored := save(exposure.UpdateAccessConfiguration{Display: &display, IDPMetadata: ptr("named"), Contact: &models.InterfaceContact{Name: "Li", Email: "li@shop.example.com"}})
		if diff := cmp.Diff(display, stored.Display); diff != "" || len(stored.IDPDisplayNames()) != 1 || len(stored.IDPLogos()) != 1 || stored.IDPEntityID != "urn:idp:named" {
			t.Errorf("%s %+v", diff, stored)
		}
		if contact, err := w.PublishedContact(stored); err != nil || contact != nil {
			t.Errorf("a contact that nobody released: %v %v", contact, err)
		}
		stored = save(exposure.UpdateAccessConfiguration{PublishContact: ptr(true)})
		if contact, err := w.PublishedContact(stored); err != nil || contact == nil || contact.Email != "li@shop.example.com" {
			t.Errorf("%v %v", contact, err)
		}
		// What is published cannot be taken away from under it.
		_, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, Contact: &models.InterfaceContact{}})
		var refusal *models.Error
		if !errors.As(err, &refusal) || refusal.Field != "publishContact" {
			t.Errorf("%v", err)
		}
		stored = save(exposure.UpdateAccessConfiguration{Display: &models.MetadataDisplay{}, IDPMetadata: ptr("plain"), PublishContact: ptr(false), Contact: &models.InterfaceContact{}})
		if stored.DisplayOrNil() != nil || len(stored.IDPDisplayNames())+len(stored.IDPLogos()) != 0 {
			t.Errorf("%+v", stored)
		}
	})
}

func TestUpdateChangesWhatIsGivenAndKeepsThePlatformID(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		_, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID})
		if models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a first save without a platform id: %v", err)
		}
		first := w.first(t)
		w.now = w.now.Add(time.Hour)
		saved, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{
			PartnerID: w.distributor.ID, PlatformID: ptr("acme_IDP"), IDPMetadata: ptr("x"), OrderPaidURL: ptr(""), AllowedServices: []string{},
			State: ptr(models.ExposureDisabled),
		})
		must(t, err)
		want := first
		want.IDPMetadata, want.IDPEntityID, want.OrderPaidURL, want.AllowedServices = "x", "urn:idp:x", "", []string{}
		want.State, want.UpdatedAt = models.ExposureDisabled, w.now
		if diff := cmp.Diff(want, saved.AccessConfiguration); diff != "" {
			t.Errorf("saved (-want +got):\n%s", diff)
		}
		stored, err := w.ByPlatform(ctx, "acme_IDP")
		must(t, err)
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		_, err = w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, PlatformID: ptr("other_IDP")})
		if !errors.Is(err, exposure.ErrPlatformIDFixed) {
			t.Errorf("another platform id: %v", err)
		}
		_, err = w.Update(ctx, w.foreigner, exposure.UpdateAccessConfiguration{PartnerID: w.solution.ID, PlatformID: ptr("acme_IDP")})
		var refusal *models.Error
		if !errors.As(err, &refusal) || refusal.Code != models.CodeConflict || refusal.Field != "platformId" {
			t.Errorf("a taken platform id: %v", err)
		}
		var event models.Event
		must(t, db.NewSelect().Model(&event).OrderExpr("ev.id DESC").Limit(1).Scan(ctx))
		if diff := cmp.Diff([]string{"allowedServices", "idpMetadata", "orderPaidUrl", "state"}, event.Fields); diff != "" || event.PartnerID != w.distributor.ID {
			t.Errorf("event %+v (-want +got):\n%s", event, diff)
		}
		digest := func(text string) string {
			if text == "" {
				return ""
			}
			sum := sha256.Sum256([]byte(text))
			return "sha256:" + hex.EncodeToString(sum[:])
		}
		changes := []models.FieldChange{
			models.Changed("allowedServices", strings.Join(first.AllowedServices, " "), ""),
			models.Changed("idpMetadata", digest(first.IDPMetadata), digest("x")),
			models.Changed("orderPaidUrl", first.OrderPaidURL, ""),
			models.Changed("state", models.ExposureEnabled, models.ExposureDisabled),
		}
		if diff := cmp.Diff(changes, event.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// A02: the contact is sealed, read by whoever may read the configuration, and no value of it stands in the record.
func TestTheContactIsSealedAndCleared(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, id := t.Context(), w.first(t).ID
		set := func(c models.InterfaceContact) (exposure.Updated, error) {
			return w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, Contact: &c})
		}
		for field, bad := range map[string]models.InterfaceContact{
			"contact":       {Name: "Li Lei"},
			"contact.name":  {Name: strings.Repeat("x", 65), Email: "a@b"},
			"contact.email": {Name: "Li Lei", Email: "nowhere"},
			"contact.phone": {Name: "Li Lei", Phone: "call me"},
		} {
			_, err := set(bad)
			var refusal *models.Error
			if !errors.As(err, &refusal) || refusal.Code != models.CodeInvalid || refusal.Field != field {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		want := models.InterfaceContact{Name: "Li Lei", Email: "li.lei@shop.example", Phone: "0086-13012345678"}
		saved, err := set(want)
		must(t, err)
		found, err := w.ByIDs(ctx, w.owner, []models.ID{id})
		must(t, err)
		// A save of something else keeps it.
		other, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, OrderPaidURL: ptr("")})
		must(t, err)
		for name, got := range map[string]*models.InterfaceContact{
			"saved": saved.AccessConfiguration.Contact, "found": found[id].Contact, "saved again": other.AccessConfiguration.Contact,
		} {
			if got == nil || *got != want {
				t.Errorf("%s: %+v", name, got)
			}
		}
		var stored []models.AccessConfiguration
		must(t, db.NewSelect().Model(&stored).Where("ac.id = ?", id).Scan(ctx))
		if bytes.Contains(stored[0].ContactSealed, []byte("Li Lei")) {
			t.Error("the contact is stored in the clear")
		}
		var told []models.Event
		must(t, db.NewSelect().Model(&told).Where("ev.subject_id = ?", id).Scan(ctx))
		for _, event := range told {
			if strings.Contains(fmt.Sprint(event.Data, event.Changes), "Li") {
				t.Errorf("an event says %v %v", event.Data, event.Changes)
			}
		}
		cleared, err := set(models.InterfaceContact{})
		must(t, err)
		if cleared.AccessConfiguration.Contact != nil {
			t.Errorf("cleared: %+v", cleared.AccessConfiguration.Contact)
		}
	})
}

func TestTheChecklistSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, config := t.Context(), w.first(t)
		done := func() map[models.GoLiveCode]bool {
			t.Helper()
			lists, err := w.ChecklistsFor(ctx, w.owner, []models.ID{config.ID})
			must(t, err)
			set := map[models.GoLiveCode]bool{}
			for _, step := range lists[config.ID] {
				if step.Message == "" {
					t.Errorf("%s says nothing", step.Code)
				}
				set[step.Code] = step.Done
			}
			return set
		}
		before := done()
		if len(before) != 11 || before[models.GoLiveBucket] || !before[models.GoLiveEnabled] || before[models.GoLiveAPIKey] || before[models.GoLiveFirstLogin] || before[models.GoLiveContact] {
			t.Errorf("at first: %v", before)
		}
		past := w.now.Add(-time.Minute)
		key := models.APIKey{
			ID: w.IDs(models.PrefixAPIKey), Name: "k", Kind: models.PartnerKey, PartnerID: w.distributor.ID, Hash: []byte("expired"), Scopes: []models.Permission{},
			CreatedAt: w.now, ExpiresAt: &past,
		}
		insert(t, db, &key)
		if done()[models.GoLiveAPIKey] {
			t.Error("an expired key counts")
		}
		key.ID, key.Hash, key.ExpiresAt = w.IDs(models.PrefixAPIKey), []byte("alive"), nil
		insert(t, db, &key)
		_, err := w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{
			PartnerID: w.distributor.ID, State: ptr(models.ExposureDisabled), Contact: &models.InterfaceContact{Name: "Li Lei", Phone: "0086-1"},
		})
		must(t, err)
		insert(t, db, &models.FederatedAccount{PlatformID: config.PlatformID, XAccountID: "x", CustomerID: w.buyer.CustomerID, BoundAt: w.now})
		after := done()
		if !after[models.GoLiveAPIKey] || !after[models.GoLiveContact] || !after[models.GoLiveFirstLogin] || after[models.GoLiveEnabled] {
			t.Errorf("afterwards: %v", after)
		}
		for name, who := range map[string]models.Principal{"a foreign partner": w.foreigner, "a customer": w.buyer} {
			if lists, err := w.ChecklistsFor(ctx, who, []models.ID{config.ID}); len(lists) != 0 {
				t.Errorf("%s sees %v, %v", name, lists, err)
			}
		}
	})
}

func TestTwoFirstSavesAtOnceMakeOneConfiguration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var group sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			group.Go(func() {
				_, errs[i] = w.Update(context.Background(), w.owner, exposure.UpdateAccessConfiguration{
					PartnerID: w.distributor.ID, PlatformID: ptr("acme_IDP"), AttachmentUpload: ptr(true),
				})
			})
		}
		group.Wait()
		for _, err := range errs {
			must(t, err)
		}
		if n, err := db.NewSelect().Model((*models.AccessConfiguration)(nil)).Count(t.Context()); err != nil || n != 1 {
			t.Errorf("%d configurations, %v", n, err)
		}
	})
}

func TestOriginsAndServices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.first(t)
		_, err := w.Update(ctx, w.foreigner, exposure.UpdateAccessConfiguration{
			PartnerID: w.solution.ID, PlatformID: ptr("other_IDP"), AllowedOrigins: []string{"https://other.example.com"},
		})
		must(t, err)
		for origin, want := range map[string]bool{
			"https://shop.example.com": true, "https://other.example.com": true, "https://shop.example.com.evil.example": false,
			"https://hop.example.com": false, "http://shop.example.com": false, "null": false, "": false, "%": false, `https://shop.example.com"`: false,
			"https://s_op.example.com": false, "https://shop.example.com:8443": false,
		} {
			if got, err := w.OriginAllowed(ctx, origin); err != nil || got != want {
				t.Errorf("OriginAllowed(%q) = %v, %v", origin, got, err)
			}
		}
		for name, tc := range map[string]struct {
			who  models.Principal
			want [2]bool // the distributor's origin, the provider's
		}{
			"owner": {w.owner, [2]bool{true, false}}, "its reseller": {w.seller, [2]bool{true, false}}, "the reseller's customer": {w.buyer, [2]bool{true, false}},
			"the other provider": {w.foreigner, [2]bool{false, true}}, "operator": {w.operator, [2]bool{}}, "nobody": {models.Principal{}, [2]bool{}},
		} {
			for i, origin := range []string{"https://shop.example.com", "https://other.example.com"} {
				if got, err := w.OriginAllowedFor(ctx, tc.who, origin); err != nil || got != tc.want[i] {
					t.Errorf("%s from %s: %v, %v", name, origin, got, err)
				}
			}
		}
		services := map[string]bool{
			"https://console.example.com/app": true, "https://console.example.com/app/x?y=1": true, "https://sales.example.com/checkout/1": true,
			"https://console.example.com/apple": false, "https://console.example.com/": false, "https://console.example.com.evil.example/app": false,
			"https://console.example.com/app/../x": false, "//console.example.com/app": false, "javascript:alert(1)": false, "": false,
		}
		check := func(platform string, off bool) {
			for service, want := range services {
				if got, err := w.ServiceAllowed(ctx, platform, service); err != nil || got != (want && !off) {
					t.Errorf("ServiceAllowed(%s, %q) = %v, %v", platform, service, got, err)
				}
			}
		}
		check("acme_IDP", false)
		check("nobody_IDP", true)
		_, err = w.Update(ctx, w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, State: ptr(models.ExposureDisabled)})
		must(t, err)
		check("acme_IDP", true)
		if got, err := w.OriginAllowed(ctx, "https://shop.example.com"); err != nil || got {
			t.Errorf("a disabled platform's origin: %v, %v", got, err)
		}
	})
}

func TestTheWayBackIsSignedWithTheSecretShown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		order := models.RandomIDs()(models.PrefixOrder)
		if got, err := w.SignReturn(ctx, w.distributor.ID, order, "PROCESSING"); got != nil || err != nil {
			t.Errorf("without a platform: %v, %v", got, err)
		}
		config := w.first(t)
		secret, err := w.RevealReturnSecret(ctx, w.owner, w.distributor.ID)
		must(t, err)
		if strings.Contains(string(config.ReturnSecretSealed), secret) {
			t.Error("the secret lies open in its row")
		}
		verify := func(partner models.ID, secret string) error {
			t.Helper()
			signed, err := w.SignReturn(ctx, partner, order, "PROCESSING")
			must(t, err)
			u, err := url.Parse(*signed)
			must(t, err)
			if u.Host != "shop.example.com" || u.Query().Get("lang") != "zh" {
				t.Errorf("signed %s", *signed)
			}
			trip, err := models.VerifyReturnURL(u.Query(), "acme_IDP", secret, w.now)
			if err == nil && (trip.OrderID != order || trip.Status != models.OrderProcessing) {
				t.Errorf("trip %+v", trip)
			}
			return err
		}
		must(t, verify(w.distributor.ID, secret))
		must(t, verify(w.reseller.ID, secret)) // its customers go back to the distributor's platform
		rotated, err := w.RotateReturnSecret(ctx, w.owner, exposure.RotateReturnSecret{PartnerID: w.distributor.ID})
		must(t, err)
		if err := verify(w.distributor.ID, secret); err == nil {
			t.Error("the old secret still verifies")
		}
		must(t, verify(w.distributor.ID, rotated.Secret))
		if got, err := w.SignReturn(ctx, w.solution.ID, order, "PROCESSING"); got != nil || err != nil {
			t.Errorf("another partner's: %v, %v", got, err)
		}
		_, err = w.RevealReturnSecret(ctx, w.foreigner, w.solution.ID)
		if models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("revealing what was never saved: %v", err)
		}
		n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventReturnSecretRevealed).Count(ctx)
		if err != nil || n != 1 {
			t.Errorf("%d looks at the secret recorded, %v", n, err)
		}
	})
}

func TestDevelopmentAllowsPlainLoopbackOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.Dev = true
	w.first(t)
	for raw, ok := range map[string]bool{
		"http://shop.localhost:8081/paid": true, "http://127.0.0.1:9/": true, "http://[::1]:9/": true, "http://localhost/": true,
		"http://shop.example.com/": false, "http://localhost.example.com/": false, "http://10.0.0.1/": false, "ftp://localhost/": false,
	} {
		_, err := w.Update(t.Context(), w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, OrderRechargeURL: &raw})
		if (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
