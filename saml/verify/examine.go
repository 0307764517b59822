package verify

import (
	"errors"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

// Names of the checks, in the order in which they are made. They are stable: reports are stored.
const (
	CheckShape             = "SHAPE"              // limits and form of the XML
	CheckResponseSignature = "RESPONSE_SIGNATURE" // of the whole response, when it has one
	CheckResponseHeader    = "RESPONSE_HEADER"    // version and ID
	CheckDestination       = "DESTINATION"        // the consumer address
	CheckInResponseTo      = "IN_RESPONSE_TO"     // our request
	CheckResponseTime      = "RESPONSE_TIME"
	CheckResponseIssuer    = "RESPONSE_ISSUER" // when it is named
	CheckStatus            = "STATUS"
	CheckDecryption        = "DECRYPTION"          // of an encrypted assertion
	CheckSignature         = "ASSERTION_SIGNATURE" // of the assertion, or of the response around it
	CheckHeader            = "ASSERTION_HEADER"    // version and ID
	CheckIssuer            = "ASSERTION_ISSUER"
	CheckTime              = "ASSERTION_TIME"
	CheckSubject           = "SUBJECT"    // a bearer confirmation with Recipient, InResponseTo and NotOnOrAfter
	CheckConditions        = "CONDITIONS" // the window of validity
	CheckAudience          = "AUDIENCE"   // and conditions that we do not know
	CheckAuthentication    = "AUTHENTICATION"
	CheckAuthnContext      = "AUTHN_CONTEXT" // the class, when some were asked for
)

// Checks returns the names in their order.
func Checks() []string {
	return []string{
		CheckShape, CheckResponseSignature, CheckResponseHeader, CheckDestination, CheckInResponseTo, CheckResponseTime, CheckResponseIssuer,
		CheckStatus, CheckDecryption, CheckSignature, CheckHeader, CheckIssuer, CheckTime, CheckSubject, CheckConditions, CheckAudience,
		CheckAuthentication, CheckAuthnContext,
	}
}

// Verdict is the outcome of one check.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "PASSED"
	Failed  Verdict = "FAILED"
	Skipped Verdict = "SKIPPED" // not applicable, or not reached because the message could not be read any further
)

// Check is one check and its outcome. Reason and Detail are those of a Refusal and quote nothing.
type Check struct {
	Name    string
	Verdict Verdict
	Reason  saml.Reason // of FAILED
	Detail  string
}

// Report is everything that can be said about a message.
type Report struct {
	// Checks are all of them in their order. The first that failed is the one for which Response refuses the message.
	Checks []Check
	// Assertion is what the message says; nil when nothing could be read. Unless OK, nobody vouches for a word of it: it may be shown,
	// never believed.
	Assertion *crewjam.Assertion

	ResponseSigned, AssertionSigned, Encrypted bool
	// The algorithms by their identifiers, as the message names them; empty where it has none.
	ResponseSignatureMethod, AssertionSignatureMethod, EncryptionMethod, KeyTransport string
}

// OK reports whether Response accepts the message.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if c.Verdict == Failed {
			return false
		}
	}
	return true
}

// Examine runs the checks of Response and goes on after one that failed, as far as the message can be read, so that somebody who sets
// a platform up sees all that is wrong at once. Whoever signs people in calls Response.
func Examine(message []byte, want Expect) Report {
	q := inquiry{want: want.withDefaults(), all: true}
	v := q.run(message)
	q.report.Assertion, q.report.ResponseSigned, q.report.Encrypted = v.Assertion, v.ResponseSigned, v.Encrypted
	for _, name := range Checks() {
		outcome, made := q.made[name]
		if !made {
			outcome = Check{Name: name, Verdict: Skipped}
		}
		q.report.Checks = append(q.report.Checks, outcome)
	}
	return q.report
}

// inquiry is one run of the pipeline.
type inquiry struct {
	want  Expect
	first error // of the first check that failed, a *Refusal
	// all goes on after a failed check and keeps every outcome.
	all    bool
	made   map[string]Check
	report Report
}

// must makes a check without which the rest cannot be made, and reports whether to go on.
func (q *inquiry) must(name string, check func() error) bool {
	q.check(name, check)
	return q.first == nil || q.all && q.made[name].Verdict == Passed
}

// check makes a check and reports whether to go on.
func (q *inquiry) check(name string, check func() error) bool {
	err := check()
	if err != nil && q.first == nil {
		q.first = err
	}
	if !q.all {
		return err == nil
	}
	outcome := Check{Name: name, Verdict: Passed}
	if ref := (*Refusal)(nil); errors.As(err, &ref) {
		outcome.Verdict, outcome.Reason, outcome.Detail = Failed, ref.Reason, ref.Detail
	}
	if q.made == nil {
		q.made = map[string]Check{}
	}
	q.made[name] = outcome
	return true
}

// run is the pipeline. What it returns counts for nothing once a check has failed.
func (q *inquiry) run(message []byte) (v Verified) {
	var root, assertion *etree.Element
	if !q.must(CheckShape, func() (err error) { root, err = readResponse(message); return err }) {
		return v
	}
	// From here on a signed response is replaced by what its signature covers; only an unsigned one is read as it came.
	if sig := child(root, nsDSig, "Signature"); sig != nil {
		v.ResponseSigned, q.report.ResponseSignatureMethod = true, signatureMethod(sig)
		if !q.check(CheckResponseSignature, func() error { return q.cover(&root) }) {
			return v
		}
	}
	if !q.envelope(root) {
		return v
	}
	v.Encrypted = q.noteEncryption(root)
	if open := func() (err error) { assertion, err = openAssertion(root, q.want); return err }; v.Encrypted {
		if !q.must(CheckDecryption, open) {
			return v
		}
	} else if err := open(); err != nil {
		// A refusal of the other side carries no assertion; that is no second fault.
		if q.first == nil {
			q.must(CheckShape, func() error { return err })
		}
		return v
	}
	if !q.check(CheckSignature, func() error { return q.coverAssertion(&assertion, v.ResponseSigned) }) {
		return v
	}
	q.read(&v, assertion)
	return v
}

func readResponse(message []byte) (*etree.Element, error) {
	root, err := xmlguard.ReadResponse(message)
	if err != nil {
		return nil, GuardRefusal(err)
	}
	return root, nil
}

// cover replaces a signed element by what its signature covers; when it covers nothing the element stays, for a report only.
func (q *inquiry) cover(e **etree.Element) error {
	_, verified, err := verifySigned(*e, q.want.Certificates)
	if err == nil {
		*e = verified
	}
	return err
}

func (q *inquiry) coverAssertion(assertion **etree.Element, responseSigned bool) error {
	sig := child(*assertion, nsDSig, "Signature")
	switch {
	case sig != nil:
		q.report.AssertionSigned, q.report.AssertionSignatureMethod = true, signatureMethod(sig)
		return q.cover(assertion)
	case !responseSigned:
		return refuse(saml.SignatureMissing, "neither assertion nor response is signed")
	}
	return nil
}

// noteEncryption reports whether the response carries an encrypted assertion, and notes how it is encrypted.
func (q *inquiry) noteEncryption(root *etree.Element) bool {
	sealed := child(root, nsAssertion, "EncryptedAssertion")
	if sealed == nil || !q.all {
		return sealed != nil
	}
	if data := child(sealed, nsXEnc, "EncryptedData"); data != nil {
		q.report.EncryptionMethod = algorithm(data)
		for _, key := range encryptedKeys(sealed, data) {
			q.report.KeyTransport = algorithm(key)
		}
	}
	return true
}

func signatureMethod(sig *etree.Element) string {
	if info := child(sig, nsDSig, "SignedInfo"); info != nil {
		if m := child(info, nsDSig, "SignatureMethod"); m != nil {
			return m.SelectAttrValue("Algorithm", "")
		}
	}
	return ""
}
