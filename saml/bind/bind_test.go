package bind_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

func notification() bind.Notification {
	return bind.Notification{
		XAccountType: "storefront", XAccountID: "account-alice", XUserID: "user-alice", DomainID: "0a1b", DomainName: "alice", BindAction: bind.Bind,
	}
}

func TestBuiltNotificationVerifies(t *testing.T) {
	t.Parallel()
	key, other := samltest.RSA(t, "sp", 2048), samltest.RSA(t, "other", 2048)
	now := samltest.Now()
	f, err := bind.Build(notification(), key.Signer, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{f.SigAlg, strings.ToUpper(f.SigAlg)} {
		f.SigAlg = alg
		got, err := bind.Verify(f, []*x509.Certificate{other.Cert, key.Cert}, now.Add(time.Minute), 5*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(notification(), got, cmpopts.IgnoreFields(bind.Notification{}, "Nonce", "IssuedAt")); diff != "" {
			t.Error(diff)
		}
		if len(got.Nonce) != 22 || got.IssuedAt != now.Unix() {
			t.Errorf("nonce %q issued %d", got.Nonce, got.IssuedAt)
		}
	}
}

func TestVerifyDropsWhatIsNotGenuine(t *testing.T) {
	t.Parallel()
	key, other := samltest.RSA(t, "sp", 2048), samltest.RSA(t, "other", 2048)
	now := samltest.Now()
	for name, tc := range map[string]struct {
		change func(*bind.Form)
		later  time.Duration
		want   error
	}{
		"another request": {func(f *bind.Form) {
			body, _ := base64.StdEncoding.DecodeString(f.BindRequest)
			f.BindRequest = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(body), "0a1b", "ffff", 1)))
		}, 0, bind.ErrForged},
		"same request written otherwise": {func(f *bind.Form) { f.BindRequest += "\n" }, 0, bind.ErrForged},
		"another algorithm":              {func(f *bind.Form) { f.SigAlg = strings.Replace(f.SigAlg, "256", "1", 1) }, 0, bind.ErrForged},
		"no signature":                   {func(f *bind.Form) { f.Signature = "" }, 0, bind.ErrForged},
		"another key": {func(f *bind.Form) {
			g, err := bind.Build(notification(), other.Signer, now, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			*f = g
		}, 0, bind.ErrForged},
		"old":          {func(*bind.Form) {}, 10 * time.Minute, bind.ErrStale},
		"from ahead":   {func(*bind.Form) {}, -10 * time.Minute, bind.ErrStale},
		"empty":        {func(f *bind.Form) { *f = bind.Form{} }, 0, bind.ErrForged},
		"not a number": {func(f *bind.Form) { f.Signature = "%%" }, 0, bind.ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := bind.Build(notification(), key.Signer, now, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			tc.change(&f)
			if _, err := bind.Verify(f, []*x509.Certificate{key.Cert}, now.Add(tc.later), 5*time.Minute); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

func TestActionIsReadAsNumberOrString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bind.Action{`0`: bind.Bind, `"1"`: bind.Unbind, `1`: bind.Unbind} {
		var a bind.Action
		if err := a.UnmarshalJSON([]byte(text)); err != nil || a != want {
			t.Errorf("%s: %v %v", text, a, err)
		}
	}
	var a bind.Action
	if err := a.UnmarshalJSON([]byte(`2`)); err == nil {
		t.Error("2 accepted")
	}
}

func TestWriteEscapes(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := bind.Write(w, `https://storefront.example/bind?a=1&b="><script>`, bind.Form{BindRequest: `"><script>alert(1)</script>`, SigAlg: "x", Signature: "y"}); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); strings.Contains(body, "alert(1)</script>") || strings.Count(body, "<script>") != 1 {
		t.Error(body)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}
