package xmlguard

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

func isAssertionName(local string) bool { return local == "Assertion" || local == "EncryptedAssertion" }

// checkResponse demands the one place where an assertion may stand.
func checkResponse(root *node) error {
	if !root.is(nsProtocol, "Response") {
		return refuse(Structure, "root is not a Response")
	}
	direct := 0
	below := root.count(func(e *node) bool { return e.ns == nsAssertion && isAssertionName(e.local) })
	for _, c := range root.children {
		if c.ns == nsAssertion && isAssertionName(c.local) {
			direct++
		}
	}
	switch {
	case below != direct:
		return refuse(Structure, "assertion outside its place")
	case direct > 1:
		return refuse(Structure, "more than one assertion")
	case direct == 0 && topStatus(root) == statusSuccess:
		return refuse(Structure, "success without an assertion")
	}
	for _, name := range []string{"Status", "Extensions"} {
		if n := directCount(root, nsProtocol, name); n > 1 || n == 0 && name == "Status" {
			return refuse(Structure, "status or extensions repeated or missing")
		}
	}
	return checkTree(root)
}

func topStatus(root *node) string {
	if st := root.child(nsProtocol, "Status"); st != nil {
		if code := st.child(nsProtocol, "StatusCode"); code != nil {
			return code.attr("Value")
		}
	}
	return ""
}

func directCount(n *node, ns, local string) int {
	total := 0
	for _, c := range n.children {
		if c.is(ns, local) {
			total++
		}
	}
	return total
}

// home lists the names that decide what gets verified, with the only namespace each may have. A look-alike in another namespace
// is how one parser is made to see what another does not.
func home(local string) (string, bool) {
	switch local {
	case "Response", "AuthnRequest":
		return nsProtocol, true
	case "Assertion", "EncryptedAssertion", "Subject", "Conditions", "AttributeStatement", "AuthnStatement":
		return nsAssertion, true
	case "Signature", "SignedInfo", "SignatureValue", "Reference", "Object", "Manifest":
		return nsDSig, true
	case "EncryptedData", "EncryptedKey":
		return nsXEnc, true
	}
	return "", false
}

// checkTree applies the rules that hold for every kind of message.
func checkTree(root *node) error {
	return root.walk(func(e *node) error {
		if ns, known := home(e.local); known && e.ns != ns {
			return refuse(Structure, "name in a foreign namespace")
		}
		switch {
		case e.is(nsProtocol, "Response") && e != root:
			return refuse(Structure, "response inside a message")
		case e.is(nsAssertion, "Assertion"):
			return checkAssertion(e)
		case e.is(nsAssertion, "EncryptedAssertion"):
			return checkEncrypted(e)
		case e.is(nsDSig, "Object"), e.is(nsDSig, "Manifest"):
			return refuse(Signature, "object inside a signature")
		case e.is(nsDSig, "Signature"):
			return checkSignature(e, root)
		case e.is(nsDSig, "SignedInfo"), e.is(nsDSig, "SignatureValue"):
			if !e.parent.isSignature() {
				return refuse(Signature, "signature part outside a signature")
			}
		}
		return nil
	})
}

func (n *node) isSignature() bool { return n != nil && n.is(nsDSig, "Signature") }

// checkAssertion refuses repeated parts of which one reader takes the first and another the last.
func checkAssertion(e *node) error {
	for _, name := range []string{"Issuer", "Subject", "Conditions"} {
		if directCount(e, nsAssertion, name) > 1 {
			return refuse(Structure, "assertion part repeated")
		}
	}
	if subject := e.child(nsAssertion, "Subject"); subject != nil && directCount(subject, nsAssertion, "NameID") > 1 {
		return refuse(Structure, "assertion part repeated")
	}
	if e.attr("ID") == "" {
		return refuse(Structure, "assertion without ID")
	}
	return nil
}

// checkEncrypted demands one EncryptedData and a handful of keys.
func checkEncrypted(e *node) error {
	if directCount(e, nsXEnc, "EncryptedData") != 1 {
		return refuse(Structure, "encrypted assertion without exactly one EncryptedData")
	}
	if e.count(func(c *node) bool { return c.is(nsXEnc, "EncryptedData") }) != 1 {
		return refuse(Structure, "nested EncryptedData")
	}
	if n := e.count(func(c *node) bool { return c.is(nsXEnc, "EncryptedKey") }); n < 1 || n > 4 {
		return refuse(Structure, "number of encrypted keys")
	}
	return nil
}
