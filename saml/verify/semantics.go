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

// envelope judges the Response element. Unless it was signed its word counts for nothing, but one that contradicts the login it
// answers is refused all the same.
func (q *inquiry) envelope(root *etree.Element) bool {
	want := q.want
	return q.check(CheckResponseHeader, func() error {
		if root.SelectAttrValue("Version", "") != "2.0" {
			return refuse(saml.VersionMismatch, "response")
		}
		if root.SelectAttrValue("ID", "") == "" {
			return refuse(saml.ResponseMalformed, "response without ID")
		}
		return nil
	}) && q.check(CheckDestination, func() error {
		if root.SelectAttrValue("Destination", "") != want.ACS {
			return refuse(saml.DestinationMismatch, "")
		}
		return nil
	}) && q.check(CheckInResponseTo, func() error {
		if root.SelectAttrValue("InResponseTo", "") != want.RequestID {
			return refuse(saml.InResponseToMismatch, "response")
		}
		return nil
	}) && q.check(CheckResponseTime, func() error {
		var issued crewjam.RelaxedTime
		if err := issued.UnmarshalText([]byte(root.SelectAttrValue("IssueInstant", ""))); err != nil {
			return refuse(saml.ResponseMalformed, "issue instant")
		}
		return checkIssued(time.Time(issued), want)
	}) && q.responseIssuer(root) && q.check(CheckStatus, func() error { return checkStatus(root) })
}

func (q *inquiry) responseIssuer(root *etree.Element) bool {
	iss := child(root, nsAssertion, "Issuer")
	return iss == nil || q.check(CheckResponseIssuer, func() error {
		return checkIssuer(iss.Text(), iss.SelectAttrValue("Format", ""), q.want)
	})
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
func (q *inquiry) read(v *Verified, e *etree.Element) {
	want := q.want
	var a *crewjam.Assertion
	if !q.must(CheckHeader, func() (err error) { a, err = decode(e); return err }) {
		return
	}
	v.Assertion = a
	var confirmed time.Time
	conditions := child(e, nsAssertion, "Conditions")
	if q.check(CheckHeader, func() error { return checkHeader(a) }) &&
		q.check(CheckIssuer, func() error { return checkIssuer(a.Issuer.Value, a.Issuer.Format, want) }) &&
		q.check(CheckTime, func() error { return checkIssued(a.IssueInstant, want) }) &&
		q.check(CheckSubject, func() (err error) { confirmed, err = checkSubject(a.Subject, want); return err }) &&
		q.check(CheckConditions, func() error { return checkWindow(a.Conditions, want) }) &&
		q.check(CheckAudience, func() error { return v.checkRestrictions(conditions, want) }) &&
		q.check(CheckAuthentication, func() error { return v.checkAuthn(a.AuthnStatements, want) }) &&
		q.authnContext(a.AuthnStatements) && q.first == nil {
		v.UsableUntil = usableUntil(confirmed, a.Conditions.NotOnOrAfter, a.IssueInstant, want)
	}
}

func checkHeader(a *crewjam.Assertion) error {
	if a.Version != "2.0" {
		return refuse(saml.VersionMismatch, "assertion")
	}
	if a.ID == "" || len(a.ID) > 256 {
		return refuse(saml.AssertionMalformed, "ID")
	}
	return nil
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

func checkWindow(c *crewjam.Conditions, want Expect) error {
	switch {
	case c == nil:
		return refuse(saml.AssertionMalformed, "no conditions")
	case !c.NotBefore.IsZero() && want.Now.Add(want.Skew).Before(c.NotBefore):
		return refuse(saml.AssertionNotYetValid, "conditions")
	case !c.NotOnOrAfter.IsZero() && !want.Now.Add(-want.Skew).Before(c.NotOnOrAfter):
		return refuse(saml.AssertionExpired, "conditions")
	}
	return nil
}

// checkRestrictions reads the verified element, because the library's type keeps only one audience of each restriction.
func (v *Verified) checkRestrictions(e *etree.Element, want Expect) error {
	if e == nil {
		return refuse(saml.AssertionMalformed, "no conditions")
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
				return refuse(saml.AudienceMismatch, "")
			}
		case r.NamespaceURI() == nsAssertion && r.Tag == "OneTimeUse" && !v.OneTimeUse:
			v.OneTimeUse = true
		case r.NamespaceURI() == nsAssertion && r.Tag == "ProxyRestriction":
			// Only limits what we might assert in turn; we assert nothing from it.
		default:
			return refuse(saml.ConditionUnknown, "")
		}
	}
	if restrictions == 0 || want.Audience == "" {
		return refuse(saml.AudienceMismatch, "no audience restriction")
	}
	return nil
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

// authnContext holds the answer to the classes that were asked for. The comparison is exact: which class is the stronger one, nobody could say.
func (q *inquiry) authnContext(statements []crewjam.AuthnStatement) bool {
	if len(q.want.AuthnContexts) == 0 {
		return true
	}
	return q.check(CheckAuthnContext, func() error {
		if len(statements) == 0 {
			return refuse(saml.AuthnContextMismatch, "no statement")
		}
		// Each, because a session comes of all of them: a strong statement does not vouch for a weak one beside it.
		for _, s := range statements {
			switch ref := s.AuthnContext.AuthnContextClassRef; {
			case ref == nil || strings.TrimSpace(ref.Value) == "":
				return refuse(saml.AuthnContextMismatch, "no class")
			case !slices.Contains(q.want.AuthnContexts, strings.TrimSpace(ref.Value)):
				return refuse(saml.AuthnContextMismatch, "another class")
			}
		}
		return nil
	})
}
