//go:build e2e

package peers_test

import (
	"os"
	"path/filepath"
	"testing"

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
	conf := at.write("apache.conf", []byte(modules+"TypesConfig /etc/mime.types\n"+config))
	start(t, listen, nil, apache, "-d", at.dir, "-f", conf, "-DFOREGROUND")
	return m
}
