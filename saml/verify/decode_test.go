package verify_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// TestAssertionsAreReadAsTheLibraryReadsThem compares our reading of a verified assertion with the library's decoder, except for what the
// library loses (all audiences but one) and what nobody needs.
func TestAssertionsAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	key := samltest.RSA(t, "idp", 2048)
	const value = `<saml:Attribute Name="odd" FriendlyName="f" NameFormat="urn:x"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"> a<saml:NameID Format="urn:f" NameQualifier="q" SPNameQualifier="s" SPProvidedID="p">n</saml:NameID>b&amp;</saml:AttributeValue><saml:AttributeValue/></saml:Attribute>`
	for name, change := range map[string]func(*etree.Element){
		"plain": func(*etree.Element) {},
		"odd attributes": func(a *etree.Element) {
			doc := etree.NewDocument()
			if err := doc.ReadFromString(strings.Replace(value, "<saml:Attribute ", `<saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `, 1)); err != nil {
				t.Error(err)
			}
			a.FindElement("./AttributeStatement").AddChild(doc.Root())
		},
		"times": func(a *etree.Element) {
			a.FindElement("./AuthnStatement").CreateAttr("SessionNotOnOrAfter", "2126-01-02T03:04:05.678+01:00")
			a.FindElement("./Conditions").RemoveAttr("NotBefore")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := samltest.Recipe{Key: key, AssertionXML: change}.Build(t)
			var want crewjam.Response
			if err := xml.Unmarshal(message, &want); err != nil {
				t.Fatal(err)
			}
			got, err := verify.Response(message, expect(t))
			if err != nil {
				t.Fatal(err)
			}
			diff := cmp.Diff(want.Assertion, got.Assertion, cmpopts.IgnoreTypes(xml.Name{}), cmpopts.IgnoreFields(crewjam.Assertion{}, "Signature"),
				cmpopts.IgnoreFields(crewjam.Conditions{}, "AudienceRestrictions", "OneTimeUse"), cmpopts.IgnoreFields(crewjam.AuthnStatement{}, "SubjectLocality"))
			if diff != "" {
				t.Error(diff)
			}
		})
	}
}
