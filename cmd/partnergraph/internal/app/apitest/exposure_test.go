package apitest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

const updateConfiguration = `mutation($i: UpdateAccessConfigurationInput!){updateAccessConfiguration(input: $i){accessConfiguration{
	id platformId state idpMetadata idpEntityId bindNotificationUrl orderPaidUrl orderRechargeUrl allowedOrigins allowedServices attachmentUpload}}}`

// TestConfigurationsThatAreRefusedAreNotSaved: one bad field of several good ones, and nothing is saved.
func TestConfigurationsThatAreRefusedAreNotSaved(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	metadata := apitest.Metadata(t, "https://new.example.com")
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		provider, distributor, reseller := w.Providers[0], w.Distributors[0], w.Resellers[0]
		fresh := w.Fresh(t, "fresh")
		before := s.Fingerprint(t)
		type refusal struct {
			by                  *apitest.Org
			partner             models.ID
			bad                 vars
			code, field, reason string
		}
		invalid := func(field string, value any) refusal {
			return refusal{provider, provider.Partner.ID, vars{field: value}, "INVALID", field, ""}
		}
		cases := map[string]refusal{
			"a reseller for itself":         {reseller, reseller.Partner.ID, nil, "FORBIDDEN", "", ""},
			"a distributor's reseller":      {distributor, reseller.Partner.ID, nil, "PRECONDITION_FAILED", "", "EXPOSURE_NOT_AVAILABLE"},
			"another's":                     {provider, w.Providers[1].Partner.ID, nil, "NOT_FOUND", "", ""},
			"nobody's":                      {provider, "par_01h455vb4pex5vsknk084sn02q", nil, "NOT_FOUND", "", ""},
			"a customer's":                  {provider, provider.Resale.Customer.ID, nil, "INVALID", "partnerId", ""},
			"another platform id":           {provider, provider.Partner.ID, vars{"platformId": "other_IDP"}, "PRECONDITION_FAILED", "", "PLATFORM_ID_FIXED"},
			"the first without platform id": {fresh, fresh.Partner.ID, nil, "INVALID", "platformId", ""},
			"a platform id that is taken":   {fresh, fresh.Partner.ID, vars{"platformId": provider.PlatformID}, "CONFLICT", "platformId", ""},
			"a state that is none":          {provider, provider.Partner.ID, vars{"state": "PAUSED"}, "GRAPHQL_VALIDATION_FAILED", "", ""},
			"a list that is a number":       {provider, provider.Partner.ID, vars{"allowedOrigins": 7}, "INVALID", "allowedOrigins", ""},
			"a field that is none":          {provider, provider.Partner.ID, vars{"returnSecret": "mine"}, "GRAPHQL_VALIDATION_FAILED", "", ""},
		}
		for _, id := range []string{"", "x", "7up", "white space", "ünder", "a/b", strings.Repeat("p", 65)} {
			cases["a platform id like "+id] = refusal{fresh, fresh.Partner.ID, vars{"platformId": id}, "INVALID", "platformId", ""}
		}
		for _, field := range []string{"bindNotificationUrl", "orderPaidUrl", "orderRechargeUrl"} {
			for _, bad := range badURLs() {
				cases[field+" "+bad] = invalid(field, bad)
			}
		}
		for _, parameter := range []string{"orderId", "status", "platformId", "issuedAt", "nonce", "signature"} {
			cases["a way back with "+parameter] = invalid("orderPaidUrl", "https://shop.example.com/back?"+parameter+"=1")
		}
		for _, bad := range append(badURLs(), "https://shop.example.com/", "https://shop.example.com/path", "https://SHOP.example.com", "https://shop.example.com:443", "*", "null", "https://*.example.com") {
			cases["origin "+bad] = invalid("allowedOrigins", []string{"https://good.example.com", bad})
		}
		for _, bad := range append(badURLs(), "https://shop.example.com/?x=1", "https://shop.example.com/a/../b") {
			cases["service "+bad] = invalid("allowedServices", []string{"https://good.example.com", bad})
		}
		for _, list := range []string{"allowedOrigins", "allowedServices"} {
			var many []string
			for i := range 51 {
				many = append(many, fmt.Sprintf("https://shop%d.example.com", i))
			}
			cases["too many "+list] = invalid(list, many)
		}
		for name, bad := range map[string]string{
			"none": "not xml", "another document": "<html/>", "without a certificate": strings.ReplaceAll(metadata, "KeyDescriptor", "Extensions"),
			"plain http": strings.ReplaceAll(metadata, "https://", "http://"), "an entity of one's own": "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>" + metadata,
			"half": metadata[:len(metadata)/2], "twice": metadata + metadata, "a loopback": strings.ReplaceAll(metadata, "https://new.example.com/sso", "http://127.0.0.1/sso"),
		} {
			cases["metadata: "+name] = invalid("idpMetadata", bad)
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				input := vars{"partnerId": c.partner, "attachmentUpload": true}
				maps.Copy(input, vars{"orderPaidUrl": "https://good.example.com/paid", "allowedOrigins": []string{"https://good.example.com"}})
				maps.Copy(input, c.bad)
				wantError(t, s.Ask(t, c.by.Key, updateConfiguration, vars{"i": input}), c.code, c.field, c.reason)
			})
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something was saved:\n%s", diff)
		}
	})
}

// badURLs are no addresses to send a person to, whatever the field.
func badURLs() []string {
	return []string{
		"shop", "//shop.example.com", "/path", "http://shop.example.com", "ftp://shop.example.com", "javascript:alert(1)", "data:text/html,x",
		"https://", "https://user:pass@shop.example.com", "https://shop.example.com#x", "https://shop.example.com\\@evil.example.com",
		"https://shop.example.com/\r\nSet-Cookie: x", "https://shop .example.com", "http://localhost:9", "https://shop.example.com/" + strings.Repeat("x", 2048),
	}
}

// TestConfigurationsAreChangedInPart: what is left out or null stays, what is empty is cleared.
func TestConfigurationsAreChangedInPart(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		provider := w.Providers[0]
		save := func(input vars) any {
			input["partnerId"] = provider.Partner.ID
			answer := s.Ask(t, provider.Key, updateConfiguration, vars{"i": input})
			if len(answer.Errors) > 0 {
				t.Fatal(answer.Body)
			}
			return answer.At("updateAccessConfiguration", "accessConfiguration")
		}
		was, _ := save(vars{"orderPaidUrl": nil, "allowedOrigins": nil, "platformId": provider.PlatformID}).(vars)
		if was["orderPaidUrl"] != "https://provider0.example.com/paid" || len(was["allowedOrigins"].([]any)) != 1 {
			t.Errorf("null changed something: %v", was)
		}
		want := maps.Clone(was)
		want["orderPaidUrl"], want["idpMetadata"], want["idpEntityId"], want["allowedOrigins"], want["state"] = nil, nil, nil, []any{}, "DISABLED"
		got := save(vars{"orderPaidUrl": "", "idpMetadata": "", "allowedOrigins": []string{}, "state": "DISABLED"})
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestKeysThatAreRefusedAreNotMade: no key has more than its maker, or is dead on arrival.
func TestKeysThatAreRefusedAreNotMade(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const createKey = `mutation($i: CreateApiKeyInput!){createApiKey(input: $i){secret apiKey{id kind scopes expiresAt}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		provider := w.Providers[0]
		narrow := w.KeyWithout(t, provider, models.WriteExposure)
		now := s.Clock.Now()
		before := s.Fingerprint(t)
		for name, c := range map[string]struct {
			key         string
			input       vars
			code, field string
		}{
			"more than the maker":      {narrow, vars{"name": "x", "scopes": []string{"ORDERS_READ", "EXPOSURE_WRITE"}}, "FORBIDDEN", ""},
			"more than its kind":       {provider.Key, vars{"name": "x", "scopes": []string{"PARTNERS_WRITE"}}, "FORBIDDEN", ""},
			"a reseller's incentives":  {w.Resellers[0].Key, vars{"name": "x", "scopes": []string{"INCENTIVES_READ"}}, "FORBIDDEN", ""},
			"no scopes":                {provider.Key, vars{"name": "x", "scopes": []string{}}, "INVALID", "scopes"},
			"a scope that is none":     {provider.Key, vars{"name": "x", "scopes": []string{"EVERYTHING"}}, "GRAPHQL_VALIDATION_FAILED", ""},
			"in the past":              {provider.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}, "expiresAt": now.Add(-time.Second)}, "INVALID", "expiresAt"},
			"now":                      {provider.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}, "expiresAt": now}, "INVALID", "expiresAt"},
			"a date that is none":      {provider.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}, "expiresAt": "tomorrow"}, "INVALID", "expiresAt"},
			"a date as a number":       {provider.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}, "expiresAt": 1.9e12}, "INVALID", "expiresAt"},
			"no name":                  {provider.Key, vars{"name": " ", "scopes": []string{"ORDERS_READ"}}, "INVALID", "name"},
			"an endless name":          {provider.Key, vars{"name": strings.Repeat("n", 65), "scopes": []string{"ORDERS_READ"}}, "INVALID", "name"},
			"by a customer":            {provider.Resale.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}}, "FORBIDDEN", ""},
			"for another, by its name": {provider.Key, vars{"name": "x", "scopes": []string{"ORDERS_READ"}, "partnerId": w.Providers[1].Partner.ID}, "GRAPHQL_VALIDATION_FAILED", ""},
		} {
			t.Run(name, func(t *testing.T) { wantError(t, s.Ask(t, c.key, createKey, vars{"i": c.input}), c.code, c.field, "") })
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("a key was made:\n%s", diff)
		}

		// A good one calls with what it was given, until it is revoked.
		made := s.Ask(t, provider.Key, createKey, vars{"i": vars{"name": "reader", "scopes": []string{"ORDERS_READ"}, "expiresAt": now.Add(time.Hour)}})
		secret, _ := made.At("createApiKey", "secret").(string)
		id, _ := made.At("createApiKey", "apiKey", "id").(string)
		if orders := s.Ask(t, secret, "{orders{totalCount}}", nil); orders.At("orders", "totalCount") != 4.0 {
			t.Errorf("the new key reads %s", orders.Body)
		}
		wantError(t, s.Ask(t, secret, "{customers{totalCount}}", nil), "FORBIDDEN", "", "")
		if again := s.Ask(t, provider.Key, "{apiKeys{nodes{id prefix}}}", nil); strings.Contains(again.Body, secret) || !strings.Contains(again.Body, id) {
			t.Errorf("the list of keys is %s", again.Body)
		}
		s.Ask(t, provider.Key, `mutation($i: RevokeApiKeyInput!){revokeApiKey(input: $i){apiKey{revokedAt}}}`, vars{"i": vars{"apiKeyId": id}})
		refused := s.Ask(t, secret, "{viewer{kind}}", nil)
		wantError(t, refused, "UNAUTHENTICATED", "", "")
		if refused.Status != 401 {
			t.Errorf("a revoked key: %d", refused.Status)
		}
		if rows := s.Fingerprint(t); strings.Contains(rows, secret) || slices.Contains(strings.Fields(s.Log.String()), secret) {
			t.Error("the secret is kept somewhere")
		}
	})
}
