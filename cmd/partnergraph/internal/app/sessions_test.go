package app_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
)

var sessionRow = regexp.MustCompile(`\{"id":"(ses_\w+)","current":(true|false)\}`)

// as asks with a session's cookie.
func (s *server) as(t *testing.T, cookie, document string) answer {
	t.Helper()
	return s.query(t, document, "Cookie", cookie, "Origin", publicOrigin)
}

func TestPeopleListAndEndTheirSessions(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	const list = `{viewer{sessions{id current}}}`
	mine, other := s.cookieOf(t, "demo-bakery"), s.cookieOf(t, "demo-bakery")
	partner, operator := s.cookieOf(t, "partner"), s.cookieOf(t, "operator")
	sessions := func(cookie string) (current, others []string) {
		t.Helper()
		for _, row := range sessionRow.FindAllStringSubmatch(s.as(t, cookie, list).body, -1) {
			if row[2] == "true" {
				current = append(current, row[1])
			} else {
				others = append(others, row[1])
			}
		}
		return current, others
	}
	current, others := sessions(mine)
	if len(current) != 1 || len(others) != 1 {
		t.Fatalf("current %v, others %v", current, others)
	}
	if theirs, rest := sessions(other); len(theirs) != 1 || theirs[0] != others[0] || rest[0] != current[0] {
		t.Errorf("the other browser sees %v and %v", theirs, rest)
	}
	revoke := func(id string) string {
		return fmt.Sprintf(`mutation{revokeSession(input:{sessionId:%q}){session{id current}}}`, id)
	}
	const all = `mutation{revokeAllSessions(input:{}){revokedCount}}`
	partnersOwn, _ := sessions(partner)
	// Others' sessions are not found, whoever they are of, and nobody without a session has any to end.
	for name, got := range map[string]answer{
		"another person's": s.as(t, mine, revoke(partnersOwn[0])), "the partner's customer's": s.as(t, partner, revoke(others[0])),
		"all of another person": s.as(t, partner, `mutation{revokeAllSessions(input:{userId:"usr_01h455vb4pex5vsknk084sn02q"}){revokedCount}}`),
	} {
		if got.code(t) != "NOT_FOUND" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	for name, got := range map[string]answer{"one": s.query(t, revoke(current[0])), "all": s.query(t, all)} {
		if got.code(t) != "UNAUTHENTICATED" {
			t.Errorf("nobody ends %s: %s", name, got.body)
		}
	}
	key, err := s.Rooms.Identity.CreateKey(t.Context(), models.SystemPrincipal("test"), identity.CreateKey{Name: "operator's program"})
	if err != nil {
		t.Fatal(err)
	}
	bearer := "Bearer " + key.Secret
	if got := s.query(t, all, "Authorization", bearer); got.code(t) != "INVALID" {
		t.Errorf("a key ends all of its own: %s", got.body)
	}

	for range 2 {
		want := fmt.Sprintf(`{"session":{"id":%q,"current":false}}`, others[0])
		if got := s.as(t, mine, revoke(others[0])); !strings.Contains(got.body, want) {
			t.Errorf("ended: %s", got.body)
		}
	}
	if got := s.as(t, other, `{viewer{kind}}`); !strings.Contains(got.body, "ANONYMOUS") {
		t.Errorf("the ended browser is %s", got.body)
	}
	if got := s.query(t, revoke(partnersOwn[0]), "Authorization", bearer); !strings.Contains(got.body, partnersOwn[0]) {
		t.Errorf("an operator's program: %s", got.body)
	}
	if got := s.as(t, partner, `{viewer{kind}}`); !strings.Contains(got.body, "ANONYMOUS") {
		t.Errorf("whom an operator ended is %s", got.body)
	}
	again := s.cookieOf(t, "demo-bakery")
	if got := s.as(t, again, all); !strings.Contains(got.body, `{"revokedCount":2}`) {
		t.Errorf("all of the caller's: %s", got.body)
	}
	for _, cookie := range []string{mine, again} {
		if got := s.as(t, cookie, `{viewer{kind}}`); !strings.Contains(got.body, "ANONYMOUS") {
			t.Errorf("after all have ended: %s", got.body)
		}
	}
	fresh := s.cookieOf(t, "demo-bakery")
	person := regexp.MustCompile(`usr_\w+`).FindString(s.as(t, fresh, `{viewer{user{id}}}`).body)
	if got := s.as(t, operator, fmt.Sprintf(`mutation{revokeAllSessions(input:{userId:%q}){revokedCount}}`, person)); !strings.Contains(got.body, `{"revokedCount":1}`) {
		t.Errorf("an operator ends %s's: %s", person, got.body)
	}
	if got := s.as(t, fresh, `{viewer{kind}}`); !strings.Contains(got.body, "ANONYMOUS") {
		t.Errorf("after the operator: %s", got.body)
	}
}

func TestSigningKeysRotateThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	const fields = `{id state algorithm fingerprint certificate createdAt publishedAt expiresAt expiresSoon}`
	metadata := func() string { return s.ask(t, "GET", "/saml/sp/"+demo.PlatformID+"/metadata", "").body }
	certificate := func(body string) string {
		found := regexp.MustCompile(`-----BEGIN CERTIFICATE-----(.*?)-----END`).FindStringSubmatch(body)
		if found == nil {
			t.Fatalf("no certificate: %s", body)
		}
		return strings.ReplaceAll(found[1], `\n`, "")
	}
	metadata() // makes the first key
	cookie := s.cookieOf(t, "partner")
	partner := regexp.MustCompile(`par_\w+`).FindString(s.as(t, cookie, `{viewer{partner{id}}}`).body)
	publish := func(algorithm string) answer {
		return s.as(t, cookie, fmt.Sprintf(`mutation{publishNextSigningKey(input:{partnerId:%q%s}){signingKey%s}}`, partner, algorithm, fields))
	}
	ec := publish(`, algorithm: ECDSA_P256`)
	if strings.Contains(metadata(), certificate(ec.body)) {
		t.Error("the service provider advertises an ECDSA key (SDP-MD04)")
	}
	next := publish("")
	id := regexp.MustCompile(`skey_\w+`).FindString(next.body)
	if !strings.Contains(next.body, `"state":"NEXT","algorithm":"RSA_2048"`) || !strings.Contains(metadata(), certificate(next.body)) {
		t.Errorf("published %s", next.body)
	}
	activate := func(force string) answer {
		return s.as(t, cookie, fmt.Sprintf(`mutation{activateNextSigningKey(input:{signingKeyId:%q%s}){signingKey{id state}retiredSigningKey{state}}}`, id, force))
	}
	if got := activate(""); got.code(t) != "PRECONDITION_FAILED" || !strings.Contains(got.body, "SIGNING_KEY_TOO_FRESH") {
		t.Errorf("too early: %s", got.body)
	}
	if got := activate(", force: true"); !strings.Contains(got.body, `"state":"ACTIVE"},"retiredSigningKey":{"state":"RETIRED"}`) {
		t.Errorf("activated: %s", got.body)
	}
	if got := s.as(t, cookie, fmt.Sprintf(`mutation{retireSigningKey(input:{signingKeyId:%q}){signingKey{id}}}`, id)); !strings.Contains(got.body, "SIGNING_KEY_ACTIVE") {
		t.Errorf("retiring the active key: %s", got.body)
	}
	listed := s.as(t, cookie, `{viewer{partner{accessConfiguration{signingKeys`+fields+`}}}}`)
	states := regexp.MustCompile(`"state":"(\w+)"`).FindAllString(listed.body, -1)
	if strings.Join(states, " ") != `"state":"ACTIVE" "state":"NEXT" "state":"RETIRED"` || strings.Contains(listed.body, "PRIVATE") {
		t.Errorf("listed %s", listed.body)
	}
}
