package models_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

func trip() models.ReturnTrip {
	return models.ReturnTrip{
		OrderID: "ord_01h455vb4pex5vsknk084sn02q", Status: models.OrderProcessing, PlatformID: "acme_IDP",
		IssuedAt: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Nonce: "n-1",
	}
}

func signed(t *testing.T, base string) *url.URL {
	t.Helper()
	raw, err := models.SignReturnURL(base, trip(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSignReturnURLHasTheDocumentedForm(t *testing.T) {
	t.Parallel()
	got := signed(t, "https://shop.example.com/paid?lang=en").String()
	// The digest is that of `printf 'ord_...\nPROCESSING\nacme_IDP\n2026-11-21T08:00:00Z\nn-1' | openssl dgst -sha256 -hmac secret`.
	want := "https://shop.example.com/paid?issuedAt=2026-11-21T08%3A00%3A00Z&lang=en&nonce=n-1&orderId=ord_01h455vb4pex5vsknk084sn02q" +
		"&platformId=acme_IDP&signature=758c628a564c3ff831e5c555cd40121e9c83c2ced4dfcb7cc182566c34157aab&status=PROCESSING"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signed URL (-want +got):\n%s", diff)
	}
}

func TestVerifyReturnURL(t *testing.T) {
	t.Parallel()
	issued := trip().IssuedAt
	for name, tc := range map[string]struct {
		change   func(url.Values)
		platform string
		secret   string
		now      time.Time
		ok       bool
	}{
		"fresh":                        {ok: true},
		"exactly five minutes old":     {now: issued.Add(5 * time.Minute), ok: true},
		"a second too old":             {now: issued.Add(5*time.Minute + time.Second)},
		"our clock is a little ahead":  {now: issued.Add(-30 * time.Second), ok: true},
		"from the future":              {now: issued.Add(-31 * time.Second)},
		"other secret":                 {secret: "other"},
		"another platform's":           {platform: "other_IDP"},
		"further parameters are fine":  {change: func(q url.Values) { q.Set("lang", "zh") }, ok: true},
		"changed order":                {change: func(q url.Values) { q.Set("orderId", "ord_01h455vb4pex5vsknk084sn02r") }},
		"changed status":               {change: func(q url.Values) { q.Set("status", "COMPLETED") }},
		"renewed time":                 {change: func(q url.Values) { q.Set("issuedAt", "2026-11-21T08:01:00Z") }},
		"changed nonce":                {change: func(q url.Values) { q.Set("nonce", "n-2") }},
		"upper-case signature":         {change: func(q url.Values) { q.Set("signature", strings.ToUpper(q.Get("signature"))) }},
		"signature cut short":          {change: func(q url.Values) { q.Set("signature", q.Get("signature")[:63]) }},
		"no signature":                 {change: func(q url.Values) { q.Del("signature") }},
		"empty nonce":                  {change: func(q url.Values) { q.Set("nonce", "") }},
		"a parameter twice":            {change: func(q url.Values) { q.Add("status", "COMPLETED") }},
		"values shifted across a line": {change: func(q url.Values) { q.Set("orderId", q.Get("orderId")+"\nPROCESSING"); q.Set("status", "acme_IDP") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := signed(t, "https://shop.example.com/paid").Query()
			if tc.change != nil {
				tc.change(query)
			}
			platform, secret, now := "acme_IDP", "secret", issued.Add(time.Minute)
			if tc.platform != "" {
				platform = tc.platform
			}
			if tc.secret != "" {
				secret = tc.secret
			}
			if !tc.now.IsZero() {
				now = tc.now
			}
			got, err := models.VerifyReturnURL(query, platform, secret, now)
			if !tc.ok {
				if models.CodeOf(err) != models.CodeForbidden || got != (models.ReturnTrip{}) {
					t.Fatalf("got %+v, %v; want FORBIDDEN and nothing", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(trip(), got); diff != "" {
				t.Errorf("trip (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignReturnURLRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		base, secret string
		change       func(*models.ReturnTrip)
	}{
		"a relative URL":     {base: "/paid", secret: "s"},
		"an empty secret":    {base: "https://shop.example.com"},
		"no order":           {base: "https://shop.example.com", secret: "s", change: func(t *models.ReturnTrip) { t.OrderID = "" }},
		"a line break":       {base: "https://shop.example.com", secret: "s", change: func(t *models.ReturnTrip) { t.Nonce = "a\nb" }},
		"an empty nonce":     {base: "https://shop.example.com", secret: "s", change: func(t *models.ReturnTrip) { t.Nonce = "" }},
		"a missing platform": {base: "https://shop.example.com", secret: "s", change: func(t *models.ReturnTrip) { t.PlatformID = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way := trip()
			if tc.change != nil {
				tc.change(&way)
			}
			if got, err := models.SignReturnURL(tc.base, way, tc.secret); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("got %q, %v; want INVALID", got, err)
			}
		})
	}
}
