package models

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// AttributeMapping names the attributes of an assertion in which a platform sends what a login needs (2.4). An empty name is the
// default. The first three are needed for a login.
type AttributeMapping struct {
	XUserID    string `json:"xUserId,omitempty"`
	XAccountID string `json:"xAccountId,omitempty"`
	BPID       string `json:"bpId,omitempty"`
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	Mobile     string `json:"mobile,omitempty"`
}

// DefaultAttributes are the names of the vendor's protocol (2.4).
func DefaultAttributes() AttributeMapping {
	return AttributeMapping{XUserID: "xUserId", XAccountID: "xAccountId", BPID: "bpId", Name: "name", Email: "email", Mobile: "mobile"}
}

// Complete fills what is empty with the defaults.
func (m AttributeMapping) Complete() AttributeMapping {
	defaults := DefaultAttributes()
	for i, name := range m.names() {
		if *name == "" {
			*name = *defaults.names()[i]
		}
	}
	return m
}

// Scoped reports whether people are identified by subject-id or pairwise-id, whose scope has to be one of the platform's.
func (m AttributeMapping) Scoped() bool { return IsSubjectID(m.XUserID) || IsSubjectID(m.XAccountID) }

func (m *AttributeMapping) names() []*string {
	return []*string{&m.XUserID, &m.XAccountID, &m.BPID, &m.Name, &m.Email, &m.Mobile}
}

// maxAttributeName bounds the name of an attribute, in characters.
const maxAttributeName = 256

// Check returns INVALID, naming the field below the given one, for a name that is too long or unprintable, and for two fields that
// would be filled by the same attribute.
func (m AttributeMapping) Check(field string) error {
	complete := m.Complete()
	seen := map[string]bool{}
	for i, part := range []string{"xUserId", "xAccountId", "bpId", "name", "email", "mobile"} {
		name := *complete.names()[i]
		switch {
		case utf8.RuneCountInString(name) > maxAttributeName || !utf8.ValidString(name):
			return Invalid(field+"."+part, "The name of an attribute has at most 256 characters.")
		case strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl):
			return Invalid(field+"."+part, "The name of an attribute has neither blanks around it nor control characters.")
		case seen[name]:
			return Invalid(field+"."+part, "Two fields cannot be filled by the same attribute.")
		case IsSubjectID(name) && i > 1:
			return Invalid(field+"."+part, "subject-id and pairwise-id identify: they fill xUserId or xAccountId.")
		}
		seen[name] = true
	}
	return nil
}
