package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

const (
	nsMore       = "http://www.w3.org/2001/04/xmldsig-more#"
	nsExcC14N    = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// verifySigned checks the signature directly inside the element against each certificate and returns the octets that were digested and the
// element rebuilt with them. Callers must drop what they passed in. Dates of certificates do not count, only their keys (SDP-SP37,
// IIP-MD12), and neither does the KeyInfo, which is the sender's word about its own key.
//
// Nothing of the signature is believed before it verifies: the reference is read from what was rebuilt with the octets of the SignedInfo.
func verifySigned(e *etree.Element, certs []*x509.Certificate) (covered []byte, verified *etree.Element, err error) {
	sig := child(e, nsDSig, "Signature")
	if sig == nil {
		return nil, nil, refuse(saml.SignatureMissing, "no signature")
	}
	infos := children(sig, nsDSig, "SignedInfo")
	if len(infos) != 1 {
		return nil, nil, errUnverified()
	}
	octets, info, err := canonical(infos[0], nil, nil)
	if err != nil {
		return nil, nil, errUnverified()
	}
	value, ok := decoded(child(sig, nsDSig, "SignatureValue"))
	method := algorithmOf(info, "SignatureMethod")
	if !ok || !slices.ContainsFunc(certs, func(cert *x509.Certificate) bool { return Octets(cert, method, octets, value) }) {
		return nil, nil, errUnverified()
	}
	ref, ok := referenceOf(info)
	if !ok || ref.uri != "#"+attr(e, "ID") || ref.uri == "#" {
		return nil, nil, errUnverified()
	}
	covered, verified, err = canonical(e, sig, ref.inclusive)
	if err != nil || !bytes.Equal(sum(ref.hash, covered), ref.digest) {
		return nil, nil, errUnverified()
	}
	return covered, verified, nil
}

func errUnverified() error {
	return refuse(saml.SignatureInvalid, "no certificate of the platform verifies it")
}

// reference is the one reference of a SignedInfo.
type reference struct {
	uri       string
	inclusive []string // prefixes that its canonical form declares as the inclusive one does
	hash      crypto.Hash
	digest    []byte
}

// referenceOf reads the reference of a verified SignedInfo. The guard has demanded the same shape already; what decides on what is
// covered is not left to another package.
func referenceOf(info *etree.Element) (ref reference, ok bool) {
	refs, method := children(info, nsDSig, "Reference"), child(info, nsDSig, "CanonicalizationMethod")
	if len(refs) != 1 || algorithmOf(info, "CanonicalizationMethod") != nsExcC14N || len(method.ChildElements()) != 0 {
		return ref, false
	}
	ref.uri = attr(refs[0], "URI")
	all := child(refs[0], nsDSig, "Transforms")
	if all == nil {
		return ref, false
	}
	steps := all.ChildElements()
	if len(steps) != 2 || attr(steps[0], "Algorithm") != algEnveloped || attr(steps[1], "Algorithm") != nsExcC14N {
		return ref, false
	}
	for _, list := range children(steps[1], nsExcC14N, "InclusiveNamespaces") {
		ref.inclusive = append(ref.inclusive, strings.Fields(attr(list, "PrefixList"))...)
	}
	digest := algorithmOf(refs[0], "DigestMethod")
	if !xmlguard.DigestMethodAllowed(digest) {
		return ref, false
	}
	ref.hash = hashOf(digest)
	ref.digest, ok = decoded(child(refs[0], nsDSig, "DigestValue"))
	return ref, ok
}

// algorithmOf returns the identifier of a child that names one; empty when there is none.
func algorithmOf(e *etree.Element, tag string) string {
	if method := child(e, nsDSig, tag); method != nil {
		return attr(method, "Algorithm")
	}
	return ""
}

// decoded reads an element's text as base64, in which senders break lines.
func decoded(e *etree.Element) ([]byte, bool) {
	if e == nil {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(e)), ""))
	return raw, err == nil
}

// Octets checks a signature over octets, of one of the methods that package xmlguard allows. The kind of key decides the algorithm, and
// must be the one that was named. ECDSA signatures are r||s, as XML Signature says, or ASN.1, which some senders put on the wire. Keys
// that are too weak verify nothing.
func Octets(cert *x509.Certificate, method string, octets, signature []byte) bool {
	if !xmlguard.SignatureMethodAllowed(method) || !saml.StrongKey(cert.PublicKey) {
		return false
	}
	hash := hashOf(method)
	switch pub := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(method, nsMore+"rsa-") && rsa.VerifyPKCS1v15(pub, hash, sum(hash, octets), signature) == nil
	case *ecdsa.PublicKey:
		if !strings.HasPrefix(method, nsMore+"ecdsa-") {
			return false
		}
		size := (pub.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return ecdsa.VerifyASN1(pub, sum(hash, octets), signature)
		}
		return ecdsa.Verify(pub, sum(hash, octets), new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	}
	return false
}

// hashOf returns the hash of a signature's or a digest's algorithm on the allow-lists of package xmlguard.
func hashOf(algorithm string) crypto.Hash {
	switch {
	case strings.HasSuffix(algorithm, "sha384"):
		return crypto.SHA384
	case strings.HasSuffix(algorithm, "sha512"):
		return crypto.SHA512
	}
	return crypto.SHA256
}

func sum(hash crypto.Hash, octets []byte) []byte {
	h := hash.New()
	h.Write(octets)
	return h.Sum(nil)
}
