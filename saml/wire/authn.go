package wire

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
)

const (
	// maxContexts bounds how many authentication contexts a request may name, maxText how long each and every other short text is.
	maxContexts = 16
	maxText     = 1024
)

// NoIndex says that a request names no consumer by index.
const NoIndex = -1

// AuthnRequest asks to sign a person in. Fields are as in the message; only their shape was checked.
type AuthnRequest struct {
	ID, Issuer, Destination string
	IssueInstant            time.Time
	// ACSURL and ACSIndex name the consumer: at most one of them is set, ACSIndex is NoIndex otherwise.
	ACSURL                string
	ACSIndex              int
	ProtocolBinding       string
	ForceAuthn, IsPassive bool
	// NameIDPolicy: absent parts are empty.
	NameIDFormat, SPNameQualifier string
	// Subject is the person that is asked for. HasSubject without a name: described in a way we do not read.
	HasSubject bool
	Subject    NameID
	// Contexts and Comparison are of RequestedAuthnContext. ContextDeclared: it names declarations, which nobody here knows.
	Contexts        []string
	Comparison      string
	ContextDeclared bool
	// Providers are the identity providers that the service provider would accept; none: any.
	Providers []string
}

// ParseAuthnRequest reads a message of which the caller knows where it comes from. The error is a *saml.Refusal.
func ParseAuthnRequest(message []byte) (AuthnRequest, error) {
	root, err := rootOf(message, "AuthnRequest")
	if err != nil {
		return AuthnRequest{}, err
	}
	q := AuthnRequest{
		ID: root.SelectAttrValue("ID", ""), Destination: root.SelectAttrValue("Destination", ""),
		ACSURL: root.SelectAttrValue("AssertionConsumerServiceURL", ""), ProtocolBinding: root.SelectAttrValue("ProtocolBinding", ""),
	}
	if q.Issuer, err = issuerOf(root); err != nil {
		return AuthnRequest{}, err
	}
	if q.IssueInstant, err = instant(root, "IssueInstant"); err != nil || q.IssueInstant.IsZero() {
		return AuthnRequest{}, refuse(saml.ResponseMalformed, "issue instant")
	}
	for name, into := range map[string]*bool{"ForceAuthn": &q.ForceAuthn, "IsPassive": &q.IsPassive} {
		if *into, err = boolean(root, name); err != nil {
			return AuthnRequest{}, err
		}
	}
	if err := q.readConsumer(root); err != nil {
		return AuthnRequest{}, err
	}
	if err := q.readSubject(root); err != nil {
		return AuthnRequest{}, err
	}
	if err := q.readDemands(root); err != nil {
		return AuthnRequest{}, err
	}
	return q, nil
}

// readConsumer holds the request to Core 3.4.1: an index excludes address and binding.
func (q *AuthnRequest) readConsumer(root *etree.Element) error {
	q.ACSIndex = NoIndex
	index := root.SelectAttr("AssertionConsumerServiceIndex")
	if index == nil {
		return nil
	}
	if root.SelectAttr("AssertionConsumerServiceURL") != nil || root.SelectAttr("ProtocolBinding") != nil {
		return refuse(saml.RequestInvalid, "consumer by index and by address")
	}
	n, err := strconv.ParseUint(strings.TrimSpace(index.Value), 10, 16)
	if err != nil {
		return refuse(saml.RequestInvalid, "consumer index")
	}
	q.ACSIndex = int(n)
	return nil
}

func (q *AuthnRequest) readSubject(root *etree.Element) error {
	subject, err := only(root, nsAssertion, "Subject")
	if err != nil || subject == nil {
		return err
	}
	q.HasSubject = true
	name, err := only(subject, nsAssertion, "NameID")
	if err != nil || name == nil {
		return err
	}
	q.Subject, err = nameOf(name)
	return err
}

// readDemands reads NameIDPolicy, RequestedAuthnContext and Scoping. Conditions are left alone: Core 3.4.1 lets us modify them, and our
// own are stricter than what anybody could ask for.
func (q *AuthnRequest) readDemands(root *etree.Element) error {
	policy, err := only(root, nsProtocol, "NameIDPolicy")
	if err != nil {
		return err
	}
	if policy != nil {
		q.NameIDFormat, q.SPNameQualifier = policy.SelectAttrValue("Format", ""), policy.SelectAttrValue("SPNameQualifier", "")
	}
	requested, err := only(root, nsProtocol, "RequestedAuthnContext")
	if err != nil {
		return err
	}
	if requested != nil {
		q.Comparison = requested.SelectAttrValue("Comparison", "exact")
		q.ContextDeclared = len(children(requested, nsAssertion, "AuthnContextDeclRef")) != 0
		for _, ref := range children(requested, nsAssertion, "AuthnContextClassRef") {
			q.Contexts = append(q.Contexts, strings.TrimSpace(ref.Text()))
		}
		if len(q.Contexts) > maxContexts || slices.ContainsFunc(q.Contexts, func(c string) bool { return c == "" || len(c) > 256 || strings.ContainsAny(c, " \t\r\n") }) {
			return refuse(saml.ResponseMalformed, "authentication contexts")
		}
	}
	scoping, err := only(root, nsProtocol, "Scoping")
	if err != nil || scoping == nil {
		return err
	}
	list, err := only(scoping, nsProtocol, "IDPList")
	if err != nil || list == nil {
		return err
	}
	for _, entry := range children(list, nsProtocol, "IDPEntry") {
		q.Providers = append(q.Providers, entry.SelectAttrValue("ProviderID", ""))
	}
	return nil
}

// Check judges issuer, address and time. A signed request must say where it goes (Bindings 3.4.5.2, 3.5.5.2), another may. The error is
// a *saml.Refusal.
func (q AuthnRequest) Check(want Expected, signed bool) error {
	if q.Destination == "" && !signed {
		want.Destination = ""
	}
	return want.check(q.Issuer, q.Destination, q.IssueInstant)
}

// UsableUntil is until when the same request would be accepted: keep its ID that long against replay.
func (q AuthnRequest) UsableUntil() time.Time { return q.IssueInstant.Add(maxAge + skew) }

// only returns the child of that name, nil when there is none. More than one is refused: readers differ on which one counts.
func only(e *etree.Element, ns, tag string) (*etree.Element, error) {
	found := children(e, ns, tag)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, refuse(saml.ResponseMalformed, "part repeated")
}

// nameOf reads a NameID element.
func nameOf(e *etree.Element) (NameID, error) {
	name := NameID{
		Value: strings.TrimSpace(e.Text()), Format: e.SelectAttrValue("Format", ""),
		NameQualifier: e.SelectAttrValue("NameQualifier", ""), SPNameQualifier: e.SelectAttrValue("SPNameQualifier", ""),
	}
	if name.Value == "" || len(e.ChildElements()) != 0 {
		return NameID{}, refuse(saml.ResponseMalformed, "name")
	}
	for _, text := range []string{name.Value, name.Format, name.NameQualifier, name.SPNameQualifier} {
		if len(text) > maxText {
			return NameID{}, refuse(saml.ResponseMalformed, "name")
		}
	}
	return name, nil
}

// boolean reads an optional xs:boolean.
func boolean(e *etree.Element, name string) (bool, error) {
	switch strings.TrimSpace(e.SelectAttrValue(name, "false")) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, refuse(saml.ResponseMalformed, name)
}
