package sp_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// certificates reads what a metadata file names for one use.
func certificates(t *testing.T, metadata []byte, use string) (certs []*x509.Certificate) {
	t.Helper()
	for _, descriptor := range samltest.Parse(t, metadata).FindElements("//KeyDescriptor[@use='" + use + "']") {
		cert, err := x509.ParseCertificate(decoded(t, url.Values{"SAMLResponse": {samltest.Find(t, descriptor, "X509Certificate").Text()}}))
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	return certs
}

// TestRotationWithoutAnOutage walks a connection through a rotation with a peer that looks at our metadata as seldom
// as it may: whatever it holds, our requests verify and what it encrypts opens.
func TestRotationWithoutAnOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key := func(name string, state saml.KeyState) saml.SigningKey {
		k := samltest.RSA(t, name, 2048)
		return saml.SigningKey{Signer: k.Signer, Cert: k.Cert, State: state}
	}
	curve := samltest.EC(t, "rotation-ec")
	ec := saml.SigningKey{Signer: curve.Signer, Cert: curve.Cert, State: saml.KeyActive}
	set := func(keys ...saml.SigningKey) {
		c := s.connection("storefront")
		c.Keys = append([]saml.SigningKey{ec}, keys...) // first, where a careless look would take it
		s.world.SetConnection(c)
	}
	fetch := func() []byte { return s.get("/saml/sp/storefront/metadata") }
	hold := func(metadata []byte) { s.held.Store("storefront", metadata) }
	// verifies reports whether a peer with this metadata accepts a request that we send now.
	verifies := func(metadata []byte) bool {
		request, err := http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil)
		if err != nil {
			t.Fatal(err)
		}
		location := newBrowser(t).do(request, false).header.Get("Location")
		message, err := wire.Read(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, location, nil), "SAMLRequest")
		if err != nil {
			t.Fatal(err)
		}
		_, err = message.Verified(certificates(t, metadata, "signing"))
		return err == nil
	}
	want := func(step string, answer page, status int, reason saml.Reason) {
		t.Helper()
		if answer.status != status || answer.reason != string(reason) {
			t.Errorf("%s: %d %s, want %d %s", step, answer.status, answer.reason, status, reason)
		}
	}
	// answered walks up to an answer whose assertion the peer has encrypted to the key in the metadata that it holds.
	answered := func(b *browser) (action string, fields url.Values) {
		t.Helper()
		metadata, _ := s.held.Load("storefront")
		action, fields = s.signIn(b, "xAccountType=storefront")
		response := samltest.Parse(t, decoded(t, fields))
		assertion := samltest.Child(response, "Assertion")
		sealTo := samltest.Key{Signer: publicOnly{&rsa.PrivateKey{PublicKey: *certificates(t, metadata.([]byte), "encryption")[0].PublicKey.(*rsa.PublicKey)}}}
		response.RemoveChild(assertion)
		response.AddChild(samltest.Encrypt(t, sealTo, samltest.Sealing{})(assertion))
		if signature := samltest.Child(response, "Signature"); signature != nil {
			response.RemoveChild(signature)
		}
		return action, with(fields, "SAMLResponse", base64.StdEncoding.EncodeToString(samltest.Write(t, response)))
	}
	login := func(step string) {
		t.Helper()
		b := newBrowser(t)
		action, fields := answered(b)
		want(step, b.post(action, fields), http.StatusSeeOther, "")
	}

	set(key("rotation-old", saml.KeyActive))
	before := fetch()
	hold(before)
	login("before")

	set(key("rotation-old", saml.KeyActive), key("rotation-new", saml.KeyNext))
	published := fetch()
	if n := len(certificates(t, published, "signing")); n != 2 || len(certificates(t, published, "encryption")) != 1 {
		t.Errorf("%d signing keys are published, want the active and the next RSA key", n)
	}
	for name, metadata := range map[string][]byte{"old": before, "new": published} {
		if !verifies(metadata) {
			t.Errorf("published: a peer with %s metadata refuses our request", name)
		}
	}
	login("published, with the old metadata")
	hold(published)
	login("published, with the new metadata")
	underWay := newBrowser(t)
	action, fields := answered(underWay) // signed with the old key, and encrypted to it

	set(key("rotation-new", saml.KeyActive), key("rotation-old", saml.KeyRetired))
	want("a login that was under way", underWay.post(action, fields), http.StatusSeeOther, "")
	if !verifies(published) {
		t.Error("activated: a peer that has both certificates refuses our request")
	}
	if verifies(before) {
		t.Error("activated: a peer with metadata from before the publication accepts our request: then nothing would need to wait")
	}
	login("activated, encrypted to the retired key")
	after := fetch()
	if certs := certificates(t, after, "signing"); len(certs) != 1 || !certs[0].Equal(key("rotation-new", "").Cert) {
		t.Errorf("%d signing keys are published, want the new one alone", len(certs))
	}
	hold(after)
	login("activated, with fresh metadata")

	// Only when the old key is gone does what is encrypted to it stay shut.
	set(key("rotation-new", saml.KeyActive))
	login("removed, with fresh metadata")
	hold(published)
	late := newBrowser(t)
	action, fields = answered(late)
	want("removed, encrypted to the old key", late.post(action, fields), http.StatusBadRequest, saml.DecryptionFailed)
}
