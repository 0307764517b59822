package verify_test

import (
	"crypto/rsa"
	"encoding/base64"
	"net/url"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jonboulle/clockwork"

	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// benched are the ways in which real identity providers send an assertion, signed with RSA of 2048 bits.
func benched(t testing.TB) map[string][]byte {
	idp, sp := dated(t), samltest.RSA(t, "sp", 2048)
	return map[string][]byte{
		"both signed":      samltest.Recipe{Key: idp}.Build(t),
		"assertion signed": samltest.Recipe{Key: idp, ResponseUnsigned: true}.Build(t),
		// The library opens AES-128-GCM only.
		"encrypted": samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{Data: "http://www.w3.org/2009/xmlenc11#aes128-gcm"})}.Build(t),
	}
}

// BenchmarkVerify is this package's reading of a response; BenchmarkLibraryParse is the library's of the same bytes.
func BenchmarkVerify(b *testing.B) {
	want := expect(b)
	want.Certificates = want.Certificates[1:]
	want.Keys = want.Keys[1:]
	for name, message := range benched(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify.Response(message, want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLibraryParse(b *testing.B) {
	library, here := libraryProvider(b)
	for name, message := range benched(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := library.ParseXMLResponse(message, []string{samltest.RequestID}, here); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// libraryProvider is the library set up to accept what samltest forges. It stops the library's clock.
func libraryProvider(t testing.TB) (crewjam.ServiceProvider, url.URL) {
	idp, sp := dated(t), samltest.RSA(t, "sp", 2048)
	acs, err := url.Parse(samltest.ACS)
	if err != nil {
		t.Fatal(err)
	}
	now, clock := crewjam.TimeNow, crewjam.Clock
	crewjam.TimeNow = func() time.Time { return samltest.Now().Add(10 * time.Second) }
	crewjam.Clock = dsig.NewFakeClock(clockwork.NewFakeClockAt(samltest.Now()))
	t.Cleanup(func() { crewjam.TimeNow, crewjam.Clock = now, clock })
	return crewjam.ServiceProvider{
		EntityID: samltest.Audience, Key: sp.Signer.(*rsa.PrivateKey), Certificate: sp.Cert, AcsURL: *acs,
		IDPMetadata: &crewjam.EntityDescriptor{
			EntityID: samltest.Issuer,
			IDPSSODescriptors: []crewjam.IDPSSODescriptor{{SSODescriptor: crewjam.SSODescriptor{RoleDescriptor: crewjam.RoleDescriptor{
				KeyDescriptors: []crewjam.KeyDescriptor{{Use: "signing", KeyInfo: crewjam.KeyInfo{X509Data: crewjam.X509Data{
					X509Certificates: []crewjam.X509Certificate{{Data: base64.StdEncoding.EncodeToString(idp.Cert.Raw)}},
				}}}},
			}}}},
		},
	}, *acs
}

// dated is the identity provider's key in a certificate that is valid when the message is read: the library looks at dates.
func dated(t testing.TB) samltest.Key {
	signer := samltest.RSA(t, "idp", 2048).Signer
	return samltest.Key{Signer: signer, Cert: samltest.Certificate(t, signer, "idp", samltest.Now().Add(-time.Hour), samltest.Now().Add(time.Hour))}
}
