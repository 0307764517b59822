package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/saml"
)

// maxAbout bounds the file of what our metadata says for people.
const maxAbout = 64 << 10

// installation is that file: the words of whoever runs this server. The display is the service provider's, which is this installation
// towards every platform; the contacts stand in all metadata that is published here.
type installation struct {
	models.MetadataDisplay

	TechnicalContact *models.InterfaceContact `json:"technicalContact"`
	SupportContact   *models.InterfaceContact `json:"supportContact"`
}

// installation reads the file; without one nothing is said.
func (c Config) installation() (said installation, err error) {
	if c.SAMLAbout == "" {
		return said, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("setting saml-about: %w", err)
		}
	}()
	file, err := os.Open(c.SAMLAbout)
	if err != nil {
		return said, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxAbout+1))
	if err != nil {
		return said, err
	}
	if len(text) > maxAbout {
		return said, errors.New("the file is larger than 64 KiB")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&said); err != nil {
		return said, fmt.Errorf("not a JSON object of what metadata says: %w", err)
	}
	if decoder.More() {
		return said, errors.New("something stands behind the JSON object")
	}
	return said, said.check(c.Dev)
}

func (i installation) check(dev bool) error {
	for field, contact := range map[string]*models.InterfaceContact{"technicalContact": i.TechnicalContact, "supportContact": i.SupportContact} {
		if contact == nil {
			continue
		}
		if err := contact.Check(field); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		if contact.Email == "" {
			return fmt.Errorf("%s: an e-mail address is what is published", field)
		}
	}
	return i.Check("display", dev)
}

// contacts are those of the installation.
func (i installation) contacts() []saml.Contact {
	var all []saml.Contact
	for _, c := range []struct {
		kind saml.ContactKind
		who  *models.InterfaceContact
	}{{saml.TechnicalContact, i.TechnicalContact}, {saml.SupportContact, i.SupportContact}} {
		if c.who != nil {
			all = append(all, saml.Contact{Kind: c.kind, Name: c.who.Name, Email: c.who.Email})
		}
	}
	return all
}

// about is what the service provider's metadata says.
func (i installation) about() saml.About {
	return saml.About{UI: inMetadata(i.MetadataDisplay), Contacts: i.contacts()}
}

// About is what a platform's metadata as identity provider says: the partner's words, its contact when it said that this may be published,
// and whom of this installation to reach.
func (p *provide) About(ctx context.Context, platformID string) (saml.About, error) {
	config, err := p.exposure.ByPlatform(ctx, platformID)
	if err != nil {
		return saml.About{}, err
	}
	about := saml.About{UI: inMetadata(config.Display)}
	contact, err := p.exposure.PublishedContact(config)
	if err != nil {
		return saml.About{}, err
	}
	if contact != nil {
		about.Contacts = append(about.Contacts, saml.Contact{Kind: saml.TechnicalContact, Name: contact.Name, Email: contact.Email})
	}
	about.Contacts = append(about.Contacts, p.contacts...)
	return about, nil
}

// inMetadata gives a display the door's words.
func inMetadata(d models.MetadataDisplay) saml.UIInfo {
	ui := saml.UIInfo{
		DisplayNames: localized(d.DisplayNames), Descriptions: localized(d.Descriptions), InformationURLs: localized(d.InformationURLs),
		PrivacyStatementURLs: localized(d.PrivacyStatementURLs),
	}
	if d.Logo != nil {
		ui.Logos = []saml.Logo{saml.Logo(*d.Logo)}
	}
	return ui
}

func localized(texts []models.LocalizedText) []saml.Localized {
	var all []saml.Localized
	for _, text := range texts {
		all = append(all, saml.Localized(text))
	}
	return all
}

// shownOf is what metadata of others says for people, to be kept beside it.
func shownOf(ui saml.UIInfo) (names []models.LocalizedText, logos []models.MetadataLogo) {
	for _, name := range ui.DisplayNames {
		names = append(names, models.LocalizedText(name))
	}
	for _, logo := range ui.Logos {
		logos = append(logos, models.MetadataLogo(logo))
	}
	return names, logos
}

// requirementOf gives what a service provider's metadata asks for the name that the API has for it.
func requirementOf(requirement string) models.SubjectIDRequirement {
	return models.SubjectIDRequirement(strings.ToUpper(strings.ReplaceAll(requirement, "-", "_")))
}

// subjectScope is the scope of the scoped identifiers that platforms send: the setting, else the public host; empty when that is none.
func (c Config) subjectScope() string {
	if c.SubjectScope != "" {
		return c.SubjectScope
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || models.CheckSubjectScope(strings.ToLower(u.Hostname()), "public-url") != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func (c Config) checkSubjectScope() error {
	if c.SubjectScope == "" || models.CheckSubjectScope(c.SubjectScope, "subject-scope") == nil {
		return nil
	}
	return fmt.Errorf("setting subject-scope: %q is not 1 to 127 lower-case letters, digits, dots and hyphens", c.SubjectScope)
}
