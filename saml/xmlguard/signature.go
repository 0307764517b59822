package xmlguard

const (
	algExcC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// SignatureMethodAllowed reports whether we accept a signature made with this algorithm: RSA (PKCS #1 v1.5) and ECDSA over SHA-256 and
// longer. SHA-1, DSA and every keyed hash are absent on purpose; so is Ed25519, for which SAML has no identifier peers know.
func SignatureMethodAllowed(uri string) bool {
	const more = "http://www.w3.org/2001/04/xmldsig-more#"
	switch uri {
	case more + "rsa-sha256", more + "rsa-sha384", more + "rsa-sha512",
		more + "ecdsa-sha256", more + "ecdsa-sha384", more + "ecdsa-sha512":
		return true
	}
	return false
}

// DigestMethodAllowed reports whether we accept this digest: SHA-256, SHA-384, SHA-512.
func DigestMethodAllowed(uri string) bool {
	switch uri {
	case "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512":
		return true
	}
	return false
}

// checkSignature demands the one shape SAML Core 5.4 knows: enveloped in the element it signs, one Reference to that element's ID,
// the two usual transforms.
func checkSignature(sig, root *node) error {
	p := sig.parent
	if p == nil || p != root && !p.is(nsAssertion, "Assertion") {
		return refuse(Signature, "signature outside its place")
	}
	if directCount(p, nsDSig, "Signature") != 1 {
		return refuse(Signature, "signature repeated")
	}
	if !sig.sequence("SignedInfo", "SignatureValue", "KeyInfo") && !sig.sequence("SignedInfo", "SignatureValue") {
		return refuse(Signature, "parts of the signature")
	}
	if len(sig.children[1].children) != 0 {
		return refuse(Signature, "markup inside the signature value")
	}
	info := sig.children[0]
	if !info.sequence("CanonicalizationMethod", "SignatureMethod", "Reference") {
		return refuse(Signature, "parts of the signed info")
	}
	if info.children[0].attr("Algorithm") != algExcC14N || len(info.children[0].children) != 0 {
		return refuse(Algorithm, "canonicalization")
	}
	if !SignatureMethodAllowed(info.children[1].attr("Algorithm")) || len(info.children[1].children) != 0 {
		return refuse(Algorithm, "signature method")
	}
	return checkReference(info.children[2], p.attr("ID"))
}

func checkReference(ref *node, id string) error {
	if id == "" || ref.attr("URI") != "#"+id {
		return refuse(Signature, "reference to another element")
	}
	if !ref.sequence("Transforms", "DigestMethod", "DigestValue") || len(ref.children[2].children) != 0 {
		return refuse(Signature, "parts of the reference")
	}
	if !DigestMethodAllowed(ref.children[1].attr("Algorithm")) || len(ref.children[1].children) != 0 {
		return refuse(Algorithm, "digest method")
	}
	tr := ref.children[0]
	if !tr.sequence("Transform", "Transform") {
		return refuse(Signature, "number of transforms")
	}
	if tr.children[0].attr("Algorithm") != algEnveloped || len(tr.children[0].children) != 0 {
		return refuse(Algorithm, "first transform is not enveloped-signature")
	}
	if tr.children[1].attr("Algorithm") != algExcC14N {
		return refuse(Algorithm, "second transform is not exclusive canonicalization")
	}
	for _, c := range tr.children[1].children {
		if !c.is(nsExcC14N, "InclusiveNamespaces") || len(c.children) != 0 || len(tr.children[1].children) != 1 {
			return refuse(Signature, "content of a transform")
		}
	}
	return nil
}

// sequence reports whether the children are exactly these, in this order, all of the signature namespace.
func (n *node) sequence(names ...string) bool {
	if len(n.children) != len(names) {
		return false
	}
	for i, name := range names {
		if !n.children[i].is(nsDSig, name) {
			return false
		}
	}
	return true
}
