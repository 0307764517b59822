package saml

import (
	"regexp"
	"strings"
)

// The attributes of the OASIS SAML V2.0 Subject Identifier Attributes Profile. Their values are id@scope, compared without regard to case.
const (
	SubjectID  = "urn:oasis:names:tc:SAML:attribute:subject-id"  // the same for every service provider
	PairwiseID = "urn:oasis:names:tc:SAML:attribute:pairwise-id" // another one for every service provider
	// SubjectIDRequirement is the entity attribute by which a service provider says which of them it needs.
	SubjectIDRequirement = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
)

// The values of SubjectIDRequirement.
const (
	RequireSubjectID  = "subject-id"
	RequirePairwiseID = "pairwise-id"
	RequireAny        = "any"  // either will do
	RequireNone       = "none" // neither is wanted
)

// IsSubjectID reports whether an attribute of this name holds a scoped identifier.
func IsSubjectID(attribute string) bool { return attribute == SubjectID || attribute == PairwiseID }

// subjectIDs is the profile's grammar (3.3 and 3.4): ASCII alone, so that nothing else is made an ASCII letter by folding its case.
var subjectIDs = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9=-]{0,126})@([A-Za-z0-9][A-Za-z0-9.-]{0,126})$`)

// ParseSubjectID splits the value of a scoped identifier and returns both parts in lower case; ok is false for what is none.
func ParseSubjectID(value string) (id, scope string, ok bool) {
	parts := subjectIDs.FindStringSubmatch(value)
	if parts == nil {
		return "", "", false
	}
	return strings.ToLower(parts[1]), strings.ToLower(parts[2]), true
}
