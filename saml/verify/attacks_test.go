package verify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// attack is one message with one thing wrong and the verdict it must get.
type attack struct {
	name   string
	recipe samltest.Recipe
	bytes  func([]byte) []byte // after serialisation
	want   saml.Reason
}

func (a attack) message(t testing.TB) []byte {
	msg := a.recipe.Build(t)
	if a.bytes != nil {
		out := a.bytes(msg)
		if bytes.Equal(out, msg) {
			t.Fatal("the attack changed nothing")
		}
		return out
	}
	return msg
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

func prefix(s string) func([]byte) []byte {
	return func(b []byte) []byte { return append([]byte(s), b...) }
}

func attacks(t testing.TB) []attack {
	var all []attack
	all = append(all, signatureAttacks(t)...)
	all = append(all, xmlAttacks(t)...)
	all = append(all, meaningAttacks(t)...)
	return append(all, encryptionAttacks(t)...)
}

func signatureAttacks(t testing.TB) []attack {
	idp, mallory := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "mallory", 2048)
	weak := samltest.RSA(t, "weak", 1024)
	one := samltest.Recipe{Key: idp, ResponseUnsigned: true}
	onSig := func(f func(sig *etree.Element)) samltest.Recipe {
		r := one
		r.SealedXML = func(e *etree.Element) { f(samltest.Child(e, "Signature")) }
		return r
	}
	alg := func(tag, uri string) samltest.Recipe {
		return onSig(func(sig *etree.Element) { samltest.Find(t, sig, tag).CreateAttr("Algorithm", uri) })
	}
	const dsig = "http://www.w3.org/2000/09/xmldsig#"
	return []attack{
		{"no signature at all", samltest.Recipe{Key: idp, AssertionUnsigned: true, ResponseUnsigned: true}, nil, saml.SignatureMissing},
		{"signature value removed", onSig(func(s *etree.Element) { drop(s, "SignatureValue") }), nil, saml.SignatureInvalid},
		{"signature value emptied", onSig(func(s *etree.Element) { samltest.Child(s, "SignatureValue").SetText("") }), nil, saml.SignatureInvalid},
		{"signature in a foreign namespace", onSig(func(s *etree.Element) { s.CreateAttr("xmlns:ds", "urn:other") }), nil, saml.ResponseMalformed},
		{"own key, own certificate", samltest.Recipe{Key: mallory}, nil, saml.SignatureInvalid},
		{"own key, real certificate", samltest.Recipe{Key: samltest.Key{Signer: mallory.Signer, Cert: idp.Cert}}, nil, saml.SignatureInvalid},
		{"1024-bit key", samltest.Recipe{Key: weak}, nil, saml.SignatureInvalid},
		{"response by another key", samltest.Recipe{Key: idp, PostedXML: func(e *etree.Element) {
			drop(e, "Signature")
			signed := samltest.Recipe{Key: mallory}.Sign(t, e)
			e.InsertChildAt(1, samltest.Child(signed, "Signature").Copy())
		}}, nil, saml.SignatureInvalid},
		{"rsa-sha1", samltest.Recipe{Key: idp, Method: dsig + "rsa-sha1"}, nil, saml.AlgorithmRefused},
		{"hmac keyed with the certificate", onSig(func(s *etree.Element) {
			samltest.Find(t, s, "SignatureMethod").CreateAttr("Algorithm", dsig+"hmac-sha1")
			mac := hmac.New(sha1.New, idp.Cert.Raw)
			samltest.Child(s, "SignatureValue").SetText(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}), nil, saml.AlgorithmRefused},
		{"digest sha1", alg("DigestMethod", dsig+"sha1"), nil, saml.AlgorithmRefused},
		{"unknown method", alg("SignatureMethod", "urn:none"), nil, saml.AlgorithmRefused},
		{"ecdsa claimed for an RSA key", alg("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), nil, saml.SignatureInvalid},
		{"inclusive canonicalization", alg("CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), nil, saml.AlgorithmRefused},
		{"xslt transform", onSig(func(s *etree.Element) {
			samltest.Find(t, s, "Transforms").ChildElements()[1].CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		}), nil, saml.AlgorithmRefused},
		{"many transforms", onSig(func(s *etree.Element) {
			for range 200 {
				samltest.Find(t, s, "Transforms").CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#")
			}
		}), nil, saml.SignatureInvalid},
		{"second reference", onSig(func(s *etree.Element) {
			si := samltest.Find(t, s, "SignedInfo")
			si.AddChild(samltest.Child(si, "Reference").Copy())
		}), nil, saml.SignatureInvalid},
		{"empty reference", onSig(func(s *etree.Element) { samltest.Find(t, s, "Reference").CreateAttr("URI", "") }), nil, saml.SignatureInvalid},
		{"reference to the response", onSig(func(s *etree.Element) { samltest.Find(t, s, "Reference").CreateAttr("URI", "#_response-1") }), nil, saml.SignatureInvalid},
		{"empty digest", onSig(func(s *etree.Element) { samltest.Find(t, s, "DigestValue").SetText("") }), nil, saml.SignatureInvalid},
		{"digest of nothing", onSig(func(s *etree.Element) {
			samltest.Find(t, s, "DigestValue").SetText("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
		}), nil, saml.SignatureInvalid},
		{"object in the signature", onSig(func(s *etree.Element) { s.CreateElement("ds:Object") }), nil, saml.SignatureInvalid},
		{"signature moved into the subject", samltest.Recipe{Key: idp, ResponseUnsigned: true, SealedXML: func(e *etree.Element) {
			sig := samltest.Child(e, "Signature")
			e.RemoveChild(sig)
			samltest.Child(e, "Subject").AddChild(sig)
		}}, nil, saml.SignatureInvalid},
	}
}

func xmlAttacks(t testing.TB) []attack {
	idp := samltest.RSA(t, "idp", 2048)
	one := samltest.Recipe{Key: idp, ResponseUnsigned: true}
	posted := func(f func(*etree.Element)) samltest.Recipe { r := one; r.PostedXML = f; return r }
	return []attack{
		{"comment in an attribute value", one, replace("account-alice", "account<!-- -->-alice"), saml.ResponseMalformed},
		{"CDATA", one, replace("account-alice", "<![CDATA[account-alice]]>"), saml.ResponseMalformed},
		{"processing instruction", one, replace("account-alice", "account<?x y?>-alice"), saml.ResponseMalformed},
		{"document type", one, prefix(`<!DOCTYPE r [<!ENTITY e "x">]>`), saml.ResponseMalformed},
		{"entity", one, replace("account-alice", "account&e;alice"), saml.ResponseMalformed},
		{"default ID by attribute list", one, prefix(`<!DOCTYPE r [<!ATTLIST a ID CDATA "x">]>`), saml.ResponseMalformed},
		{"byte order mark", one, prefix("\xef\xbb\xbf"), saml.ResponseMalformed},
		{"UTF-16 label", one, prefix(`<?xml version="1.0" encoding="UTF-16"?>`), saml.ResponseMalformed},
		{"UTF-7 label", one, prefix(`<?xml version="1.0" encoding="UTF-7"?>`), saml.ResponseMalformed},
		{"not UTF-8", one, replace("account-alice", "account-\xff"), saml.ResponseMalformed},
		{"NUL by reference", one, replace("account-alice", "account&#0;"), saml.ResponseMalformed},
		{"trailing element", one, func(b []byte) []byte { return append(b, []byte("<x/>")...) }, saml.ResponseMalformed},
		{"trailing text", one, func(b []byte) []byte { return append(b, 'x') }, saml.ResponseMalformed},
		{"cut off", one, func(b []byte) []byte { return b[:len(b)-12] }, saml.ResponseMalformed},
		{"declaration hidden in a declaration", one, prefix("<! <<!-- -->!-- x>"), saml.ResponseMalformed},
		{"name with two colons", one, replace("<saml:NameID", "<saml:x:NameID"), saml.ResponseMalformed},
		{"undeclared prefix", one, replace("<saml:NameID", "<nope:NameID"), saml.ResponseMalformed},
		{"repeated attribute", one, replace(` Destination="`, ` Destination="https://x.example" Destination="`), saml.ResponseMalformed},
		{"repeated ID", one, replace(`ID="_response-1"`, `ID="_assertion-1"`), saml.ResponseMalformed},
		{"qualified ID", one, replace(` Destination="`, ` samlp:ID="_x" Destination="`), saml.ResponseMalformed},
		{"ID that is no name", one, replace(`ID="_response-1"`, `ID="1 2"`), saml.ResponseMalformed},
		{"ID by reference", one, replace(`ID="_response-1"`, `ID="&#x5f;assertion-1"`), saml.ResponseMalformed},
		{"relative namespace", one, replace(`<samlp:Response `, `<samlp:Response xmlns:x="1" `), saml.ResponseMalformed},
		{"xmlns rebound", one, replace(`<samlp:Response `, `<samlp:Response xmlns:xml="urn:x" `), saml.ResponseMalformed},
		{"deep nesting", posted(func(e *etree.Element) {
			x := samltest.Child(e, "Status").CreateElement("samlp:StatusDetail")
			for range 5000 {
				x = x.CreateElement("samlp:x")
			}
		}), nil, saml.ResponseTooLarge},
		{"many elements", posted(func(e *etree.Element) {
			for range 1000 {
				samltest.Child(e, "Status").CreateElement("samlp:x")
			}
		}), nil, saml.ResponseTooLarge},
		{"many namespaces", posted(func(e *etree.Element) {
			for i := range 200 {
				samltest.Child(e, "Status").CreateElement("samlp:x").CreateAttr(fmt.Sprintf("xmlns:n%d", i), "urn:n")
			}
		}), nil, saml.ResponseTooLarge},
		{"many attributes", posted(func(e *etree.Element) {
			for i := range 50 {
				e.CreateAttr(fmt.Sprintf("a%d", i), "")
			}
		}), nil, saml.ResponseTooLarge},
		{"huge text", posted(func(e *etree.Element) { samltest.Child(e, "Issuer").SetText(strings.Repeat("a", 4<<20)) }), nil, saml.ResponseTooLarge},
		{"no assertion", posted(func(e *etree.Element) { drop(e, "Assertion") }), nil, saml.ResponseMalformed},
		{"another root", one, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("samlp:Response"), []byte("samlp:ArtifactResponse"))
		}, saml.ResponseMalformed},
		{"empty", one, func([]byte) []byte { return nil }, saml.ResponseMalformed},
	}
}

func meaningAttacks(t testing.TB) []attack {
	idp := samltest.RSA(t, "idp", 2048)
	now := samltest.Now()
	as := func(f func(*crewjam.Assertion)) samltest.Recipe { return samltest.Recipe{Key: idp, Assertion: f} }
	ax := func(f func(*etree.Element)) samltest.Recipe { return samltest.Recipe{Key: idp, AssertionXML: f} }
	rs := func(f func(*crewjam.Response)) samltest.Recipe { return samltest.Recipe{Key: idp, Response: f} }
	scd := func(f func(*crewjam.SubjectConfirmationData)) samltest.Recipe {
		return as(func(a *crewjam.Assertion) { f(a.Subject.SubjectConfirmations[0].SubjectConfirmationData) })
	}
	conditions := func(e *etree.Element) *etree.Element { return samltest.Child(e, "Conditions") }
	past := now.Add(-time.Hour)
	return []attack{
		{"status not success", rs(func(r *crewjam.Response) { r.Status.StatusCode.Value = crewjam.StatusResponder }), nil, saml.StatusNotSuccess},
		{"response issuer", rs(func(r *crewjam.Response) { r.Issuer.Value = "https://other.example" }), nil, saml.IssuerMismatch},
		{"destination of another platform", rs(func(r *crewjam.Response) { r.Destination = strings.Replace(samltest.ACS, "storefront", "other", 1) }), nil, saml.DestinationMismatch},
		{"destination path only", rs(func(r *crewjam.Response) { r.Destination = "/saml/sp/storefront/acs" }), nil, saml.DestinationMismatch},
		{"no destination", rs(func(r *crewjam.Response) { r.Destination = "" }), nil, saml.DestinationMismatch},
		{"response to another request", rs(func(r *crewjam.Response) { r.InResponseTo = "_other" }), nil, saml.InResponseToMismatch},
		{"unsolicited response", rs(func(r *crewjam.Response) { r.InResponseTo = "" }), nil, saml.InResponseToMismatch},
		{"response version", rs(func(r *crewjam.Response) { r.Version = "1.1" }), nil, saml.VersionMismatch},
		{"response from the future", rs(func(r *crewjam.Response) { r.IssueInstant = now.Add(time.Hour) }), nil, saml.AssertionNotYetValid},
		{"response of yesterday", rs(func(r *crewjam.Response) { r.IssueInstant = now.Add(-24 * time.Hour) }), nil, saml.AssertionExpired},

		{"issuer", as(func(a *crewjam.Assertion) { a.Issuer.Value = "https://other.example" }), nil, saml.IssuerMismatch},
		{"issuer format", as(func(a *crewjam.Assertion) { a.Issuer.Format = "urn:x" }), nil, saml.IssuerMismatch},
		{"version", ax(func(e *etree.Element) { e.CreateAttr("Version", "2.1") }), nil, saml.VersionMismatch},
		{"issue instant in the future", as(func(a *crewjam.Assertion) { a.IssueInstant = now.Add(time.Hour) }), nil, saml.AssertionNotYetValid},
		{"no issue instant", ax(func(e *etree.Element) { e.RemoveAttr("IssueInstant") }), nil, saml.AssertionMalformed},
		{"no subject", as(func(a *crewjam.Assertion) { a.Subject = nil }), nil, saml.SubjectNotConfirmed},
		{"no confirmation", as(func(a *crewjam.Assertion) { a.Subject.SubjectConfirmations = nil }), nil, saml.SubjectNotConfirmed},
		{"no confirmation data", as(func(a *crewjam.Assertion) { a.Subject.SubjectConfirmations[0].SubjectConfirmationData = nil }), nil, saml.SubjectNotConfirmed},
		{"foreign confirmation method", as(func(a *crewjam.Assertion) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
		}), nil, saml.SubjectNotConfirmed},
		{"recipient", scd(func(d *crewjam.SubjectConfirmationData) { d.Recipient = "https://other.example/acs" }), nil, saml.RecipientMismatch},
		{"confirmation for another request", scd(func(d *crewjam.SubjectConfirmationData) { d.InResponseTo = "_other" }), nil, saml.InResponseToMismatch},
		{"confirmation for no request", scd(func(d *crewjam.SubjectConfirmationData) { d.InResponseTo = "" }), nil, saml.InResponseToMismatch},
		{"confirmation with NotBefore", scd(func(d *crewjam.SubjectConfirmationData) { d.NotBefore = past }), nil, saml.SubjectNotConfirmed},
		{"confirmation without end", ax(func(e *etree.Element) {
			samltest.Child(samltest.Child(samltest.Child(e, "Subject"), "SubjectConfirmation"), "SubjectConfirmationData").RemoveAttr("NotOnOrAfter")
		}), nil, saml.SubjectNotConfirmed},
		{"confirmation over", scd(func(d *crewjam.SubjectConfirmationData) { d.NotOnOrAfter = now.Add(-10 * time.Minute) }), nil, saml.AssertionExpired},
		{"no conditions", as(func(a *crewjam.Assertion) { a.Conditions = nil }), nil, saml.AssertionMalformed},
		{"conditions over", as(func(a *crewjam.Assertion) { a.Conditions.NotOnOrAfter = now.Add(-10 * time.Minute) }), nil, saml.AssertionExpired},
		{"conditions not begun", as(func(a *crewjam.Assertion) { a.Conditions.NotBefore = now.Add(10 * time.Minute) }), nil, saml.AssertionNotYetValid},
		{"no audience", as(func(a *crewjam.Assertion) { a.Conditions.AudienceRestrictions = nil }), nil, saml.AudienceMismatch},
		{"audience of another platform", as(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions[0].Audience.Value = strings.Replace(samltest.Audience, "storefront", "other", 1)
		}), nil, saml.AudienceMismatch},
		{"one of two restrictions fails", as(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions = append(a.Conditions.AudienceRestrictions, crewjam.AudienceRestriction{Audience: crewjam.Audience{Value: "https://other.example"}})
		}), nil, saml.AudienceMismatch},
		{"unknown condition", ax(func(e *etree.Element) { conditions(e).CreateElement("saml:Condition") }), nil, saml.ConditionUnknown},
		{"one-time use twice", ax(func(e *etree.Element) {
			conditions(e).CreateElement("saml:OneTimeUse")
			conditions(e).CreateElement("saml:OneTimeUse")
		}), nil, saml.ConditionUnknown},
		{"no authentication", as(func(a *crewjam.Assertion) { a.AuthnStatements = nil }), nil, saml.AuthnStatementMissing},
		{"authentication in the future", as(func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnInstant = now.Add(time.Hour) }), nil, saml.AssertionNotYetValid},
		{"session over", as(func(a *crewjam.Assertion) { a.AuthnStatements[0].SessionNotOnOrAfter = &past }), nil, saml.AssertionExpired},
		{"two subjects", ax(func(e *etree.Element) { e.AddChild(samltest.Child(e, "Subject").Copy()) }), nil, saml.ResponseMalformed},
		{"time that is none", ax(func(e *etree.Element) { conditions(e).CreateAttr("NotOnOrAfter", "tomorrow") }), nil, saml.AssertionMalformed},
	}
}

func encryptionAttacks(t testing.TB) []attack {
	idp, sp, mallory := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "sp", 2048), samltest.RSA(t, "mallory", 2048)
	seal := func(s samltest.Sealing) samltest.Recipe {
		return samltest.Recipe{Key: idp, ResponseUnsigned: true, Encrypt: samltest.Encrypt(t, sp, s)}
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	const cbc = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	unsigned := seal(samltest.Sealing{})
	unsigned.AssertionUnsigned = true
	beside := samltest.Recipe{Key: idp, ResponseUnsigned: true, PostedXML: func(e *etree.Element) {
		e.AddChild(samltest.Encrypt(t, sp, samltest.Sealing{})(samltest.Child(e, "Assertion").Copy()))
	}}
	return []attack{
		{"sealed by anyone, unsigned", unsigned, nil, saml.SignatureMissing},
		{"sealed to another key", samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, mallory, samltest.Sealing{})}, nil, saml.DecryptionFailed},
		{"signed by mallory inside", samltest.Recipe{Key: mallory, ResponseUnsigned: true, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{})}, nil, saml.SignatureInvalid},
		{"key by rsa-1_5", seal(samltest.Sealing{Transport: "http://www.w3.org/2001/04/xmlenc#rsa-1_5"}), nil, saml.DecryptionFailed},
		{"data by 3DES", seal(samltest.Sealing{Data: "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"}), nil, saml.DecryptionFailed},
		{"CBC where not switched on", seal(samltest.Sealing{Data: cbc}), nil, saml.DecryptionFailed},
		{"text inside", seal(samltest.Sealing{Plain: []byte("no element")}), nil, saml.DecryptionFailed},
		{"nothing inside", seal(samltest.Sealing{Plain: []byte{}}), nil, saml.DecryptionFailed},
		{"response inside", seal(samltest.Sealing{Plain: samltest.Recipe{Key: idp}.Build(t)}), nil, saml.DecryptionFailed},
		{"document type inside", seal(samltest.Sealing{Plain: []byte("<!DOCTYPE x><x/>")}), nil, saml.DecryptionFailed},
		{"shorter than a nonce", seal(samltest.Sealing{Ciphertext: cut(5)}), nil, saml.DecryptionFailed},
		{"shorter than a tag", seal(samltest.Sealing{Ciphertext: cut(20)}), nil, saml.DecryptionFailed},
		{"no ciphertext", seal(samltest.Sealing{Ciphertext: cut(0)}), nil, saml.DecryptionFailed},
		{"bit flipped", seal(samltest.Sealing{Ciphertext: func(b []byte) []byte { b[40] ^= 1; return b }}), nil, saml.DecryptionFailed},
		{"beside a signed one", beside, nil, saml.ResponseMalformed},
		{"no encrypted data", samltest.Recipe{Key: idp, ResponseUnsigned: true, Encrypt: func(*etree.Element) *etree.Element {
			e := etree.NewElement("saml:EncryptedAssertion")
			e.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
			return e
		}}, nil, saml.ResponseMalformed},
	}
}

// Attack classes: parser differentials, void canonicalization, attribute pollution, signature exclusion,
// certificate faking, algorithm confusion, transforms, text tricks, XML parser, time, InResponseTo, encryption;
// audience, recipient, destination, issuer.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, a := range attacks(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			_, err := verify.Response(a.message(t), expect(t))
			if got := reason(t, err); got != a.want {
				t.Errorf("verdict %q (%v), want %q", got, err, a.want)
			}
		})
	}
}

// TestCBCGivesOneAnswer: whatever is done to the ciphertext, the sender learns the same word.
// Attack classes: encryption.
func TestCBCGivesOneAnswer(t *testing.T) {
	t.Parallel()
	want := expect(t)
	want.AllowCBC = true
	for i := range 48 {
		r := samltest.Recipe{Key: samltest.RSA(t, "idp", 2048), ResponseUnsigned: true, Encrypt: samltest.Encrypt(t, samltest.RSA(t, "sp", 2048), samltest.Sealing{
			Data:       "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
			Ciphertext: func(b []byte) []byte { b[len(b)-1-i] ^= 0x55; return b },
		})}
		if _, err := verify.Response(r.Build(t), want); err == nil || err.Error() != "saml: DECRYPTION_FAILED" {
			t.Fatalf("byte -%d: %v", i, err)
		}
	}
}

// TestRefusalsQuoteNothing: an error is shown and logged, so it must not carry what a stranger wrote.
func TestRefusalsQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, a := range attacks(t) {
		_, err := verify.Response(a.message(t), expect(t))
		if err == nil {
			t.Fatalf("%s accepted", a.name)
		}
		for _, secret := range []string{"alice", "other.example", "_assertion", "_response", "mallory"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %q quotes the message", a.name, err)
			}
		}
	}
}

// FuzzResponse: no input makes the pipeline panic, and none is accepted that says something else than what was signed. There is no
// recover in it, so a panic anywhere below fails the target.
func FuzzResponse(f *testing.F) {
	for _, a := range attacks(f) {
		if msg := a.message(f); len(msg) < 64<<10 {
			f.Add(msg)
		}
	}
	for _, w := range samltest.Wrappings(samltest.RSA(f, "idp", 2048)) {
		root := w.Base.Element(f)
		w.Move(f, root)
		f.Add(samltest.Write(f, root))
	}
	f.Add(samltest.Recipe{Key: samltest.RSA(f, "idp", 2048)}.Build(f))
	want := expect(f)
	f.Fuzz(func(t *testing.T, msg []byte) {
		v, err := verify.Response(msg, want)
		agrees(t, verify.Examine(msg, want), err)
		if err != nil {
			_ = reason(t, err)
			return
		}
		if got := account(v); got != "account-alice" {
			t.Fatalf("accepted as %q", got)
		}
	})
}
