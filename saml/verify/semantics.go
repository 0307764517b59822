package verify

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
)

const (
	formatEntity  = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
)

// checkEnvelope judges the Response element. Unless it was signed its word counts for nothing, but one that contradicts the
// login it answers is refused all the same.
func checkEnvelope(root *etree.Element, want Expect) error {
	if root.SelectAttrValue("Version", "") != "2.0" {
		return refuse(saml.VersionMismatch, "response")
	}
	if root.SelectAttrValue("ID", "") == "" {
		return refuse(saml.ResponseMalformed, "response without ID")
	}
	if root.SelectAttrValue("Destination", "") != want.ACS {
		return refuse(saml.DestinationMismatch, "")
	}
	if root.SelectAttrValue("InResponseTo", "") != want.RequestID {
		return refuse(saml.InResponseToMismatch, "response")
	}
	var issued crewjam.RelaxedTime
	if err := issued.UnmarshalText([]byte(root.SelectAttrValue("IssueInstant", ""))); err != nil {
		return refuse(saml.ResponseMalformed, "issue instant")
	}
	if err := checkIssued(time.Time(issued), want); err != nil {
		return err
	}
	if iss := child(root, nsAssertion, "Issuer"); iss != nil {
		if err := checkIssuer(iss.Text(), iss.SelectAttrValue("Format", ""), want); err != nil {
			return err
		}
	}
	return checkStatus(root)
}

func checkStatus(root *etree.Element) error {
	status := child(root, nsProtocol, "Status")
	if status == nil {
		return refuse(saml.ResponseMalformed, "no status")
	}
	codes := children(status, nsProtocol, "StatusCode")
	if len(codes) != 1 {
		return refuse(saml.ResponseMalformed, "no status")
	}
	if codes[0].SelectAttrValue("Value", "") != statusSuccess {
		return refuse(saml.StatusNotSuccess, "")
	}
	return nil
}

func checkIssuer(value, format string, want Expect) error {
	if strings.TrimSpace(value) != want.Issuer || want.Issuer == "" || format != "" && format != formatEntity {
		return refuse(saml.IssuerMismatch, "")
	}
	return nil
}

// checkIssued refuses answers from the future and answers that lay about for long.
func checkIssued(at time.Time, want Expect) error {
	switch {
	case at.IsZero():
		return refuse(saml.AssertionMalformed, "issue instant")
	case at.After(want.Now.Add(want.Skew)):
		return refuse(saml.AssertionNotYetValid, "issue instant")
	case at.Before(want.Now.Add(-want.MaxAge - want.Skew)):
		return refuse(saml.AssertionExpired, "issue instant")
	}
	return nil
}

// read checks the meaning of a verified assertion and fills in the result.
func (v Verified) read(e *etree.Element, want Expect) (Verified, error) {
	a, err := decode(e)
	if err != nil {
		return Verified{}, err
	}
	v.Assertion = a
	if a.Version != "2.0" {
		return Verified{}, refuse(saml.VersionMismatch, "assertion")
	}
	if a.ID == "" || len(a.ID) > 256 {
		return Verified{}, refuse(saml.AssertionMalformed, "ID")
	}
	if err := checkIssuer(a.Issuer.Value, a.Issuer.Format, want); err != nil {
		return Verified{}, err
	}
	if err := checkIssued(a.IssueInstant, want); err != nil {
		return Verified{}, err
	}
	confirmedUntil, err := checkSubject(a.Subject, want)
	if err != nil {
		return Verified{}, err
	}
	conditionsUntil, err := v.checkConditions(a.Conditions, child(e, nsAssertion, "Conditions"), want)
	if err != nil {
		return Verified{}, err
	}
	if err := v.checkAuthn(a.AuthnStatements, want); err != nil {
		return Verified{}, err
	}
	v.UsableUntil = usableUntil(confirmedUntil, conditionsUntil, a.IssueInstant, want)
	return v, nil
}

// usableUntil is the earliest of the three ends beyond which the same assertion would be refused anyway.
func usableUntil(confirmed, conditions, issued time.Time, want Expect) time.Time {
	until := confirmed
	if !conditions.IsZero() && conditions.Before(until) {
		until = conditions
	}
	if end := issued.Add(want.MaxAge); end.Before(until) {
		until = end
	}
	return until.Add(want.Skew)
}

// checkSubject looks for one bearer confirmation that fits (Profiles 4.1.4.2). The reason given is that of the last one tried.
func checkSubject(s *crewjam.Subject, want Expect) (until time.Time, err error) {
	if s == nil {
		return time.Time{}, refuse(saml.SubjectNotConfirmed, "no subject")
	}
	err = refuse(saml.SubjectNotConfirmed, "no bearer confirmation")
	for _, c := range s.SubjectConfirmations {
		if c.Method != methodBearer {
			continue
		}
		if err = checkBearer(c.SubjectConfirmationData, want); err == nil {
			return c.SubjectConfirmationData.NotOnOrAfter, nil
		}
	}
	return time.Time{}, err
}

func checkBearer(d *crewjam.SubjectConfirmationData, want Expect) error {
	switch {
	case d == nil:
		return refuse(saml.SubjectNotConfirmed, "no confirmation data")
	case d.Recipient != want.ACS:
		return refuse(saml.RecipientMismatch, "")
	case d.InResponseTo != want.RequestID || want.RequestID == "":
		return refuse(saml.InResponseToMismatch, "confirmation data")
	case !d.NotBefore.IsZero():
		return refuse(saml.SubjectNotConfirmed, "bearer with NotBefore")
	case d.NotOnOrAfter.IsZero():
		return refuse(saml.SubjectNotConfirmed, "bearer without NotOnOrAfter")
	case !want.Now.Add(-want.Skew).Before(d.NotOnOrAfter):
		return refuse(saml.AssertionExpired, "confirmation data")
	}
	return nil
}

// checkConditions reads the restrictions from the verified element, because the library's type keeps only one audience of each.
func (v *Verified) checkConditions(c *crewjam.Conditions, e *etree.Element, want Expect) (until time.Time, err error) {
	if c == nil || e == nil {
		return time.Time{}, refuse(saml.AssertionMalformed, "no conditions")
	}
	if !c.NotBefore.IsZero() && want.Now.Add(want.Skew).Before(c.NotBefore) {
		return time.Time{}, refuse(saml.AssertionNotYetValid, "conditions")
	}
	if !c.NotOnOrAfter.IsZero() && !want.Now.Add(-want.Skew).Before(c.NotOnOrAfter) {
		return time.Time{}, refuse(saml.AssertionExpired, "conditions")
	}
	restrictions := 0
	for _, r := range e.ChildElements() {
		switch {
		case r.NamespaceURI() == nsAssertion && r.Tag == "AudienceRestriction":
			// Several restrictions must all hold; within one, any audience will do (Core 2.5.1.4).
			restrictions++
			if !slices.ContainsFunc(children(r, nsAssertion, "Audience"), func(a *etree.Element) bool {
				return strings.TrimSpace(a.Text()) == want.Audience
			}) {
				return time.Time{}, refuse(saml.AudienceMismatch, "")
			}
		case r.NamespaceURI() == nsAssertion && r.Tag == "OneTimeUse" && !v.OneTimeUse:
			v.OneTimeUse = true
		case r.NamespaceURI() == nsAssertion && r.Tag == "ProxyRestriction":
			// Only limits what we might assert in turn; we assert nothing from it.
		default:
			return time.Time{}, refuse(saml.ConditionUnknown, "")
		}
	}
	if restrictions == 0 || want.Audience == "" {
		return time.Time{}, refuse(saml.AudienceMismatch, "no audience restriction")
	}
	return c.NotOnOrAfter, nil
}

func (v *Verified) checkAuthn(statements []crewjam.AuthnStatement, want Expect) error {
	if len(statements) == 0 {
		return refuse(saml.AuthnStatementMissing, "")
	}
	for _, s := range statements {
		if s.AuthnInstant.IsZero() {
			return refuse(saml.AssertionMalformed, "authentication instant")
		}
		if s.AuthnInstant.After(want.Now.Add(want.Skew)) {
			return refuse(saml.AssertionNotYetValid, "authentication instant")
		}
		if v.SessionIndex == "" {
			v.SessionIndex = s.SessionIndex
		}
		if s.SessionNotOnOrAfter == nil || s.SessionNotOnOrAfter.IsZero() {
			continue
		}
		if !want.Now.Add(-want.Skew).Before(*s.SessionNotOnOrAfter) {
			return refuse(saml.AssertionExpired, "session")
		}
		if v.SessionNotOnOrAfter.IsZero() || s.SessionNotOnOrAfter.Before(v.SessionNotOnOrAfter) {
			v.SessionNotOnOrAfter = *s.SessionNotOnOrAfter
		}
	}
	return nil
}
