package saml_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

func uiInfo(inside string) string {
	return `<md:Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">` + inside + `</mdui:UIInfo></md:Extensions>`
}

func displayName(lang, text string) string {
	return `<mdui:DisplayName xml:lang="` + lang + `">` + text + `</mdui:DisplayName>`
}

func logo(address, width, height string) string {
	return `<mdui:Logo width="` + width + `" height="` + height + `">` + address + `</mdui:Logo>`
}

// TestSDPMD10WhatOthersSayForPeople: SDP-MD10: what a file says for people is read within bounds, in both roles, and never makes it unusable.
func TestSDPMD10WhatOthersSayForPeople(t *testing.T) {
	t.Parallel()
	signing := key(t, "signing", samltest.RSA(t, "idp", 2048))
	long := strings.Repeat("é", 128)
	for name, tc := range map[string]struct {
		extension string
		names     []saml.Localized
		logos     []saml.Logo
		left      bool
	}{
		"nothing": {},
		"names and a logo": {
			uiInfo(displayName("en", " Shop\n of  Ann ") + displayName("zh-CN", "店面") + logo(" https://shop.example/l.png ", "80", "60")),
			[]saml.Localized{{Language: "en", Text: "Shop of Ann"}, {Language: "zh-CN", Text: "店面"}}, []saml.Logo{{URL: "https://shop.example/l.png", Width: 80, Height: 60}}, false,
		},
		"what else there is":     {uiInfo(`<mdui:Keywords xml:lang="en">a</mdui:Keywords><mdui:Description xml:lang="en">d</mdui:Description>`), nil, nil, false},
		"a name of 128":          {uiInfo(displayName("en", long)), []saml.Localized{{Language: "en", Text: long}}, nil, false},
		"a name of 129":          {uiInfo(displayName("en", long+"x")), nil, nil, true},
		"an empty name":          {uiInfo(displayName("en", " ")), nil, nil, true},
		"a name turned round":    {uiInfo(displayName("en", "a\u202etxt")), nil, nil, true},
		"a name with a bell":     {uiInfo(displayName("en", "a\u009fb")), nil, nil, true},
		"markup is text":         {uiInfo(displayName("en", "&lt;script>")), []saml.Localized{{Language: "en", Text: "<script>"}}, nil, false},
		"nine names":             {uiInfo(many(9, func(i int) string { return displayName("en", fmt.Sprint("n", i)) })), eight(), nil, true},
		"five logos":             {uiInfo(strings.Repeat(logo("https://a.example", "1", "1"), 5)), nil, slices.Repeat([]saml.Logo{{URL: "https://a.example", Width: 1, Height: 1}}, 4), true},
		"a logo by http":         {uiInfo(logo("http://shop.example/l.png", "80", "60")), nil, nil, true},
		"a logo inside":          {uiInfo(logo("data:image/png;base64,AAAA", "80", "60")), nil, nil, true},
		"a script":               {uiInfo(logo("javascript:alert(1)", "80", "60")), nil, nil, true},
		"a logo without a size":  {uiInfo(logo("https://shop.example/l.png", "", "60")), nil, nil, true},
		"a logo of minus one":    {uiInfo(logo("https://shop.example/l.png", "-1", "60")), nil, nil, true},
		"a logo without end":     {uiInfo(logo("https://shop.example/l.png", "80", "4097")), nil, nil, true},
		"of another name space":  {strings.ReplaceAll(uiInfo(displayName("en", "Shop")), ":metadata:ui", ":metadata:iu"), nil, nil, false},
		"not in the extensions":  {strings.ReplaceAll(uiInfo(displayName("en", "Shop")), "md:Extensions", "md:Organization"), nil, nil, false},
		"the schema's other end": {strings.ReplaceAll(uiInfo(displayName("en", "Shop")), "mdui:UIInfo", "mdui:DiscoHints"), nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(ui saml.UIInfo, findings []saml.Finding, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err, findings)
				}
				if diff := cmp.Diff(saml.UIInfo{DisplayNames: tc.names, Logos: tc.logos}, ui); diff != "" {
					t.Error(diff)
				}
				if left := slices.ContainsFunc(findings, func(f saml.Finding) bool { return f.Code == "UI_INFO_LEFT_OUT" && !f.Fatal }); left != tc.left || left && len(findings) != 1 {
					t.Errorf("%v", findings)
				}
			}
			idp, findings, err := saml.ParseIdPMetadata([]byte(file("", tc.extension+signing, ssoRedirect)))
			check(idp.UI, findings, err)
			sp, findings, err := saml.ParseSPMetadata([]byte(spFile("", "", tc.extension+signing, acsPost)))
			check(sp.UI, findings, err)
		})
	}
}

func eight() (names []saml.Localized) {
	for i := range 8 {
		names = append(names, saml.Localized{Language: "en", Text: fmt.Sprint("n", i)})
	}
	return names
}

// TestSDPIDP13WhatAServiceProviderAsksFor: SDP-IDP13: the entity attribute of the subject identifier profile.
func TestSDPIDP13WhatAServiceProviderAsksFor(t *testing.T) {
	t.Parallel()
	attribute := func(name string, values ...string) string {
		inside := ""
		for _, value := range values {
			inside += "<saml:AttributeValue>" + value + "</saml:AttributeValue>"
		}
		return `<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` +
			`<saml:Attribute NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" Name="` + name + `">` + inside + `</saml:Attribute></mdattr:EntityAttributes></md:Extensions>`
	}
	const req = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
	for name, tc := range map[string]struct {
		extension, want string
		remark          bool
	}{
		"nothing":           {"", "", false},
		"subject-id":        {attribute(req, " subject-id\n"), "subject-id", false},
		"pairwise-id":       {attribute(req, "pairwise-id"), "pairwise-id", false},
		"any":               {attribute(req, "any"), "any", false},
		"none":              {attribute(req, "none"), "none", false},
		"the same twice":    {attribute(req, "any", "any"), "any", false},
		"two wishes":        {attribute(req, "any", "none"), "", true},
		"another word":      {attribute(req, "Subject-ID"), "", true},
		"another attribute": {attribute("http://macedir.org/entity-category", "any"), "", false},
		"in the role":       {"ROLE" + attribute(req, "any"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := spFile("", "", "", acsPost)
			if inRole, found := strings.CutPrefix(tc.extension, "ROLE"); found {
				doc = spFile("", "", inRole, acsPost)
			} else {
				doc = strings.Replace(doc, "<md:SPSSO", tc.extension+"<md:SPSSO", 1)
			}
			md, findings, err := saml.ParseSPMetadata([]byte(doc))
			if err != nil || md.SubjectIDRequirement != tc.want || tc.remark != (len(findings) == 1 && findings[0].Code == "SUBJECT_ID_REQUIREMENT") {
				t.Errorf("%q %v %v", md.SubjectIDRequirement, findings, err)
			}
		})
	}
}

// TestParseSubjectID holds the grammar of the profile, 3.3.2 and 3.4.2.
func TestParseSubjectID(t *testing.T) {
	t.Parallel()
	n := strings.Repeat("a", 127)
	for value, want := range map[string]string{
		"a@b": "a@b", "A-9==@Shop.Example-1": "a-9==@shop.example-1", n + "@" + n: n + "@" + n, "0@0.": "0@0.",
	} {
		if id, scope, ok := saml.ParseSubjectID(value); !ok || id+"@"+scope != want {
			t.Errorf("%q: %q %q %t", value, id, scope, ok)
		}
	}
	for _, value := range []string{"", "a", "@b", "a@", "a@b@c", "-a@b", "=a@b", "a@-b", "a@.b", "a_b@c", "a@b_c", "a.b@c", n + "a@b", "a@" + n + "b", "a@b\n", " a@b", "\u212a@b", "ä@b", "a@b=c"} {
		if _, _, ok := saml.ParseSubjectID(value); ok {
			t.Errorf("%q passes", value)
		}
	}
}
