//go:build e2e

package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/partnergraph/partnergraph/examples/storefront/client"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/saml/bind"
)

const (
	strangerPlatform = "quay_IDP"
	strangerRoot     = "/usr/share/simplesamlphp"
)

// simpleSAMLphp is the main job with everything configured through the API, and an identity provider that nobody here
// wrote. The partner is the distributor; its platform is a small server of this test.
func (h *house) simpleSAMLphp(t *testing.T) {
	root := h.as(h.info.Keys.Distributor)
	partnerID := ask[struct {
		Viewer struct{ Partner struct{ ID string } }
	}](t, root, `{ viewer { partner { id } } }`, nil).Viewer.Partner.ID
	key := ask[struct{ CreateAPIKey struct{ Secret string } }](t, root, `mutation { createApiKey(input: {
  name: "quay storefront", scopes: [PARTNERS_READ, CUSTOMERS_READ, ORDERS_READ, RESOURCES_READ, BALANCES_READ, INCENTIVES_READ, EXPOSURE_READ, EXPOSURE_WRITE]
}) { secret } }`, nil).CreateAPIKey.Secret
	api := h.as(key)
	shop := newPlatform(t)

	// Our metadata can be read as soon as the platform has an id, and the other side wants it before it describes itself.
	platformID := strangerPlatform
	paid, told := shop.origin+"/paid", shop.origin+"/bind"
	h.configure(t, api, client.UpdateAccessConfigurationInput{
		PartnerId: partnerID, PlatformId: &platformID, OrderPaidUrl: &paid, BindNotificationUrl: &told,
		AllowedOrigins: []string{shop.origin}, AllowedServices: []string{shop.origin + "/welcome"},
	})
	secret, err := client.NewReturnSecret(t.Context(), api, partnerID)
	if err != nil {
		t.Fatal(err)
	}
	shop.secret = secret.RotateReturnSecret.Secret
	ours := fetchText(t, strings.Replace(h.info.SAML.SPMetadata, h.info.PlatformID, platformID, 1))
	shop.certs = signingCertificates(t, ours)
	idp := startSimpleSAMLphp(t, ours, partnerID)
	theirs := fetchText(t, idp+"/saml2/idp/metadata.php")
	saved := h.configure(t, api, client.UpdateAccessConfigurationInput{PartnerId: partnerID, IdpMetadata: &theirs})
	if saved.IdpEntityId == nil || *saved.IdpEntityId != idp+"/saml2/idp/metadata.php" {
		t.Fatalf("the identity provider's entity id: %v", saved.IdpEntityId)
	}

	v := h.open(t)
	v.visit(h.strangerLogin(shop, true))
	signInAtSimpleSAMLphp(v, "wilma", "quay-warehouse")
	h.createAccount(v, "quay-warehouse", shop.origin+"/welcome", "#welcome")
	id := h.signedIn(t, v)
	if said := shop.said(); len(said) != 1 || said[0].DomainID != id || said[0].XAccountID != "quay-4711" || said[0].XUserID != "wilma-7" || said[0].BindAction != bind.Bind {
		t.Errorf("the platform was told %+v", said)
	}

	before := welcomed(t, api, id)
	if before.Association == nil || before.Association.Partner == nil || before.Association.Partner.Id != partnerID || before.Association.Mode != client.AssociationModeResale {
		t.Errorf("association: %+v", before.Association)
	}
	order := before.Orders.Nodes[0].Id
	v.visit(h.checkout(order))
	v.lands(h.checkout(order), ".actions form")
	v.twice(".actions form button")
	v.lands(shop.origin+"/paid", "#"+order)
	h.delivered(t, api, before, order)

	// Later, from another browser; then the first login's link once more, which repeats the notification.
	later := h.open(t)
	later.visit(h.strangerLogin(shop, false))
	signInAtSimpleSAMLphp(later, "wilma", "")
	later.lands(shop.origin+"/welcome", "#welcome")
	if got := h.signedIn(t, later); got != id || len(shop.said()) != 1 {
		t.Errorf("a later login is that of %s, not of %s; %d notifications", got, id, len(shop.said()))
	}
	later.visit(h.strangerLogin(shop, true))
	later.lands(shop.origin+"/welcome", "#welcome")
	if got := h.signedIn(t, later); got != id || len(shop.said()) != 2 {
		t.Errorf("a repeated first login is that of %s, not of %s; %d notifications", got, id, len(shop.said()))
	}

	h.withoutScripts(t, later, shop)

	// Somebody whose assertion names another partner.
	astray := h.open(t)
	astray.visit(h.strangerLogin(shop, true))
	signInAtSimpleSAMLphp(astray, "astray", "")
	astray.refused("PARTNER_MISMATCH", http.StatusForbidden)
}

// withoutScripts goes over the page of the bind notification in a browser that runs none: a button and a link do it.
func (h *house) withoutScripts(t *testing.T, v *visitor, shop *platform) {
	t.Helper()
	off := emulation.SetScriptExecutionDisabledParams{Value: true}
	if _, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled, off); err != nil {
		t.Fatal(err)
	}
	bound, heard := origin(h.info.Console)+"/bound", len(shop.said())
	v.visit(bound)
	v.lands(bound, "#bind-notification button")
	v.shot("bind-notification")
	v.click("#bind-notification button")
	wait(t, "the notification that the button sends", 10*time.Second, func() bool { return len(shop.said()) == heard+1 })
	v.click("#bind-next")
	v.lands(shop.origin+"/welcome", "#welcome")
}

func (h *house) strangerLogin(shop *platform, first bool) string {
	query := url.Values{"xAccountType": {strangerPlatform}, "service": {shop.origin + "/welcome"}}
	if first {
		query.Set("isFirstLogin", "true")
	}
	return origin(h.info.Console) + "/saml/login?" + query.Encode()
}

func (h *house) configure(t *testing.T, api graphQL, input client.UpdateAccessConfigurationInput) client.SaveExposureUpdateAccessConfigurationUpdateAccessConfigurationPayloadAccessConfiguration {
	t.Helper()
	saved, err := client.SaveExposure(t.Context(), api, input)
	if err != nil {
		t.Fatal(err)
	}
	return saved.UpdateAccessConfiguration.AccessConfiguration
}

// platform is a partner's platform without an identity provider of its own: it hears of bindings and takes customers back.
type platform struct {
	origin, secret string
	certs          []*x509.Certificate
	mu             sync.Mutex
	told           []bind.Notification
}

func newPlatform(t *testing.T) *platform {
	p := &platform{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /welcome", func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<p id="welcome">Welcome to the quay.</p>`)
	})
	mux.HandleFunc("POST /bind", func(w http.ResponseWriter, r *http.Request) {
		form := bind.Form{BindRequest: r.PostFormValue("bindRequest"), SigAlg: r.PostFormValue("SigAlg"), Signature: r.PostFormValue("Signature")}
		told, err := bind.Verify(form, p.certs, time.Now(), time.Minute)
		if err != nil || told.XAccountType != strangerPlatform {
			t.Errorf("bind notification of %q: %v", told.XAccountType, err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, told)
	})
	mux.HandleFunc("GET /paid", func(w http.ResponseWriter, r *http.Request) {
		trip, err := models.VerifyReturnURL(r.URL.Query(), strangerPlatform, p.secret, time.Now())
		if err != nil {
			t.Errorf("the way back: %v", err)
			return
		}
		page(w, fmt.Sprintf(`<p id="%s">Paid: %s.</p>`, trip.OrderID, trip.Status))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	p.origin = "http://quay.localhost:" + port
	return p
}

func page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><title>The quay</title>"+body)
}

func (p *platform) said() []bind.Notification {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]bind.Notification(nil), p.told...)
}

// fetchText gets a document from a loopback name, whether or not this machine's resolver knows it.
func fetchText(t *testing.T, address string) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dial := *target
	dial.Host = "127.0.0.1:" + target.Port()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dial.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = target.Host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v\n%s", address, answer.StatusCode, err, text)
	}
	return string(text)
}

// signingCertificates reads our metadata the way a platform does.
func signingCertificates(t *testing.T, metadata string) []*x509.Certificate {
	t.Helper()
	var entity struct {
		Keys []struct {
			Use  string `xml:"use,attr"`
			Text string `xml:"KeyInfo>X509Data>X509Certificate"`
		} `xml:"SPSSODescriptor>KeyDescriptor"`
	}
	if err := xml.Unmarshal([]byte(metadata), &entity); err != nil {
		t.Fatal(err)
	}
	var certs []*x509.Certificate
	for _, key := range entity.Keys {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key.Text), ""))
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if key.Use == "signing" {
			certs = append(certs, cert)
		}
	}
	return certs
}

// startSimpleSAMLphp runs Debian's SimpleSAMLphp as an identity provider with a configuration of its own, and returns its
// address. It takes our metadata as we publish it and checks the signature of our requests.
func startSimpleSAMLphp(t *testing.T, metadata, partnerID string) string {
	php, err := exec.LookPath("php")
	if _, missing := os.Stat(strangerRoot + "/www/saml2"); err != nil || missing != nil {
		t.Fatal("the end-to-end test needs SimpleSAMLphp: install Debian's packages simplesamlphp, php-cli, php-xml, php-mbstring and php-curl")
	}
	dir := t.TempDir()
	for _, sub := range []string{"metadata", "cert", "tmp", "log", "data", "sessions"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	listen := freeAddress(t)
	_, port, _ := net.SplitHostPort(listen)
	address := "http://idp.localhost:" + port
	writeKeyPair(t, filepath.Join(dir, "cert"))
	for name, content := range map[string]string{
		"sp.xml": metadata,
		"config.php": `<?php $config = [
  'baseurlpath' => '` + address + `/', 'certdir' => '` + dir + `/cert/', 'loggingdir' => '` + dir + `/log/', 'datadir' => '` + dir + `/data/',
  'tempdir' => '` + dir + `/tmp', 'metadatadir' => '` + dir + `/metadata/', 'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
  'timezone' => 'UTC', 'secretsalt' => 'e2e-salt', 'auth.adminpassword' => 'e2e-admin', 'logging.handler' => 'errorlog', 'logging.level' => 4,
  'technicalcontact_name' => 'The quay', 'technicalcontact_email' => 'quay@example.com', 'enable.saml20-idp' => true,
  'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true], 'store.type' => 'phpsession',
  'session.cookie.secure' => false, 'session.phpsession.cookiename' => 'SimpleSAML', 'language.default' => 'en', 'production' => false,
  'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '` + dir + `/sp.xml']],
];
`,
		"authsources.php": `<?php $config = ['people' => ['exampleauth:UserPass',
  'wilma:quay-pass' => ['xUserId' => ['wilma-7'], 'xAccountId' => ['quay-4711'], 'bpId' => ['` + partnerID + `'], 'name' => ['quay-warehouse'], 'email' => ['wilma@example.com']],
  'astray:quay-pass' => ['xUserId' => ['astray-1'], 'xAccountId' => ['quay-4712'], 'bpId' => ['par_of_another'], 'name' => ['astray-boat']],
]];
`,
		"metadata/saml20-idp-hosted.php": `<?php $metadata['__DYNAMIC:1__'] = [
  'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'people',
  'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'saml20.sign.assertion' => true, 'validate.authnrequest' => true,
  'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
];
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(php, "-d", "session.save_path="+dir+"/sessions", "-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-S", listen, "-t", strangerRoot+"/www")
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+dir)
	run(t, cmd)
	wait(t, "SimpleSAMLphp", 15*time.Second, func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listen)
		return err == nil && conn.Close() == nil
	})
	return address
}

// freeAddress finds a port that nobody has now. PHP's server cannot say which one it took.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func writeKeyPair(t *testing.T, dir string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "The quay"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"idp.key": {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		"idp.crt": {Type: "CERTIFICATE", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// signInAtSimpleSAMLphp fills its form; picture, when not empty, names the picture to keep of it.
func signInAtSimpleSAMLphp(v *visitor, name, picture string) {
	v.t.Helper()
	wait(v.t, "SimpleSAMLphp's form", 15*time.Second, func() bool { return v.count("input[name=password]") == "1" })
	v.fill("input[name=username]", name)
	v.fill("input[name=password]", "quay-pass")
	if picture != "" {
		v.shot("simplesamlphp-" + picture)
	}
	v.do(submit("input[name=password]"))
}
