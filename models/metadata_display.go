package models

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LocalizedText is a text in one language.
type LocalizedText struct {
	Language string `json:"language"` // a BCP 47 tag; empty in metadata of others that names none
	Text     string `json:"text"`
}

// MetadataLogo is a picture that metadata points to. This server never fetches one.
type MetadataLogo struct {
	URL    string `json:"url"`    // https
	Width  int    `json:"width"`  // pixels, 1 to 4096
	Height int    `json:"height"` // pixels, 1 to 4096
}

// MetadataDisplay is what metadata that this server publishes says for people (mdui:UIInfo). An empty list is not published.
type MetadataDisplay struct {
	DisplayNames         []LocalizedText `json:"displayNames,omitempty"`         // at most 128 characters each
	Descriptions         []LocalizedText `json:"descriptions,omitempty"`         // at most 1024
	InformationURLs      []LocalizedText `json:"informationUrls,omitempty"`      // https
	PrivacyStatementURLs []LocalizedText `json:"privacyStatementUrls,omitempty"` // https
	Logo                 *MetadataLogo   `json:"logo,omitempty"`
}

// IsZero reports whether nothing is set.
func (d MetadataDisplay) IsZero() bool {
	return len(d.DisplayNames)+len(d.Descriptions)+len(d.InformationURLs)+len(d.PrivacyStatementURLs) == 0 && d.Logo == nil
}

const (
	maxLanguages = 8
	maxLogoSide  = 4096 // pixels
)

// languageTag is what of BCP 47 names a language: a primary language and up to three subtags.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$`)

// Check returns INVALID, naming the field below the given one, for what cannot be published: no name at all, more than 8 languages, a
// language twice, a text that is too long or unprintable, an address that is not https (with dev also http to this machine), a logo without
// a size. An empty display passes.
func (d MetadataDisplay) Check(field string, dev bool) error {
	if d.IsZero() {
		return nil
	}
	if len(d.DisplayNames) == 0 {
		return Invalid(field+".displayNames", "What is shown needs a name; leave all out to show nothing.")
	}
	plain := func(limit int) func(text, at string) error {
		return func(text, at string) error { return checkShown(text, at, limit) }
	}
	address := func(text, at string) error { return CheckWebURL(text, at, dev) }
	for _, list := range []struct {
		name  string
		texts []LocalizedText
		check func(text, at string) error
	}{
		{"displayNames", d.DisplayNames, plain(128)}, {"descriptions", d.Descriptions, plain(1024)}, {"informationUrls", d.InformationURLs, address},
		{"privacyStatementUrls", d.PrivacyStatementURLs, address},
	} {
		if err := checkTexts(list.texts, field+"."+list.name, list.check); err != nil {
			return err
		}
	}
	if d.Logo == nil {
		return nil
	}
	if side := min(d.Logo.Width, d.Logo.Height); side < 1 || max(d.Logo.Width, d.Logo.Height) > maxLogoSide {
		return Invalid(field+".logo", fmt.Sprintf("A logo has a width and a height of 1 to %d pixels.", maxLogoSide))
	}
	return CheckWebURL(d.Logo.URL, field+".logo.url", dev)
}

func checkTexts(texts []LocalizedText, at string, check func(text, at string) error) error {
	if len(texts) > maxLanguages {
		return Invalid(at, fmt.Sprintf("At most %d languages.", maxLanguages))
	}
	seen := map[string]bool{}
	for _, text := range texts {
		language := strings.ToLower(text.Language)
		switch {
		case !languageTag.MatchString(text.Language):
			return Invalid(at, "A language is a tag such as en or zh-CN.")
		case seen[language]:
			return Invalid(at, "Each language stands there once.")
		}
		seen[language] = true
		if err := check(text.Text, at); err != nil {
			return err
		}
	}
	return nil
}

func checkShown(text, at string, limit int) error {
	n := utf8.RuneCountInString(text)
	if n < 1 || n > limit || !utf8.ValidString(text) || strings.TrimSpace(text) != text || strings.ContainsFunc(text, unprintable) {
		return Invalid(at, fmt.Sprintf("A text has 1 to %d characters, none of them a control character, and no blanks around it.", limit))
	}
	return nil
}

// unprintable tells what XML cannot hold and what makes a line read otherwise than it is written.
func unprintable(c rune) bool {
	return unicode.IsControl(c) || c == 0xfffe || c == 0xffff || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// IDPFacts is what an identity provider's metadata says of it, read when the metadata was saved. It is shown and decides nothing.
type IDPFacts struct {
	EntityID     string          `json:"-"`
	DisplayNames []LocalizedText `json:"displayNames,omitempty"`
	Logos        []MetadataLogo  `json:"logos,omitempty"`
}
