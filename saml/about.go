package saml

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	nsUI         = "urn:oasis:names:tc:SAML:metadata:ui"
	nsScope      = "urn:mace:shibboleth:metadata:1.0"
	nsAttributes = "urn:oasis:names:tc:SAML:metadata:attribute"
	nsAssertion  = "urn:oasis:names:tc:SAML:2.0:assertion"
	formatURI    = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
)

// About is what our metadata says for people (SDP-MD09 to SDP-MD11). What is not set is not written.
type About struct {
	UI       UIInfo
	Contacts []Contact
}

// UIInfo is mdui:UIInfo. Of others' metadata only DisplayNames and Logos are read: to be shown as text, and believed by nobody.
type UIInfo struct {
	DisplayNames, Descriptions            []Localized
	InformationURLs, PrivacyStatementURLs []Localized // https addresses
	Logos                                 []Logo
}

// Localized is a text in one language.
type Localized struct {
	Language string // a BCP 47 tag; empty in others' metadata that names none
	Text     string
}

// Logo is a picture somewhere else; nothing here fetches it.
type Logo struct {
	URL           string // https
	Width, Height int    // pixels
}

// IsZero reports whether nothing is set.
func (u UIInfo) IsZero() bool {
	return len(u.DisplayNames)+len(u.Descriptions)+len(u.InformationURLs)+len(u.PrivacyStatementURLs)+len(u.Logos) == 0
}

// ContactKind is a contactType of metadata.
type ContactKind string

// The kinds that are published.
const (
	TechnicalContact ContactKind = "technical"
	SupportContact   ContactKind = "support"
)

// Contact is whom to reach: an e-mail address, and perhaps a name.
type Contact struct {
	Kind        ContactKind
	Name, Email string
}

// DescribeRole writes what a role says for people into its Extensions, with the scope of its identifiers when it has one. It is called
// before anything else is written into the role, because the schema has Extensions first.
func (a About) DescribeRole(role *etree.Element, scope string) {
	if a.UI.IsZero() && scope == "" {
		return
	}
	extensions := role.CreateElement("md:Extensions")
	if scope != "" {
		e := extensions.CreateElement("shibmd:Scope")
		e.CreateAttr("xmlns:shibmd", nsScope)
		e.CreateAttr("regexp", "false")
		e.SetText(scope)
	}
	if a.UI.IsZero() {
		return
	}
	info := extensions.CreateElement("mdui:UIInfo")
	info.CreateAttr("xmlns:mdui", nsUI)
	for _, list := range []struct {
		tag   string
		texts []Localized
	}{
		{"mdui:DisplayName", a.UI.DisplayNames}, {"mdui:Description", a.UI.Descriptions}, {"mdui:InformationURL", a.UI.InformationURLs},
		{"mdui:PrivacyStatementURL", a.UI.PrivacyStatementURLs},
	} {
		for _, text := range list.texts {
			e := info.CreateElement(list.tag)
			e.CreateAttr("xml:lang", text.Language)
			e.SetText(text.Text)
		}
	}
	for _, logo := range a.UI.Logos {
		e := info.CreateElement("mdui:Logo")
		e.CreateAttr("height", strconv.Itoa(logo.Height))
		e.CreateAttr("width", strconv.Itoa(logo.Width))
		e.SetText(logo.URL)
	}
}

// DescribeContacts writes the contacts (SDP-MD11). It is called when the entity's roles are written, behind which the schema has them.
func (a About) DescribeContacts(entity *etree.Element) {
	for _, c := range a.Contacts {
		person := entity.CreateElement("md:ContactPerson")
		person.CreateAttr("contactType", string(c.Kind))
		if c.Name != "" {
			person.CreateElement("md:GivenName").SetText(c.Name)
		}
		person.CreateElement("md:EmailAddress").SetText("mailto:" + url.PathEscape(c.Email))
	}
}

// DescribeRequirement writes which scoped identifier a service provider needs, as an attribute of the entity; none for an empty one.
// It is called before the entity's roles are written.
func DescribeRequirement(entity *etree.Element, requirement string) {
	if requirement == "" {
		return
	}
	all := entity.CreateElement("md:Extensions").CreateElement("mdattr:EntityAttributes")
	all.CreateAttr("xmlns:mdattr", nsAttributes)
	attribute := all.CreateElement("saml:Attribute")
	attribute.CreateAttr("xmlns:saml", nsAssertion)
	attribute.CreateAttr("Name", SubjectIDRequirement)
	attribute.CreateAttr("NameFormat", formatURI)
	attribute.CreateElement("saml:AttributeValue").SetText(requirement)
}

const (
	maxNames, maxLogos = 8, 4
	maxName            = 128  // characters
	maxPixels          = 4096 // each way
)

// readUI reads the names and logos of a role. What is not kept is remarked on once: the file can be used all the same.
func (r *metadataReader) readUI(root *etree.Element, role string) (ui UIInfo) {
	left := false
	for _, e := range within(root, [2]string{nsMetadata, role}, [2]string{nsMetadata, "Extensions"}, [2]string{nsUI, "UIInfo"}) {
		for _, c := range e.ChildElements() {
			if c.NamespaceURI() != nsUI {
				continue
			}
			kept := true
			switch c.Tag {
			case "DisplayName":
				kept = ui.addName(c)
			case "Logo":
				kept = r.addLogo(&ui, c)
			}
			left = left || !kept
		}
	}
	if left {
		r.note("UI_INFO_LEFT_OUT", "A display name or logo was left out: at most 8 names of 128 characters, at most 4 logos at https addresses with a width and a height.")
	}
	return ui
}

func (u *UIInfo) addName(e *etree.Element) bool {
	name := Localized{Language: strings.TrimSpace(e.SelectAttrValue("xml:lang", "")), Text: strings.Join(strings.Fields(e.Text()), " ")}
	if len(u.DisplayNames) == maxNames || name.Text == "" || utf8.RuneCountInString(name.Text) > maxName || len(name.Language) > 35 ||
		strings.ContainsFunc(name.Text+name.Language, misleading) {
		return false
	}
	u.DisplayNames = append(u.DisplayNames, name)
	return true
}

// misleading tells characters that make a line read otherwise than it is written.
func misleading(c rune) bool {
	return unicode.IsControl(c) || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

func (r *metadataReader) addLogo(ui *UIInfo, e *etree.Element) bool {
	size := func(name string) int {
		n, err := strconv.ParseUint(strings.TrimSpace(e.SelectAttrValue(name, "")), 10, 16)
		if err != nil || n > maxPixels {
			return 0
		}
		return int(n)
	}
	logo := Logo{URL: strings.TrimSpace(e.Text()), Width: size("width"), Height: size("height")}
	if len(ui.Logos) == maxLogos || logo.Width == 0 || logo.Height == 0 || !r.usableURL(logo.URL) {
		return false
	}
	ui.Logos = append(ui.Logos, logo)
	return true
}

// readRequirement reads which scoped identifier a service provider needs; empty when it says nothing that the profile knows.
func (r *metadataReader) readRequirement(root *etree.Element) (requirement string) {
	for _, e := range within(root, [2]string{nsMetadata, "Extensions"}, [2]string{nsAttributes, "EntityAttributes"}, [2]string{nsAssertion, "Attribute"}) {
		if e.SelectAttrValue("Name", "") != SubjectIDRequirement {
			continue
		}
		for _, c := range within(e, [2]string{nsAssertion, "AttributeValue"}) {
			value := strings.TrimSpace(c.Text())
			known := slices.Contains([]string{RequireSubjectID, RequirePairwiseID, RequireAny, RequireNone}, value)
			if !known || requirement != "" && requirement != value {
				r.note("SUBJECT_ID_REQUIREMENT", "The required subject identifier must be one of subject-id, pairwise-id, any and none; it was ignored.")
				return ""
			}
			requirement = value
		}
	}
	return requirement
}

// within returns the elements at the end of a path of namespaces and names.
func within(e *etree.Element, path ...[2]string) []*etree.Element {
	found := []*etree.Element{e}
	for _, step := range path {
		var next []*etree.Element
		for _, e := range found {
			for _, c := range e.ChildElements() {
				if c.NamespaceURI() == step[0] && c.Tag == step[1] {
					next = append(next, c)
				}
			}
		}
		found = next
	}
	return found
}
