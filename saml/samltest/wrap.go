package samltest

import (
	"testing"

	"github.com/beevik/etree"
)

// Wrapping is one signature-wrapping move on a genuine message. Move changes the response in place.
type Wrapping struct {
	Name string
	// Of says which signatures the base message has.
	Base Recipe
	Move func(t testing.TB, root *etree.Element)
}

// Wrappings returns XSW1 to XSW9 and the duplicate-ID variant of CVE-2022-41912, on messages signed with the key.
func Wrappings(key Key) []Wrapping {
	response := Recipe{Key: key, AssertionUnsigned: true}
	assertion := Recipe{Key: key, ResponseUnsigned: true}
	return []Wrapping{
		{"XSW1 signed response inside its own signature", response, func(t testing.TB, root *etree.Element) {
			clone := withoutSignature(root)
			evilResponse(root)
			Child(root, "Signature").AddChild(clone)
		}},
		{"XSW2 signed response before its signature", response, func(t testing.TB, root *etree.Element) {
			clone := withoutSignature(root)
			evilResponse(root)
			root.InsertChildAt(Child(root, "Signature").Index(), clone)
		}},
		{"XSW3 evil assertion before the signed one", assertion, func(t testing.TB, root *etree.Element) {
			signed := Child(root, "Assertion")
			root.InsertChildAt(signed.Index(), evilCopy(signed, "_evil_assertion_ID"))
		}},
		{"XSW4 signed assertion inside the evil one", assertion, func(t testing.TB, root *etree.Element) {
			signed := Child(root, "Assertion")
			evil := evilCopy(signed, "_evil_assertion_ID")
			root.RemoveChild(signed)
			evil.AddChild(signed)
			root.AddChild(evil)
		}},
		{"XSW5 signature kept in the evil assertion, original appended", assertion, func(t testing.TB, root *etree.Element) {
			root.AddChild(usurp(root))
		}},
		{"XSW6 original inside the evil assertion's signature", assertion, func(t testing.TB, root *etree.Element) {
			original := usurp(root)
			Child(Child(root, "Assertion"), "Signature").AddChild(original)
		}},
		{"XSW7 evil assertion in extensions", assertion, func(t testing.TB, root *etree.Element) {
			signed := Child(root, "Assertion")
			ext := etree.NewElement("samlp:Extensions")
			ext.AddChild(evilCopy(signed, signed.SelectAttrValue("ID", "")))
			root.InsertChildAt(signed.Index(), ext)
		}},
		{"XSW8 original inside an object of the signature", assertion, func(t testing.TB, root *etree.Element) {
			original := usurp(root)
			Child(Child(root, "Assertion"), "Signature").CreateElement("ds:Object").AddChild(original)
		}},
		{"XSW9 second signed info", assertion, func(t testing.TB, root *etree.Element) {
			sig := Child(Child(root, "Assertion"), "Signature")
			fake := Child(sig, "SignedInfo").Copy()
			Find(t, fake, "DigestValue").SetText("AAAA")
			sig.InsertChildAt(0, fake)
		}},
		{"unsigned copy with the same ID first", assertion, func(t testing.TB, root *etree.Element) {
			signed := Child(root, "Assertion")
			root.InsertChildAt(signed.Index(), evilCopy(signed, signed.SelectAttrValue("ID", "")))
		}},
		{"evil assertion behind the signed one", assertion, func(t testing.TB, root *etree.Element) {
			root.AddChild(evilCopy(Child(root, "Assertion"), "_evil_assertion_ID"))
		}},
		{"evil assertion in place of the signed one, same ID", assertion, func(t testing.TB, root *etree.Element) {
			Evilize(Child(root, "Assertion"))
		}},
		{"evil assertion in a signed response", response, func(t testing.TB, root *etree.Element) {
			Evilize(Child(root, "Assertion"))
		}},
		{"signed assertion inside the evil one's advice", assertion, func(t testing.TB, root *etree.Element) {
			signed := Child(root, "Assertion")
			evil := evilCopy(signed, "_evil_assertion_ID")
			root.RemoveChild(signed)
			evil.CreateElement("saml:Advice").AddChild(signed)
			root.AddChild(evil)
		}},
	}
}

func withoutSignature(e *etree.Element) *etree.Element {
	c := e.Copy()
	if sig := Child(c, "Signature"); sig != nil {
		c.RemoveChild(sig)
	}
	return c
}

func evilResponse(root *etree.Element) {
	Evilize(root)
	root.CreateAttr("ID", "_evil_response_ID")
}

func evilCopy(e *etree.Element, id string) *etree.Element {
	c := withoutSignature(e)
	Evilize(c)
	c.CreateAttr("ID", id)
	return c
}

// usurp turns the signed assertion into the evil one in place and returns the original without its signature.
func usurp(root *etree.Element) *etree.Element {
	signed := Child(root, "Assertion")
	original := withoutSignature(signed)
	Evilize(signed)
	signed.CreateAttr("ID", "_evil_assertion_ID")
	return original
}
