package verify

import (
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
)

const nsInstance = "http://www.w3.org/2001/XMLSchema-instance"

// decode reads a verified element into the library's type, as the library's own decoder does, without writing it out and parsing it again
// for that. Parts are found by name and namespace. The error is a *Refusal.
func decode(e *etree.Element) (*crewjam.Assertion, error) {
	r := reader{}
	if e.Tag != "Assertion" || e.NamespaceURI() != nsAssertion {
		return nil, refuse(saml.AssertionMalformed, "not decoded")
	}
	a := &crewjam.Assertion{
		ID: attr(e, "ID"), IssueInstant: r.time(e, "IssueInstant"), Version: attr(e, "Version"),
	}
	if i := child(e, nsAssertion, "Issuer"); i != nil {
		a.Issuer = crewjam.Issuer{
			NameQualifier: attr(i, "NameQualifier"), SPNameQualifier: attr(i, "SPNameQualifier"), Format: attr(i, "Format"),
			SPProvidedID: attr(i, "SPProvidedID"), Value: text(i),
		}
	}
	a.Subject, a.Conditions = r.subject(e), r.conditions(e)
	for _, s := range children(e, nsAssertion, "AuthnStatement") {
		a.AuthnStatements = append(a.AuthnStatements, r.authn(s))
	}
	for _, s := range children(e, nsAssertion, "AttributeStatement") {
		a.AttributeStatements = append(a.AttributeStatements, statementOf(s))
	}
	if r.malformed {
		return nil, refuse(saml.AssertionMalformed, "not decoded")
	}
	return a, nil
}

// reader remembers whether something could not be read.
type reader struct{ malformed bool }

// time reads an instant; zero when there is none.
func (r *reader) time(e *etree.Element, name string) time.Time {
	var at crewjam.RelaxedTime
	if err := at.UnmarshalText([]byte(attr(e, name))); err != nil {
		r.malformed = true
	}
	return time.Time(at)
}

func (r *reader) subject(e *etree.Element) *crewjam.Subject {
	s := child(e, nsAssertion, "Subject")
	if s == nil {
		return nil
	}
	subject := &crewjam.Subject{NameID: nameIDOf(s)}
	for _, c := range children(s, nsAssertion, "SubjectConfirmation") {
		confirmation := crewjam.SubjectConfirmation{Method: attr(c, "Method"), NameID: nameIDOf(c)}
		if d := child(c, nsAssertion, "SubjectConfirmationData"); d != nil {
			confirmation.SubjectConfirmationData = &crewjam.SubjectConfirmationData{
				NotBefore: r.time(d, "NotBefore"), NotOnOrAfter: r.time(d, "NotOnOrAfter"), Recipient: attr(d, "Recipient"),
				InResponseTo: attr(d, "InResponseTo"), Address: attr(d, "Address"),
			}
		}
		subject.SubjectConfirmations = append(subject.SubjectConfirmations, confirmation)
	}
	return subject
}

// conditions reads the window alone: what restricts the audience is judged on the element, where nothing is lost.
func (r *reader) conditions(e *etree.Element) *crewjam.Conditions {
	c := child(e, nsAssertion, "Conditions")
	if c == nil {
		return nil
	}
	return &crewjam.Conditions{NotBefore: r.time(c, "NotBefore"), NotOnOrAfter: r.time(c, "NotOnOrAfter")}
}

func (r *reader) authn(s *etree.Element) crewjam.AuthnStatement {
	statement := crewjam.AuthnStatement{AuthnInstant: r.time(s, "AuthnInstant"), SessionIndex: attr(s, "SessionIndex")}
	if s.SelectAttr("SessionNotOnOrAfter") != nil {
		end := r.time(s, "SessionNotOnOrAfter")
		statement.SessionNotOnOrAfter = &end
	}
	if c := child(s, nsAssertion, "AuthnContext"); c != nil {
		if ref := child(c, nsAssertion, "AuthnContextClassRef"); ref != nil {
			statement.AuthnContext.AuthnContextClassRef = &crewjam.AuthnContextClassRef{Value: text(ref)}
		}
	}
	return statement
}

func statementOf(s *etree.Element) crewjam.AttributeStatement {
	var statement crewjam.AttributeStatement
	for _, e := range children(s, nsAssertion, "Attribute") {
		attribute := crewjam.Attribute{FriendlyName: attr(e, "FriendlyName"), Name: attr(e, "Name"), NameFormat: attr(e, "NameFormat")}
		for _, v := range children(e, nsAssertion, "AttributeValue") {
			attribute.Values = append(attribute.Values, crewjam.AttributeValue{Type: typeOf(v), Value: text(v), NameID: nameIDOf(v)})
		}
		statement.Attributes = append(statement.Attributes, attribute)
	}
	return statement
}

func nameIDOf(e *etree.Element) *crewjam.NameID {
	n := child(e, nsAssertion, "NameID")
	if n == nil {
		return nil
	}
	return &crewjam.NameID{
		NameQualifier: attr(n, "NameQualifier"), SPNameQualifier: attr(n, "SPNameQualifier"), Format: attr(n, "Format"),
		SPProvidedID: attr(n, "SPProvidedID"), Value: text(n),
	}
}

// typeOf returns the xsi:type, which decides nothing here.
func typeOf(e *etree.Element) string {
	for i := range e.Attr {
		if a := &e.Attr[i]; a.Key == "type" && a.Space != "" && a.NamespaceURI() == nsInstance {
			return a.Value
		}
	}
	return ""
}

// attr returns an attribute without a prefix: SelectAttr would take one of any.
func attr(e *etree.Element, name string) string {
	for i := range e.Attr {
		if e.Attr[i].Space == "" && e.Attr[i].Key == name {
			return e.Attr[i].Value
		}
	}
	return ""
}

// text returns all character data directly inside, also around elements.
func text(e *etree.Element) string {
	if len(e.Child) == 1 {
		if only, ok := e.Child[0].(*etree.CharData); ok {
			return only.Data
		}
	}
	var out strings.Builder
	for _, token := range e.Child {
		if data, ok := token.(*etree.CharData); ok {
			out.WriteString(data.Data)
		}
	}
	return out.String()
}
