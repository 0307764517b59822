//go:build e2e

package peers_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
)

// debianPython is the interpreter that Debian's packages are for; the PATH may lead to another.
const debianPython = "/usr/bin/python3"

// TestPysaml2AsIdentityProvider signs pym in, in plain: pysaml2 encrypts with 3DES only, which we refuse.
func TestPysaml2AsIdentityProvider(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/saml2"); err != nil {
		t.Fatal("pysaml2 is missing: install python3-pysaml2")
	}
	c := newCloud(t)
	c.connect("plain", nil, nil)
	at := newPlace(t, "")
	at.keys("peer", samltest.RSA(t, "pysaml2", 2048))
	at.write("sp.xml", c.describe(t, "plain"))
	listen, port := freeAddress(t)
	address := "http://pysaml2.localhost:" + port
	program, err := filepath.Abs("testdata/pysaml2_idp.py")
	if err != nil {
		t.Fatal(err)
	}
	start(t, listen, []string{"PYTHONDONTWRITEBYTECODE=1", "TMPDIR=" + at.dir, "HOME=" + at.dir}, debianPython, program, address, port, at.dir, bpID)
	theirs := []byte(newBrowser(t).open(address + "/metadata").body)
	for _, test := range []struct{ platform, request string }{
		{"plain", "AuthnRequest by redirect"}, {"posted", "AuthnRequest by post"},
	} {
		t.Run(test.request, func(t *testing.T) {
			metadata, findings, err := saml.ParseIdPMetadata(theirs, saml.AllowLoopback(true))
			if err != nil {
				t.Fatal(findings, string(theirs))
			}
			if test.platform == "posted" {
				metadata.SSORedirectURL = ""
			}
			c.connect("plain", nil, func(conn *sp.Connection) {
				conn.IdP = &metadata
				// It states Password, whatever it is asked for.
				conn.AuthnContexts = []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}
			})
			b := newBrowser(t)
			a := c.arrived(t, b.open(c.login("plain")), "plain")
			if a.XUserID != "pym-1" || a.XAccountID != "snake-77" || a.Name != "Pym & sons" || a.NameID != "pym-transient" || a.SessionIndex == "" {
				t.Errorf("arrived: %+v", a)
			}
			if diff := cmp.Diff([]string{test.request}, b.checkOurs(c.base, c.key.Cert, samltest.Key{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("logout begun here", func(t *testing.T) {
		b := newBrowser(t)
		c.connect("plain", theirs, nil)
		c.arrived(t, b.open(c.login("plain")), "plain")
		b.carried = nil
		if p := b.open(c.base + "/sign-out"); p.body != "signed out, everywhere: true" {
			t.Errorf("%s: %d %s %s", p.address, p.status, p.body, p.header.Get("X-Reason"))
		}
		if diff := cmp.Diff([]string{"LogoutRequest by redirect"}, b.checkOurs(c.base, c.key.Cert, samltest.Key{})); diff != "" {
			t.Error(diff)
		}
	})
}
