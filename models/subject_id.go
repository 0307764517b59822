package models

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// The attributes of the OASIS subject identifier profile. Their values are id@scope, compared without regard to case.
const (
	AttributeSubjectID  = "urn:oasis:names:tc:SAML:attribute:subject-id"  // the same for whoever asks
	AttributePairwiseID = "urn:oasis:names:tc:SAML:attribute:pairwise-id" // another one for whoever asks
)

// IsSubjectID reports whether an attribute of this name holds a scoped identifier.
func IsSubjectID(attribute string) bool {
	return attribute == AttributeSubjectID || attribute == AttributePairwiseID
}

// subjectScope is the profile's grammar of a scope, in the form in which scopes are kept.
var subjectScope = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,126}$`)

// CheckSubjectScope returns INVALID for what is no scope in lower case: 1 to 127 letters, digits, dots and hyphens, the first a letter or
// digit.
func CheckSubjectScope(scope, field string) error {
	if subjectScope.MatchString(scope) {
		return nil
	}
	return Invalid(field, "A scope has 1 to 127 lower-case letters, digits, dots and hyphens, such as shop.example.com.")
}

// MaxAuthnContexts bounds how many authentication context classes a platform is asked for.
const MaxAuthnContexts = 8

// CheckAuthnContext returns INVALID for what is no authentication context class: an absolute URI of at most 256 characters.
func CheckAuthnContext(class, field string) error {
	u, err := url.Parse(class)
	odd := strings.ContainsFunc(class, func(c rune) bool { return c <= ' ' || c > unicode.MaxASCII || c == 0x7f })
	if err != nil || odd || len(class) > 256 || u.Scheme == "" || u.Opaque == "" && u.Host == "" {
		return Invalid(field, "An authentication context class is an absolute URI of at most 256 characters, such as urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport.")
	}
	return nil
}
