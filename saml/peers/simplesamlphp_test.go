//go:build e2e

package peers_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
)

const simpleSAMLphp = "/usr/share/simplesamlphp"

// TestSimpleSAMLphpAsIdentityProvider signs wilma in at our service provider: in plain, with the request posted, and encrypted.
func TestSimpleSAMLphpAsIdentityProvider(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for _, platform := range []string{"plain", "posted", "sealed"} {
		c.connect(platform, nil, nil)
	}
	peer := startSimpleSAMLphp(t, map[string]string{
		"metadata/saml20-idp-hosted.php": `<?php $metadata['__DYNAMIC:1__'] = [
  'host' => '__DEFAULT__', 'privatekey' => 'peer.key', 'certificate' => 'peer.crt', 'auth' => 'people',
  'SingleSignOnServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'],
  'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'saml20.sign.assertion' => true, 'saml20.sign.response' => true,
  'validate.authnrequest' => true, 'sign.logout' => true, 'redirect.sign' => true,
  'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
];
`,
		"metadata/saml20-sp-remote.php": theirReading("plain", "") + theirReading("posted", "") + theirReading("sealed", `'assertion.encryption' => true`),
		"authsources.php": `<?php $config = ['people' => ['exampleauth:UserPass',
  'wilma:quay-pass' => ['xUserId' => ['wilma-7'], 'xAccountId' => ['quay-4711'], 'bpId' => ['` + bpID + `'], 'name' => ['quay "&" <warehouse>']],
]];
`,
		"plain.xml": string(c.describe(t, "plain")), "posted.xml": string(c.describe(t, "posted")), "sealed.xml": string(c.describe(t, "sealed")),
	})
	theirs := []byte(newBrowser(t).open(peer + "/saml2/idp/metadata.php").body)
	c.connect("plain", theirs, nil)
	c.connect("sealed", theirs, func(conn *sp.Connection) { conn.AllowCBC = true })
	c.connect("posted", theirs, func(conn *sp.Connection) {
		metadata, _, err := saml.ParseIdPMetadata(theirs, saml.AllowLoopback(true))
		if err != nil || metadata.SSOPostURL == "" {
			t.Fatal(err, metadata)
		}
		metadata.SSORedirectURL, conn.IdP = "", &metadata
	})

	for _, test := range []struct{ platform, request string }{
		{"plain", "AuthnRequest by redirect"}, {"posted", "AuthnRequest by post"}, {"sealed", "AuthnRequest by redirect"},
	} {
		t.Run(test.platform, func(t *testing.T) {
			b := newBrowser(t)
			p := b.submit(b.open(c.login(test.platform)), map[string]string{"username": "wilma", "password": "quay-pass"})
			a := c.arrived(t, p, test.platform)
			if a.XUserID != "wilma-7" || a.XAccountID != "quay-4711" || a.Name != `quay "&" <warehouse>` || a.NameID == "" || a.SessionIndex == "" {
				t.Errorf("arrived: %+v", a)
			}
			answer := b.carried[len(b.carried)-1]
			if encrypted := strings.Contains(string(answer.xml), "EncryptedAssertion"); encrypted != (test.platform == "sealed") {
				t.Errorf("encrypted: %t\n%s", encrypted, answer.xml)
			}
			if diff := cmp.Diff([]string{test.request}, b.checkOurs(c.base, c.key.Cert, samltest.Key{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	const signedOut = "signed out, everywhere: true"
	t.Run("logout begun here", func(t *testing.T) {
		b := newBrowser(t)
		c.arrived(t, b.submit(b.open(c.login("plain")), map[string]string{"username": "wilma", "password": "quay-pass"}), "plain")
		b.carried = nil
		if p := b.open(c.base + "/sign-out"); p.body != signedOut {
			t.Errorf("%s: %d %s", p.address, p.status, p.body)
		}
		if diff := cmp.Diff([]string{"LogoutRequest by redirect"}, b.checkOurs(c.base, c.key.Cert, samltest.Key{})); diff != "" {
			t.Error(diff)
		}
		if p := b.open(c.login("plain")); len(p.forms) == 0 {
			t.Errorf("still signed in there: %s %s", p.address, p.body)
		}
	})
	t.Run("logout begun there", func(t *testing.T) {
		b := newBrowser(t)
		a := c.arrived(t, b.submit(b.open(c.login("sealed")), map[string]string{"username": "wilma", "password": "quay-pass"}), "sealed")
		b.carried = nil
		before := len(c.world.Ended())
		p := b.open(peer + "/saml2/idp/initSLO.php?RelayState=" + url.QueryEscape(c.base+"/home"))
		if diff := cmp.Diff([]string{named(a)}, c.world.Ended()[before:]); diff != "" || p.status != http.StatusOK || p.address.Path != "/home" {
			t.Errorf("%s: %d %s", p.address, p.status, diff)
		}
		if diff := cmp.Diff([]string{"LogoutResponse by redirect"}, b.checkOurs(c.base, c.key.Cert, samltest.Key{})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("AES-CBC is refused unless the connection allows it", func(t *testing.T) {
		c.connect("sealed", theirs, nil)
		b := newBrowser(t)
		p := b.submit(b.open(c.login("sealed")), map[string]string{"username": "wilma", "password": "quay-pass"})
		if p.status != http.StatusBadRequest || p.header.Get("X-Reason") != string(saml.DecryptionFailed) {
			t.Errorf("status %d, %s", p.status, p.header.Get("X-Reason"))
		}
	})
}

// theirReading has SimpleSAMLphp read a service provider's metadata file the way its administrator would convert it, with options added.
func theirReading(name, options string) string {
	return strings.NewReplacer("NAME", name, "OPTIONS", options).Replace(`<?php
$parsed = \SimpleSAML\Metadata\SAMLParser::parseFile(__DIR__ . '/../NAME.xml');
$metadata[$parsed->getEntityId()] = [OPTIONS] + $parsed->getMetadata20SP();
?>`)
}

// startSimpleSAMLphp runs Debian's SimpleSAMLphp with these files as its configuration and returns its address.
func startSimpleSAMLphp(t *testing.T, files map[string]string) string {
	t.Helper()
	php := need(t, "php", "simplesamlphp, php-cli, php-xml, php-mbstring, php-curl and php-sqlite3")
	if _, err := os.Stat(simpleSAMLphp + "/www/saml2"); err != nil {
		t.Fatal("SimpleSAMLphp is missing: install simplesamlphp")
	}
	at := newPlace(t, "")
	at.mkdir("metadata", "cert", "tmp", "log", "data", "sessions")
	listen, port := freeAddress(t)
	address := "http://ssp.localhost:" + port
	at.keys("cert/peer", samltest.RSA(t, "simplesamlphp", 2048))
	at.write("config.php", []byte(`<?php $config = [
  'baseurlpath' => '`+address+`/', 'certdir' => '`+at.dir+`/cert/', 'loggingdir' => '`+at.dir+`/log/', 'datadir' => '`+at.dir+`/data/',
  'tempdir' => '`+at.dir+`/tmp', 'metadatadir' => '`+at.dir+`/metadata/', 'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
  'timezone' => 'UTC', 'secretsalt' => 'peer-salt', 'auth.adminpassword' => 'peer-admin', 'logging.handler' => 'errorlog', 'logging.level' => 4,
  'technicalcontact_name' => 'The quay', 'technicalcontact_email' => 'quay@example.com', 'enable.saml20-idp' => true,
  'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true], 'store.type' => 'phpsession', 'trusted.url.domains' => null,
  'session.cookie.secure' => false, 'session.phpsession.cookiename' => 'SimpleSAML', 'language.default' => 'en', 'production' => false,
  'metadata.sources' => [['type' => 'flatfile']],
];
`))
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}) {
		at.write(name, []byte(files[name]))
	}
	start(t, listen, []string{"SIMPLESAMLPHP_CONFIG_DIR=" + at.dir},
		php, "-d", "session.save_path="+at.dir+"/sessions", "-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-S", listen, "-t", simpleSAMLphp+"/www")
	return address
}

// TestSimpleSAMLphpAsServiceProvider signs alice in to SimpleSAMLphp in plain and encrypted, and out from both sides.
func TestSimpleSAMLphpAsServiceProvider(t *testing.T) {
	t.Parallel()
	s := newStorefront(t)
	source := `'MODE' => ['saml:SP', 'entityID' => 'urn:quay:MODE', 'idp' => '` + idp.EntityID(s.base, idptest.PlatformID) + `',
    'privatekey' => 'peer.key', 'certificate' => 'peer.crt', 'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'sign.authnrequest' => true, 'redirect.sign' => true, 'redirect.validate' => true, 'sign.logout' => true, 'validate.logout' => true,
    'acs.Bindings' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'], OPTIONS],
`
	peer := startSimpleSAMLphp(t, map[string]string{
		"metadata/saml20-idp-remote.php": `<?php
$parsed = \SimpleSAML\Metadata\SAMLParser::parseFile(__DIR__ . '/../idp.xml');
$metadata[$parsed->getEntityId()] = $parsed->getMetadata20IdP();
`,
		"authsources.php": "<?php $config = [\n" +
			strings.NewReplacer("MODE", "plain", "OPTIONS", "").Replace(source) +
			strings.NewReplacer("MODE", "sealed", "OPTIONS", "'WantAssertionsSigned' => true, 'assertion.encryption' => true").Replace(source) + "];\n",
		"idp.xml": string(s.describe(t)),
	})
	key := samltest.RSA(t, "simplesamlphp", 2048)
	for mode, change := range map[string]func(*idp.ServiceProvider){"plain": plainly, "sealed": always} {
		s.register(t, mode, []byte(newBrowser(t).open(peer+"/module.php/saml/sp/metadata.php/"+mode).body), change)
	}
	for _, test := range []struct{ mode, response string }{{"plain", plainResponse}, {"sealed", sealedResponse}} {
		inside := peer + "/module.php/core/authenticate.php?as=" + test.mode
		login := func(t *testing.T) *browser {
			t.Helper()
			b := newBrowser(t)
			if p := b.open(inside); p.status != http.StatusOK || !strings.Contains(p.body, "user-alice") || !strings.Contains(p.body, "account-alice") {
				t.Fatalf("%s: %d\n%s", p.address, p.status, p.body)
			}
			s.sent(b, key, test.response)
			return b
		}
		t.Run(test.mode+", logout begun there", func(t *testing.T) {
			b := login(t)
			if p := b.open(inside + "&logout"); p.status != http.StatusOK || len(s.world.Sessions()) != 0 {
				t.Errorf("%s: %d %s", p.address, p.status, p.body)
			}
			s.sent(b, key, logoutResponse)
		})
		t.Run(test.mode+", logout begun here", func(t *testing.T) {
			b := login(t)
			if p := b.open(s.base + idptest.LogoutPath); p.body != "signed out" || len(s.world.Sessions()) != 0 {
				t.Errorf("%s: %d %s", p.address, p.status, p.body)
			}
			s.sent(b, key, logoutRequest)
		})
	}
}
