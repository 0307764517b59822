//go:build e2e

package peers_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

const apacheModules = "/usr/lib/apache2/modules"

// mellonAddress and the rest: two service providers in one apache, /plain and /sealed, which differ in how our side treats them.
type mellon struct {
	address string
	key     samltest.Key
}

// startMellon runs apache with mod_auth_mellon as two service providers, /plain and /sealed. What somebody who is signed in may see is a
// page with headers that name the person.
func startMellon(t *testing.T, idpMetadata []byte) mellon {
	t.Helper()
	apache, err := filepath.EvalSymlinks("/usr/sbin/apache2")
	if _, missing := os.Stat(apacheModules + "/mod_auth_mellon.so"); err != nil || missing != nil {
		t.Fatal("mod_auth_mellon is missing: install apache2 and libapache2-mod-auth-mellon")
	}
	m := mellon{key: samltest.RSA(t, "mellon", 2048)}
	// Apache started by root gives its rights up, and its children read the keys.
	at := newPlace(t, "www-data")
	at.mkdir("www", "www/plain", "www/sealed", "lock")
	listen, port := freeAddress(t)
	m.address = "http://mellon.localhost:" + port
	at.keys("peer", m.key)
	at.write("idp.xml", idpMetadata)
	config := `ServerRoot "` + at.dir + `"
ServerName ` + m.address + `
UseCanonicalName On
Listen ` + listen + `
PidFile "` + at.path("apache.pid") + `"
Mutex file:` + at.path("lock") + ` default
ErrorLog /dev/stderr
LogLevel warn auth_mellon:info
User www-data
Group www-data
StartServers 2
DocumentRoot "` + at.path("www") + `"
<Directory "` + at.path("www") + `">
  Require all granted
</Directory>
`
	modules := ""
	for _, name := range []string{"mpm_prefork", "authz_core", "authn_core", "authz_user", "dir", "headers", "mime", "auth_mellon"} {
		modules += "LoadModule " + name + "_module " + apacheModules + "/mod_" + name + ".so\n"
	}
	for _, mode := range []string{"plain", "sealed"} {
		at.write("www/"+mode+"/index.html", []byte("inside"))
		config += `<Location "/` + mode + `">
  MellonEndpointPath "/` + mode + `/mellon"
  MellonSPentityId "` + m.address + `/` + mode + `/mellon/metadata"
  MellonSPPrivateKeyFile "` + at.path("peer.key") + `"
  MellonSPCertFile "` + at.path("peer.crt") + `"
  MellonIdPMetadataFile "` + at.path("idp.xml") + `"
  MellonVariable "` + mode + `"
  MellonSecureCookie Off
  MellonSignatureMethod rsa-sha256
  MellonRedirectDomains *
  MellonEnable auth
  AuthType Mellon
  Require valid-user
  Header set X-User "%{MELLON_xUserId}e"
  Header set X-Account "%{MELLON_xAccountId}e"
  Header set X-Name "%{MELLON_NAME_ID}e"
</Location>
`
	}
	conf := at.write("apache.conf", []byte(modules+"TypesConfig /dev/null\n"+config))
	start(t, listen, nil, apache, "-d", at.dir, "-f", conf, "-DFOREGROUND")
	return m
}

// TestMellon signs alice in to mod_auth_mellon in plain and encrypted, and out from both sides; and lets it ask without a person.
func TestMellon(t *testing.T) {
	t.Parallel()
	s := newStorefront(t)
	m := startMellon(t, s.describe(t))
	for mode, change := range map[string]func(*idp.ServiceProvider){"plain": plainly, "sealed": always} {
		s.register(t, mode, []byte(newBrowser(t).open(m.address+"/"+mode+"/mellon/metadata").body), change)
	}
	for _, test := range []struct{ mode, response string }{{"plain", plainResponse}, {"sealed", sealedResponse}} {
		login := func(t *testing.T) *browser {
			t.Helper()
			b := newBrowser(t)
			p := b.open(m.address + "/" + test.mode + "/")
			if p.status != http.StatusOK || p.body != "inside" || p.header.Get("X-User") != "user-alice" || p.header.Get("X-Account") != "account-alice" {
				t.Fatalf("%s: %d %v\n%s", p.address, p.status, p.header, p.body)
			}
			s.sent(b, m.key, test.response)
			return b
		}
		t.Run(test.mode+", logout begun there", func(t *testing.T) {
			b := login(t)
			p := b.open(m.address + "/" + test.mode + "/mellon/logout?ReturnTo=" + url.QueryEscape(s.base+"/home"))
			if p.address.Path != "/home" || len(s.world.Sessions()) != 0 || len(s.world.Participants()) != 0 {
				t.Errorf("%s: %d %v\n%s", p.address, p.status, s.world.Sessions(), p.body)
			}
			s.sent(b, m.key, logoutResponse)
		})
		t.Run(test.mode+", logout begun here", func(t *testing.T) {
			b := login(t)
			p := b.open(s.base + idptest.LogoutPath)
			if p.status != http.StatusOK || p.body != "signed out" || len(s.world.Sessions()) != 0 {
				t.Errorf("%s: %d %s", p.address, p.status, p.body)
			}
			s.sent(b, m.key, logoutRequest)
			if p := b.open(m.address + "/" + test.mode + "/"); p.header.Get("X-User") != "user-alice" || len(b.carried) == 0 {
				t.Error("it did not have to sign in again")
			}
			b.open(s.base + idptest.LogoutPath)
		})
	}
	t.Run("an error is told", func(t *testing.T) {
		b := newBrowser(t)
		p := b.open(m.address + "/plain/mellon/login?IsPassive=true&ReturnTo=" + url.QueryEscape(s.base+"/home"))
		if p.status != http.StatusUnauthorized || len(s.world.Sessions()) != 0 {
			t.Errorf("%s: %d\n%s", p.address, p.status, p.body)
		}
		if answer := string(b.carried[len(b.carried)-1].xml); !strings.Contains(answer, "status:NoPassive") {
			t.Error(answer)
		}
		s.sent(b, m.key, plainResponse)
	})
}
