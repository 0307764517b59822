package verify_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

func expect(t testing.TB) verify.Expect {
	return verify.Expect{
		Issuer: samltest.Issuer, Audience: samltest.Audience, ACS: samltest.ACS, RequestID: samltest.RequestID,
		Certificates: []*x509.Certificate{samltest.RSA(t, "other", 2048).Cert, samltest.RSA(t, "idp", 2048).Cert},
		Keys:         []crypto.Decrypter{samltest.RSA(t, "other", 2048).Signer.(*rsa.PrivateKey), samltest.RSA(t, "sp", 2048).Signer.(*rsa.PrivateKey)},
		Now:          samltest.Now().Add(10 * time.Second),
	}
}

// reason returns the machine code of a verdict; empty is acceptance.
func reason(t testing.TB, err error) saml.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *verify.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("error is not a refusal: %v", err)
	}
	return r.Reason
}

func account(v verify.Verified) string {
	for _, s := range v.Assertion.AttributeStatements {
		for _, a := range s.Attributes {
			if a.Name == "xAccountId" && len(a.Values) == 1 {
				return a.Values[0].Value
			}
		}
	}
	return ""
}

// IIP-SSO04 from the other side: the assertion signed, the response, or both.
func TestResponseAcceptsEveryWayAnAssertionMayTravel(t *testing.T) {
	t.Parallel()
	idp, sp := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "sp", 2048)
	for name, tc := range map[string]struct {
		recipe samltest.Recipe
		want   func(*verify.Expect)
	}{
		"both signed":           {recipe: samltest.Recipe{Key: idp}},
		"assertion signed":      {recipe: samltest.Recipe{Key: idp, ResponseUnsigned: true}},
		"response signed":       {recipe: samltest.Recipe{Key: idp, AssertionUnsigned: true}},
		"rsa-sha512":            {recipe: samltest.Recipe{Key: idp, Method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"}},
		"sealed, both signed":   {recipe: samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{})}},
		"sealed with 128 bits":  {recipe: samltest.Recipe{Key: idp, ResponseUnsigned: true, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{Data: "http://www.w3.org/2009/xmlenc11#aes128-gcm"})}},
		"sealed, outer signed":  {recipe: samltest.Recipe{Key: idp, AssertionUnsigned: true, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{})}},
		"CBC where switched on": {recipe: samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{Data: "http://www.w3.org/2001/04/xmlenc#aes256-cbc"})}, want: func(e *verify.Expect) { e.AllowCBC = true }},
		"no key info":           {recipe: samltest.Recipe{Key: idp, ResponseUnsigned: true, SealedXML: func(e *etree.Element) { drop(e, "Signature", "KeyInfo") }}},
		"signature value in lines": {recipe: samltest.Recipe{Key: idp, ResponseUnsigned: true, SealedXML: func(e *etree.Element) {
			v := samltest.Child(samltest.Child(e, "Signature"), "SignatureValue")
			v.SetText("\n   " + v.Text()[:76] + "\n\t" + v.Text()[76:] + "\n")
		}}},
		"several audiences": {recipe: samltest.Recipe{Key: idp, AssertionXML: func(e *etree.Element) {
			samltest.Child(samltest.Child(samltest.Child(e, "Conditions"), "AudienceRestriction"), "Audience").SetText("https://else.example")
			samltest.Child(samltest.Child(e, "Conditions"), "AudienceRestriction").CreateElement("saml:Audience").SetText(samltest.Audience)
		}}},
		"second confirmation fits": {recipe: samltest.Recipe{Key: idp, Assertion: func(a *crewjam.Assertion) {
			good := a.Subject.SubjectConfirmations[0]
			bad := good
			bad.Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
			a.Subject.SubjectConfirmations = []crewjam.SubjectConfirmation{bad, good}
		}}},
		"clock two minutes off":                {recipe: samltest.Recipe{Key: idp}, want: func(e *verify.Expect) { e.Now = samltest.Now().Add(7 * time.Minute) }},
		"clock behind":                         {recipe: samltest.Recipe{Key: idp}, want: func(e *verify.Expect) { e.Now = samltest.Now().Add(-2 * time.Minute) }},
		"key info shows a renewed certificate": {recipe: samltest.Recipe{Key: samltest.Key{Signer: idp.Signer, Cert: samltest.Certificate(t, idp.Signer, "renewed", time.Now(), time.Now().Add(time.Hour))}}},
		"no name id":                           {recipe: samltest.Recipe{Key: idp, Assertion: func(a *crewjam.Assertion) { a.Subject.NameID = nil }}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := expect(t)
			if tc.want != nil {
				tc.want(&want)
			}
			got, err := verify.Response(tc.recipe.Build(t), want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("account-alice", account(got)); diff != "" {
				t.Error(diff)
			}
			if got.SessionIndex != "_session-1" || !got.UsableUntil.After(want.Now) {
				t.Errorf("session %q, usable until %v", got.SessionIndex, got.UsableUntil)
			}
		})
	}
}

// TestEllipticSignatures: on the wire stand r and s, as XML signatures have it; ASN.1, which some libraries write, is read too.
func TestEllipticSignatures(t *testing.T) {
	t.Parallel()
	key := samltest.EC(t, "ec")
	raw := func(e *etree.Element) {
		v := samltest.Child(samltest.Child(e, "Signature"), "SignatureValue")
		der, err := base64.StdEncoding.DecodeString(v.Text())
		if err != nil {
			t.Fatal(err)
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			t.Fatal(err)
		}
		size := key.Signer.(*ecdsa.PrivateKey).Curve.Params().BitSize / 8
		v.SetText(base64.StdEncoding.EncodeToString(append(rs.R.FillBytes(make([]byte, size)), rs.S.FillBytes(make([]byte, size))...)))
	}
	for name, form := range map[string]func(*etree.Element){"r and s": raw, "ASN.1": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := expect(t)
			want.Certificates = []*x509.Certificate{key.Cert}
			msg := samltest.Recipe{Key: key, ResponseUnsigned: true, SealedXML: form}.Build(t)
			if _, err := verify.Response(msg, want); err != nil {
				t.Fatal(err)
			}
			bad := bytes.Replace(msg, []byte("account-alice"), []byte("account-malic"), 1)
			if _, err := verify.Response(bad, want); reason(t, err) != saml.SignatureInvalid {
				t.Fatalf("changed message: %v", err)
			}
		})
	}
}

// TestSignatureWrapping: no move may be accepted, whatever account it would have given.
// Attack classes: signature wrapping (XSW1 to XSW9), same ID twice.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	for _, w := range samltest.Wrappings(samltest.RSA(t, "idp", 2048)) {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			base := w.Base.Element(t)
			if _, err := verify.Response(samltest.Write(t, base), expect(t)); err != nil {
				t.Fatalf("base message: %v", err)
			}
			w.Move(t, base)
			msg := samltest.Write(t, base)
			if !bytes.Contains(msg, []byte("mallory")) && !strings.HasPrefix(w.Name, "XSW9") {
				t.Fatal("the move carries nothing evil")
			}
			_, err := verify.Response(msg, expect(t))
			switch got := reason(t, err); got {
			case saml.ResponseMalformed, saml.SignatureInvalid, saml.SignatureMissing:
			default:
				t.Errorf("verdict %q", got)
			}
		})
	}
}

func drop(e *etree.Element, path ...string) {
	for _, tag := range path[:len(path)-1] {
		if e = samltest.Child(e, tag); e == nil {
			return
		}
	}
	if c := samltest.Child(e, path[len(path)-1]); c != nil {
		e.RemoveChild(c)
	}
}
