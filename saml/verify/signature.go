package verify

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/jonboulle/clockwork"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/partnergraph/partnergraph/saml"
)

// verifySigned checks the signature directly inside the element against each certificate alone and returns the element rebuilt from
// the bytes that were digested. Callers must drop what they passed in.
func verifySigned(e *etree.Element, certs []*x509.Certificate) (*etree.Element, error) {
	id := e.SelectAttrValue("ID", "")
	for _, cert := range certs {
		if !saml.StrongKey(cert.PublicKey) {
			continue
		}
		verified, err := verifyWith(e, cert)
		if err != nil {
			continue
		}
		// The covered bytes must be the element that was asked about, not merely something validly signed.
		if verified == nil || verified.Tag != e.Tag || verified.NamespaceURI() != e.NamespaceURI() || verified.SelectAttrValue("ID", "") != id {
			continue
		}
		return verified, nil
	}
	return nil, refuse(saml.SignatureInvalid, "no certificate of the platform verifies it")
}

func verifyWith(e *etree.Element, cert *x509.Certificate) (*etree.Element, error) {
	e = e.Copy()
	if err := prepare(e, cert); err != nil {
		return nil, err
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	ctx.IdAttribute = "ID"
	// The key counts, not the dates of the wrapper it came in (SDP-SP37, IIP-MD12): the clock stands where the certificate is valid.
	ctx.Clock = dsig.NewFakeClock(clockwork.NewFakeClockAt(cert.NotBefore.Add(time.Second)))
	if !cert.NotAfter.After(cert.NotBefore.Add(time.Second)) {
		ctx.Clock = dsig.NewFakeClock(clockwork.NewFakeClockAt(cert.NotBefore))
	}
	return ctx.Validate(e)
}

// prepare removes the KeyInfo, which is the sender's word about its own key, and writes the signature value the way the library reads
// it. Neither is covered by the signature.
func prepare(e *etree.Element, cert *x509.Certificate) error {
	sig := child(e, nsDSig, "Signature")
	if sig == nil {
		return refuse(saml.SignatureMissing, "no signature")
	}
	for _, k := range children(sig, nsDSig, "KeyInfo") {
		sig.RemoveChild(k)
	}
	value := child(sig, nsDSig, "SignatureValue")
	if value == nil {
		return refuse(saml.SignatureInvalid, "no signature value")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
	if err != nil {
		return refuse(saml.SignatureInvalid, "signature value")
	}
	if pub, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
		raw = derSignature(raw, (pub.Curve.Params().BitSize+7)/8)
	}
	value.SetText(base64.StdEncoding.EncodeToString(raw))
	return nil
}

// derSignature turns the r||s that XML signatures carry into the ASN.1 the library expects; anything of another length is left alone,
// because some senders put ASN.1 on the wire.
func derSignature(raw []byte, size int) []byte {
	if len(raw) != 2*size {
		return raw
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(raw[size:])})
	if err != nil {
		return raw
	}
	return der
}
