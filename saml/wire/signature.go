package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/partnergraph/partnergraph/saml"
)

const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
	nsMore      = "http://www.w3.org/2001/04/xmldsig-more#"
)

// methodOf returns the identifier of the algorithm that a key of ours signs with: RSA PKCS #1 v1.5 or ECDSA, over SHA-256.
func methodOf(key saml.SigningKey) (string, error) {
	if key.Signer == nil || key.Cert == nil {
		return "", &saml.Refusal{Reason: saml.SigningKeyMissing}
	}
	switch key.Signer.Public().(type) {
	case *rsa.PublicKey:
		return nsMore + "rsa-sha256", nil
	case *ecdsa.PublicKey:
		return nsMore + "ecdsa-sha256", nil
	}
	return "", fmt.Errorf("wire: keys of type %T cannot sign", key.Signer.Public())
}

// Sign returns the element with an enveloped signature right behind its Issuer, where the schema wants it. ECDSA signatures are
// r||s, as XML Signature says and as the signing library by itself does not write them.
func Sign(e *etree.Element, key saml.SigningKey) (*etree.Element, error) {
	method, err := methodOf(key)
	if err != nil {
		return nil, err
	}
	ctx, err := dsig.NewSigningContext(plainSigner{key.Signer}, [][]byte{key.Cert.Raw})
	if err != nil {
		return nil, fmt.Errorf("wire: signing context: %w", err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(method); err != nil {
		return nil, fmt.Errorf("wire: signing context: %w", err)
	}
	signature, err := ctx.ConstructSignature(e, true)
	if err != nil {
		return nil, fmt.Errorf("wire: sign: %w", err)
	}
	out, at := e.Copy(), 0
	if issuer := child(out, nsAssertion, "Issuer"); issuer != nil {
		at = issuer.Index() + 1
	}
	out.InsertChildAt(at, signature)
	return out, nil
}

// SignatureMethod returns the identifier of the algorithm that SignOctets uses with this key. The error is a *saml.Refusal when there is
// no key.
func SignatureMethod(key saml.SigningKey) (string, error) { return methodOf(key) }

// SignOctets signs what the caller has canonicalized itself, and returns the signature as it goes on the wire: of ECDSA r||s.
func SignOctets(octets []byte, key saml.SigningKey, rand io.Reader) ([]byte, error) {
	if _, err := methodOf(key); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(octets)
	signature, err := plainSigner{key.Signer}.Sign(rand, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("wire: sign: %w", err)
	}
	return signature, nil
}

// plainSigner signs with ECDSA as r||s of equal length; other keys sign as they do.
type plainSigner struct{ crypto.Signer }

// Sign implements crypto.Signer.
func (s plainSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.Signer.Sign(rand, digest, opts)
	pub, ok := s.Public().(*ecdsa.PublicKey)
	if err != nil || !ok {
		return signature, err
	}
	var parts struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &parts); err != nil || len(rest) != 0 {
		return nil, fmt.Errorf("wire: signer wrote no ECDSA signature: %w", err)
	}
	size := (pub.Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	parts.R.FillBytes(out[:size])
	parts.S.FillBytes(out[size:])
	return out, nil
}

// child returns the first direct child of that name.
func child(e *etree.Element, ns, tag string) *etree.Element {
	for _, c := range e.ChildElements() {
		if c.Tag == tag && c.NamespaceURI() == ns {
			return c
		}
	}
	return nil
}
