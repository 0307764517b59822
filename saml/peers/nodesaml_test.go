//go:build e2e

package peers_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// TestNodeSAML signs alice in to node-saml, with the response signed alone, and with both signed and the assertion encrypted;
// and out from both sides: its metadata wants logout messages posted, and it sends its own by redirect.
func TestNodeSAML(t *testing.T) {
	t.Parallel()
	program, err := filepath.Abs("testdata/node/sp.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("testdata/node/node_modules/@node-saml/node-saml"); err != nil {
		t.Fatal("node-saml is missing: make e2e fetches it, or npm ci in saml/peers/testdata/node")
	}
	s := newStorefront(t)
	key := samltest.RSA(t, "node-saml", 2048)
	at := newPlace(t, "")
	at.keys("peer", key)
	platform := idptest.PlatformID
	config, err := json.Marshal(map[string]string{
		"entityID": idp.EntityID(s.base, platform), "sso": idp.SSOURL(s.base, platform), "slo": idp.SLOURL(s.base, platform),
		"cert": base64.StdEncoding.EncodeToString(s.key.Cert.Raw),
	})
	if err != nil {
		t.Fatal(err)
	}
	at.write("idp.json", config)
	listen, port := freeAddress(t)
	address := "http://node.localhost:" + port
	start(t, listen, []string{"HOME=" + at.dir}, need(t, "node", "nodejs"), program, address, port, at.dir)
	for mode, change := range map[string]func(*idp.ServiceProvider){"plain": plainly, "sealed": always} {
		s.register(t, mode, []byte(newBrowser(t).open(address+"/"+mode+"/metadata").body), change)
	}
	for _, test := range []struct{ mode, response string }{{"plain", plainResponse}, {"sealed", sealedResponse}} {
		login := func(t *testing.T) *browser {
			t.Helper()
			b := newBrowser(t)
			p := b.open(address + "/" + test.mode + "/login")
			var told struct{ XUserID, XAccountID, Name, BPID, Issuer, RelayState string }
			if err := json.Unmarshal([]byte(p.body), &told); err != nil || p.status != http.StatusOK {
				t.Fatalf("%s: %d %s", p.address, p.status, p.body)
			}
			if told.XUserID != "user-alice" || told.Name != idptest.Alice().Name || told.BPID != bpID || told.RelayState != "here&there" {
				t.Errorf("%+v", told)
			}
			s.sent(b, key, test.response)
			return b
		}
		t.Run(test.mode+", logout begun there", func(t *testing.T) {
			b := login(t)
			if p := b.open(address + "/" + test.mode + "/logout"); p.body != "signed out" || len(s.world.Sessions()) != 0 {
				t.Errorf("%s: %d %s", p.address, p.status, p.body)
			}
			s.sent(b, key, "LogoutResponse by post")
		})
		t.Run(test.mode+", logout begun here", func(t *testing.T) {
			b := login(t)
			if p := b.open(s.base + idptest.LogoutPath); p.body != "signed out" || len(s.world.Sessions()) != 0 {
				t.Errorf("%s: %d %s", p.address, p.status, p.body)
			}
			if p := b.open(address + "/" + test.mode + "/home"); p.body != "signed out" {
				t.Error("still signed in there")
			}
			s.sent(b, key, "LogoutRequest by post")
		})
	}
}
