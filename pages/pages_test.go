package pages_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/saml"
)

const formToken = "form-token-1"

func views(t *testing.T) *pages.Views {
	t.Helper()
	v, err := pages.NewViews(pages.Options{
		FormToken: func(r *http.Request) string {
			if r.Header.Get("Cookie") == "" {
				return ""
			}
			return formToken
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func render(t *testing.T, v *pages.Views, languages string, s sample) (string, http.Header) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", languages)
	r.Header.Set("Cookie", "session=1")
	w := httptest.NewRecorder()
	v.Render(w, r, http.StatusTeapot, s.name, s.data)
	if w.Code != http.StatusTeapot {
		t.Fatalf("%s: status %d: %s", s.label, w.Code, w.Body)
	}
	return w.Body.String(), w.Header()
}

func same(s string) string { return s }

func TestEveryPageIsWellFormedInEveryLanguage(t *testing.T) {
	t.Parallel()
	v := views(t)
	for _, l := range []struct{ accept, tag string }{{"en", "en"}, {"zh-CN,zh;q=0.9", "zh-CN"}} {
		for _, s := range samples(same) {
			t.Run(l.tag+"/"+s.label, func(t *testing.T) {
				t.Parallel()
				page, header := render(t, v, l.accept, s)
				if got := header.Get("Content-Language"); got != l.tag || !strings.Contains(page, `<html lang="`+l.tag+`">`) {
					t.Errorf("language %q", got)
				}
				checkMarkup(t, page)
				if strings.Contains(page, "ZgotmplZ") || regexp.MustCompile(`\{\d\}|<no value>|%!`).MatchString(page) {
					t.Errorf("something was not filled in:\n%s", page)
				}
			})
		}
	}
}

// checkMarkup wants every element closed in order, ids unique, labels and
// descriptions pointing at something, a label for every visible input, the
// token in every form of ours, and nothing inline that the policy would refuse.
func checkMarkup(t *testing.T, page string) {
	t.Helper()
	void := []string{"meta", "link", "input", "br", "img"}
	ids, refs, inputs := map[string]bool{}, []string{}, map[string]bool{}
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				t.Error(z.Err())
			}
			break
		}
		token := z.Token()
		switch kind {
		case html.StartTagToken:
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			attr := map[string]string{}
			for _, a := range token.Attr {
				if _, twice := attr[a.Key]; twice {
					t.Errorf("attribute %s twice on %s", a.Key, token.Data)
				}
				attr[a.Key] = a.Val
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("inline %s on %s", a.Key, token.Data)
				}
			}
			if id, ok := attr["id"]; ok {
				if ids[id] {
					t.Errorf("id %q twice", id)
				}
				ids[id] = true
			}
			for _, key := range []string{"for", "aria-labelledby", "aria-describedby"} {
				if ref, ok := attr[key]; ok {
					refs = append(refs, ref)
				}
			}
			if token.Data == "label" {
				inputs[attr["for"]] = true
			}
			if (token.Data == "input" && attr["type"] != "hidden" || token.Data == "select") && !inputs[attr["id"]] {
				t.Errorf("%s %q has no label before it", token.Data, attr["name"])
			}
			if token.Data == "script" && attr["src"] == "" {
				t.Error("inline script")
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) != 0 {
		t.Errorf("left open: %v", open)
	}
	for _, ref := range refs {
		if !ids[ref] {
			t.Errorf("nothing has the id %q", ref)
		}
	}
	for _, form := range regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`).FindAllString(page, -1) {
		if strings.Contains(form, `action="/`) && !strings.Contains(form, `name="csrf_token" value="`+formToken+`"`) {
			t.Errorf("form without token: %s", form)
		}
	}
}

func TestPagesSayWhatTheirStateNeeds(t *testing.T) {
	t.Parallel()
	v := views(t)
	for _, s := range samples(same) {
		page, _ := render(t, v, "en", s)
		for _, want := range s.shows {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", s.label, want, page)
			}
		}
		for _, bad := range s.hides {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q", s.label, bad)
			}
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	v := views(t)
	hostile := func(field string) string {
		return `"'><script>alert(1)</script><img src=x onerror=alert(1)>{0}{{.}}` + field
	}
	for _, s := range samples(hostile) {
		page, _ := render(t, v, "zh", s)
		if strings.Contains(page, "<script>") || strings.Contains(page, "<img") {
			t.Errorf("%s lets markup through:\n%s", s.label, page)
		}
	}
}

func TestHostileAddressesAreNotFollowed(t *testing.T) {
	t.Parallel()
	v := views(t)
	const js = "javascript:alert(1)"
	for _, s := range []sample{
		{"checkout", pages.Checkout, pages.CheckoutPage{State: pages.CheckoutBalanceTooLow, ReturnURL: js, RechargeURL: js, ConsoleURL: js,
			Common: pages.Common{RedirectTo: []string{js, "https://a.example; script-src *", "//b.example", "https://*"}}}, nil, nil},
		{"bind", pages.BindNotification, pages.BindNotificationPage{Target: js}, nil, nil},
		{"error", pages.Error, pages.ErrorPage{Code: "INTERNAL", BackURL: js, HelpURL: js}, nil, nil},
		{"first login", pages.FirstLogin, pages.FirstLoginPage{Create: pages.CreateForm{AgreementURL: js, PrivacyURL: js}}, nil, nil},
	} {
		page, header := render(t, v, "en", s)
		if strings.Contains(page, "javascript:") {
			t.Errorf("%s links to a script:\n%s", s.label, page)
		}
		policy := header.Get("Content-Security-Policy")
		if strings.Contains(policy, "javascript") || strings.Contains(policy, "*") || strings.Contains(policy, "a.example") || strings.Count(policy, "script-src") != 1 {
			t.Errorf("%s: policy %q", s.label, policy)
		}
	}
}

func TestPolicyAllowsOnlyWhatThePageNeeds(t *testing.T) {
	t.Parallel()
	v := views(t)
	const tail = "; base-uri 'none'; frame-ancestors 'none'"
	const head = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src "
	for _, c := range []struct {
		sample
		want string
	}{
		{sample{"sign-in", pages.SignIn, pages.SignInPage{}, nil, nil}, head + "'none'; frame-src 'none'; form-action 'self'" + tail},
		{sample{"checkout", pages.Checkout, pages.CheckoutPage{State: pages.CheckoutPayable,
			Common: pages.Common{RedirectTo: []string{"https://shop.example:8443/orders?x=1"}}}, nil, nil},
			head + "'none'; frame-src 'none'; form-action 'self' https://shop.example:8443" + tail},
		{sample{"bind", pages.BindNotification, pages.BindNotificationPage{Target: "http://shop.localhost:8080/bind"}, nil, nil},
			head + "'self'; frame-src https: http://shop.localhost:8080; form-action https: http://shop.localhost:8080" + tail},
	} {
		_, header := render(t, v, "en", c.sample)
		if diff := cmp.Diff(c.want, header.Get("Content-Security-Policy")); diff != "" {
			t.Errorf("%s: %s", c.label, diff)
		}
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", c.label, header)
		}
	}
}

func TestLanguageFollowsTheVisitor(t *testing.T) {
	t.Parallel()
	v := views(t)
	for accept, want := range map[string]string{
		"": "en", "en-GB": "en", "zh": "zh-CN", "zh-CN": "zh-CN", "zh-Hans-SG": "zh-CN", "fr, zh;q=0.8, en;q=0.7": "zh-CN",
		"fr": "en", "en;q=0.5, zh;q=0.9": "zh-CN", ";;;": "en", strings.Repeat("a-", 5000): "en",
	} {
		_, header := render(t, v, accept, sample{"", pages.SignIn, pages.SignInPage{}, nil, nil})
		if got := header.Get("Content-Language"); got != want {
			t.Errorf("Accept-Language %.40q: %s, want %s", accept, got, want)
		}
	}
}

func TestCatalogueIsCompleteInBothLanguages(t *testing.T) {
	t.Parallel()
	read := func(name string) map[string]string {
		raw, err := os.ReadFile("catalogue/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	en, zh := read("en"), read("zh")
	placeholder, han := regexp.MustCompile(`\{\d\}`), regexp.MustCompile(`\p{Han}`)
	for key, words := range en {
		other, ok := zh[key]
		if !ok || strings.TrimSpace(other) == "" || strings.TrimSpace(words) == "" {
			t.Errorf("%s: not in both languages", key)
			continue
		}
		a, b := placeholder.FindAllString(words, -1), placeholder.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: placeholders differ: %s", key, diff)
		}
		if han.MatchString(words) || !han.MatchString(other) {
			t.Errorf("%s: words in the wrong language: %q, %q", key, words, other)
		}
	}
	for key := range zh {
		if _, ok := en[key]; !ok {
			t.Errorf("%s: not in English", key)
		}
	}
}

// The SAML door's list of reasons grows without asking; this reads it.
func TestEveryReasonOfTheSAMLDoorHasWords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../saml/reasons.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Reason = "([A-Z_]+)"`).FindAllStringSubmatch(string(raw), -1)
	if len(found) < 20 {
		t.Fatalf("only %d reasons found", len(found))
	}
	for _, m := range found {
		// Those that refuse nothing are for audit lines; nobody is shown them.
		if !saml.Reason(m[1]).IsRefusal() {
			continue
		}
		if got := (pages.ErrorPage{Code: m[1]}).Known(); got != m[1] {
			t.Errorf("%s reads as %s", m[1], got)
		}
	}
}

func TestWrongDataForAPageIsAnErrorNotAPage(t *testing.T) {
	t.Parallel()
	v := views(t)
	for label, data := range map[string]any{"another page": pages.ConsolePage{}, "nothing": nil, "a pointer": &pages.SignInPage{},
		"no state": pages.CheckoutPage{State: "LOST"}} {
		name := pages.SignIn
		if label == "no state" {
			name = pages.Checkout
		}
		w := httptest.NewRecorder()
		v.Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, name, data)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "<html") {
			t.Errorf("%s: %d %.80s", label, w.Code, w.Body)
		}
	}
}

func TestFormIsAcceptedOnlyWithItsSessionsToken(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	v, err := pages.NewViews(pages.Options{
		FormToken: func(r *http.Request) string { return pages.Token(key, r.Header.Get("X-Session")) },
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	mine := pages.Token(key, "mine")
	for _, c := range []struct {
		label, session, token string
		want                  bool
	}{
		{"own token", "mine", mine, true},
		{"another session's token", "mine", pages.Token(key, "other"), false},
		{"another key's token", "mine", pages.Token([]byte("k"), "mine"), false},
		{"no token", "mine", "", false},
		{"cut token", "mine", mine[:10], false},
		{"no session", "", "", false},
		{"no session, a token", "", mine, false},
	} {
		form := url.Values{pages.FieldCSRF: {c.token}}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Session", c.session)
		if got := v.CheckForm(r); got != c.want {
			t.Errorf("%s: %v", c.label, got)
		}
	}
	// A token in the address is no token: addresses leak.
	r := httptest.NewRequest(http.MethodPost, "/?csrf_token="+url.QueryEscape(mine), nil)
	r.Header.Set("X-Session", "mine")
	if v.CheckForm(r) {
		t.Error("a token in the query was accepted")
	}
}

func TestAssetsAreServedUnderTheAddressesThePagesName(t *testing.T) {
	t.Parallel()
	v := views(t)
	page, _ := render(t, v, "en", sample{"", pages.BindNotification, pages.BindNotificationPage{Target: "https://shop.example/"}, nil, nil})
	found := regexp.MustCompile(`"(/pages/assets/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(found) != 2 {
		t.Fatalf("want style sheet and script, got %v", found)
	}
	for _, m := range found {
		w := httptest.NewRecorder()
		v.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, m[1], nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d", m[1], w.Code)
		}
		w = httptest.NewRecorder()
		v.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodPost, m[1], nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", m[1], w.Code)
		}
	}
}
