package sp

import (
	"strings"
	"unicode"
	"unicode/utf8"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// contract is the attribute table of domain 2.4. Attributes are found by Name alone: FriendlyName is decoration (IIP-SP11).
func contract(a *Arrival) []struct {
	name     string
	into     *string
	max      int // characters
	required bool
} {
	return []struct {
		name     string
		into     *string
		max      int
		required bool
	}{
		{"xUserId", &a.XUserID, 128, true},
		{"xAccountId", &a.XAccountID, 128, true},
		{"bpId", &a.BPID, 64, true},
		{"name", &a.Name, 256, false},
		{"email", &a.Email, 254, false},
		{"mobile", &a.Mobile, 32, false},
	}
}

// arrive reads the person out of a verified assertion and holds the assertion to the partner who owns the platform.
func arrive(c Connection, p ParkedRequest, v verify.Verified) (Arrival, error) {
	a := Arrival{
		PlatformID: c.PlatformID, FirstLogin: p.FirstLogin, Service: p.Service, AssertionID: v.Assertion.ID,
		SessionIndex: v.SessionIndex, SessionNotOnOrAfter: v.SessionNotOnOrAfter,
	}
	if s := v.Assertion.Subject; s != nil && s.NameID != nil {
		a.NameID, a.NameIDFormat = s.NameID.Value, s.NameID.Format
	}
	var err error
	if a.Attributes, err = attributes(v.Assertion.AttributeStatements); err != nil {
		return Arrival{}, err
	}
	for _, want := range contract(&a) {
		values := a.Attributes[want.name]
		if len(values) == 0 || len(values) == 1 && values[0] == "" {
			if want.required {
				return Arrival{}, refuse(saml.AttributeMissing, want.name)
			}
			continue
		}
		if len(values) != 1 || !acceptable(want.name, values[0], want.max) {
			return Arrival{}, refuse(saml.AttributeInvalid, want.name)
		}
		*want.into = values[0]
	}
	if c.PartnerBPID == "" || a.BPID != c.PartnerBPID {
		return Arrival{}, refuse(saml.PartnerMismatch, "")
	}
	return a, nil
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
