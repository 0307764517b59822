package verify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"

	crewjam "github.com/crewjam/saml"
)

// agrees holds a report to the verdict on the same message: it may say more, and never something else.
func agrees(t testing.TB, report verify.Report, err error) {
	t.Helper()
	var names []string
	var first saml.Reason
	for _, c := range report.Checks {
		names = append(names, c.Name)
		if (c.Verdict == verify.Failed) != (c.Reason != "") {
			t.Errorf("%s: %s with reason %q", c.Name, c.Verdict, c.Reason)
		}
		if c.Verdict == verify.Failed && first == "" {
			first = c.Reason
		}
	}
	if diff := cmp.Diff(verify.Checks(), names); diff != "" {
		t.Error(diff)
	}
	if want := reason(t, err); first != want || report.OK() != (err == nil) {
		t.Errorf("the report fails first with %q, the verdict is %q", first, want)
	}
}

func TestExamineAgreesWithResponse(t *testing.T) {
	t.Parallel()
	for _, a := range attacks(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			message := a.message(t)
			_, err := verify.Response(message, expect(t))
			agrees(t, verify.Examine(message, expect(t)), err)
		})
	}
	for _, w := range samltest.Wrappings(samltest.RSA(t, "idp", 2048)) {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			root := w.Base.Element(t)
			w.Move(t, root)
			_, err := verify.Response(samltest.Write(t, root), expect(t))
			agrees(t, verify.Examine(samltest.Write(t, root), expect(t)), err)
		})
	}
}

func TestExamineShowsHowAMessageTravels(t *testing.T) {
	t.Parallel()
	const rsaSHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	sealed := samltest.Recipe{Key: samltest.RSA(t, "idp", 2048), Encrypt: samltest.Encrypt(t, samltest.RSA(t, "sp", 2048), samltest.Sealing{})}
	want := expect(t)
	want.AuthnContexts = []string{contextProtected}
	report := verify.Examine(sealed.Build(t), want)
	for _, c := range report.Checks {
		if c.Verdict != verify.Passed {
			t.Errorf("%s: %s %s", c.Name, c.Verdict, c.Reason)
		}
	}
	if !report.ResponseSigned || !report.AssertionSigned || !report.Encrypted || report.Assertion == nil {
		t.Errorf("%+v", report)
	}
	got := []string{report.ResponseSignatureMethod, report.AssertionSignatureMethod, report.EncryptionMethod, report.KeyTransport}
	methods := []string{rsaSHA256, rsaSHA256, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"}
	if diff := cmp.Diff(methods, got); diff != "" {
		t.Error(diff)
	}
	// What nobody asked for is not judged.
	report = verify.Examine(sealed.Build(t), expect(t))
	if last := report.Checks[len(report.Checks)-1]; last.Name != verify.CheckAuthnContext || last.Verdict != verify.Skipped {
		t.Errorf("%+v", last)
	}
}

// TestExamineGoesOn: everything that is wrong is said at once, and what the message says is shown although nobody vouches for it.
func TestExamineGoesOn(t *testing.T) {
	t.Parallel()
	message := samltest.Recipe{
		Key: samltest.RSA(t, "mallory", 2048), Response: func(r *crewjam.Response) { r.Destination = "https://else.example" },
		Assertion: func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions = nil
			a.IssueInstant = samltest.Now().Add(time.Hour)
		},
	}.Build(t)
	report := verify.Examine(message, expect(t))
	failed := map[string]saml.Reason{}
	for _, c := range report.Checks {
		if c.Verdict == verify.Failed {
			failed[c.Name] = c.Reason
		}
	}
	want := map[string]saml.Reason{
		verify.CheckResponseSignature: saml.SignatureInvalid, verify.CheckDestination: saml.DestinationMismatch, verify.CheckSignature: saml.SignatureInvalid,
		verify.CheckTime: saml.AssertionNotYetValid, verify.CheckAudience: saml.AudienceMismatch,
	}
	if diff := cmp.Diff(want, failed); diff != "" || report.Assertion == nil || report.OK() {
		t.Errorf("%s %v", diff, report.Assertion)
	}
}
