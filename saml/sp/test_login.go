package sp

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// Names of the checks that come after those of package verify.
const (
	CheckPlatform   = "PLATFORM_ENABLED"
	CheckAttributes = "ATTRIBUTES" // each name once
	CheckPartner    = "PARTNER"    // bpId
)

var testTokens = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// beginTest uses the link's token up. A platform that is switched off may be tested: nobody is signed in.
func (h *Handler) beginTest(r *http.Request, platformID, token string) (string, error) {
	if h.cfg.Tests == nil || !testTokens.MatchString(token) {
		return "", refuse(saml.TestLinkInvalid, "")
	}
	id, err := h.cfg.Tests.BeginTest(r.Context(), platformID, token)
	if errors.Is(err, ErrUnknownRequest) || errors.Is(err, ErrExpired) {
		return "", refuse(saml.TestLinkInvalid, "")
	}
	return id, err
}

// finishTest judges the answer as a login would be judged and keeps what it found. It signs nobody in, binds nothing and uses the
// assertion up for nobody.
func (h *Handler) finishTest(w http.ResponseWriter, r *http.Request, v *visit, c Connection, p ParkedRequest, message []byte) error {
	want, err := h.expect(c, p)
	if err != nil {
		return err
	}
	report := TestReport{Report: verify.Examine(message, want)}
	note := func(name string, err error) {
		check := verify.Check{Name: name, Verdict: verify.Passed}
		if ref := (*saml.Refusal)(nil); errors.As(err, &ref) {
			check.Verdict, check.Reason, check.Detail = verify.Failed, ref.Reason, ref.Detail
		}
		report.Checks = append(report.Checks, check)
	}
	var disabled error
	if c.Disabled {
		disabled = refuse(saml.PlatformDisabled, "")
	}
	note(CheckPlatform, disabled)
	if report.Assertion == nil {
		for _, name := range append([]string{CheckAttributes}, fieldChecks()...) {
			report.Checks = append(report.Checks, verify.Check{Name: name, Verdict: verify.Skipped})
		}
	} else {
		sent, err := attributes(report.Assertion.AttributeStatements)
		note(CheckAttributes, err)
		a := Arrival{Attributes: sent}
		for _, f := range contract(c) {
			note(fieldCheck(f.name), f.fill(&a))
		}
		note(CheckPartner, checkPartner(c, a))
		report.Attributes = asSent(report.Assertion.AttributeStatements, contract(c))
	}
	v.accepted = saml.TestFinished
	return h.cfg.Tests.FinishTest(w, r, p.TestID, report)
}

func fieldCheck(name string) string { return "ATTRIBUTE_" + strings.ToUpper(name) }

func fieldChecks() []string {
	var all []string
	for _, f := range contract(Connection{}) {
		all = append(all, fieldCheck(f.name))
	}
	return append(all, CheckPartner)
}

// maxShown bounds what a report keeps of one attribute.
const maxShown = 32

func asSent(statements []crewjam.AttributeStatement, table []field) []TestAttribute {
	all := []TestAttribute{}
	for _, s := range statements {
		for _, attr := range s.Attributes {
			shown := TestAttribute{Name: attr.Name}
			if i := slices.IndexFunc(table, func(f field) bool { return f.attr == attr.Name }); i >= 0 {
				shown.Fills = table[i].name
			}
			for _, val := range attr.Values[:min(len(attr.Values), maxShown)] {
				shown.Values = append(shown.Values, strings.TrimSpace(val.Value))
			}
			all = append(all, shown)
		}
	}
	return all
}
