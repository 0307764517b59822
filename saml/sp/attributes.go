package sp

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// field is one row of the attribute table (2.4).
type field struct {
	name     string // of the field, which is also the attribute's unless mapped
	attr     string // the attribute's name; attributes are found by Name alone: FriendlyName is decoration (IIP-SP11)
	into     func(*Arrival) *string
	max      int // characters
	required bool
	scopes   []string // of subject-id and pairwise-id
}

// contract is the attribute table under a platform's mapping.
func contract(c Connection) []field {
	m := c.Attributes
	table := []field{
		{"xUserId", m.XUserID, func(a *Arrival) *string { return &a.XUserID }, 128, true, nil},
		{"xAccountId", m.XAccountID, func(a *Arrival) *string { return &a.XAccountID }, 128, true, nil},
		{"bpId", m.BPID, func(a *Arrival) *string { return &a.BPID }, 64, true, nil},
		{"name", m.Name, func(a *Arrival) *string { return &a.Name }, 256, false, nil},
		{"email", m.Email, func(a *Arrival) *string { return &a.Email }, 254, false, nil},
		{"mobile", m.Mobile, func(a *Arrival) *string { return &a.Mobile }, 32, false, nil},
	}
	for i, f := range table {
		if f.attr == "" {
			table[i].attr = f.name
		}
		if saml.IsSubjectID(table[i].attr) {
			table[i].scopes = c.SubjectScopes
		}
	}
	return table
}

// fill puts a field's attribute into the arrival.
func (f field) fill(a *Arrival) error {
	values := a.Attributes[f.attr]
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		if f.required {
			return refuse(saml.AttributeMissing, f.name)
		}
		return nil
	}
	if len(values) != 1 || !acceptable(f.name, values[0], f.max) {
		return refuse(saml.AttributeInvalid, f.name)
	}
	value := values[0]
	if saml.IsSubjectID(f.attr) {
		var err error
		if value, err = f.inScope(value); err != nil {
			return err
		}
	}
	*f.into(a) = value
	return nil
}

// inScope reads a scoped identifier (SDP-SP16, SDP-SP17): its scope is one of those that the platform may speak for. It is kept in lower
// case, because who compares it does so without regard to case.
func (f field) inScope(value string) (string, error) {
	id, scope, ok := saml.ParseSubjectID(value)
	switch {
	case !ok:
		return "", refuse(saml.AttributeInvalid, f.name)
	case !slices.Contains(f.scopes, scope):
		return "", refuse(saml.ScopeMismatch, f.name)
	}
	return id + "@" + scope, nil
}

// arrive reads the person out of a verified assertion and holds the assertion to the partner who owns the platform.
func arrive(c Connection, p ParkedRequest, v verify.Verified) (Arrival, error) {
	a := Arrival{
		PlatformID: c.PlatformID, FirstLogin: p.FirstLogin, Service: p.Service, AssertionID: v.Assertion.ID,
		SessionIndex: v.SessionIndex, SessionNotOnOrAfter: v.SessionNotOnOrAfter,
	}
	if s := v.Assertion.Subject; s != nil && s.NameID != nil {
		a.NameID, a.NameIDFormat = s.NameID.Value, s.NameID.Format
		a.NameQualifier, a.SPNameQualifier = s.NameID.NameQualifier, s.NameID.SPNameQualifier
	}
	var err error
	if a.Attributes, err = attributes(v.Assertion.AttributeStatements); err != nil {
		return Arrival{}, err
	}
	for _, f := range contract(c) {
		if err := f.fill(&a); err != nil {
			return Arrival{}, err
		}
	}
	return a, checkPartner(c, a)
}

func checkPartner(c Connection, a Arrival) error {
	if c.PartnerBPID == "" || a.BPID != c.PartnerBPID {
		return refuse(saml.PartnerMismatch, "")
	}
	return nil
}

// attributes collects the statements by Name. A name that occurs twice is refused, since readers differ on which one counts.
func attributes(statements []crewjam.AttributeStatement) (map[string][]string, error) {
	out := map[string][]string{}
	for _, s := range statements {
		for _, attr := range s.Attributes {
			if _, twice := out[attr.Name]; twice || attr.Name == "" {
				return nil, refuse(saml.AttributeInvalid, "name repeated or empty")
			}
			values := make([]string, 0, len(attr.Values))
			for _, val := range attr.Values {
				values = append(values, strings.TrimSpace(val.Value))
			}
			out[attr.Name] = values
		}
	}
	return out, nil
}

// acceptable bounds a value of the contract. No control characters anywhere; in what identifies, also none of the invisible ones that
// make two different texts look the same (names may hold them: some scripts are written with joiners).
func acceptable(name, value string, limit int) bool {
	if utf8.RuneCountInString(value) > limit || strings.ContainsFunc(value, unicode.IsControl) {
		return false
	}
	return name == "name" || !strings.ContainsFunc(value, func(c rune) bool { return unicode.Is(unicode.Cf, c) })
}
