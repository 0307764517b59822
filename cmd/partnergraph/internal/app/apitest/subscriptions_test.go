package apitest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// firstEvent subscribes and returns the first answer of the stream.
func firstEvent(t *testing.T, url, key, document string) apitest.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := apitest.Answer{Status: resp.StatusCode, Header: resp.Header}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && answer.Body == "" {
		// A credential that is not valid is refused before there is a stream.
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok || strings.HasPrefix(lines.Text(), "{") {
			answer.Body = strings.TrimSpace(text)
		}
	}
	if err := json.Unmarshal([]byte(answer.Body), &answer); err != nil {
		t.Fatalf("%d %q: %v", answer.Status, answer.Body, err)
	}
	return answer
}

// subscriptionRows has a row for every subscription of the schema: its arguments that name somebody, by the prefix of their
// ids, a selection, and who sees what it names.
func subscriptionRows() map[string]struct {
	arguments map[string]string
	selection string
	sees      func(w *apitest.World, c apitest.Caller, id models.ID) bool
} {
	return map[string]struct {
		arguments map[string]string
		selection string
		sees      func(w *apitest.World, c apitest.Caller, id models.ID) bool
	}{
		"orderChanged": {
			map[string]string{"orderId": models.PrefixOrder}, "{id status total{amount}}",
			func(w *apitest.World, c apitest.Caller, id models.ID) bool { return w.Sees(c, id) },
		},
		"resourceChanged": {
			map[string]string{"resourceId": models.PrefixResource}, "{id status specCode expiresAt}",
			func(w *apitest.World, c apitest.Caller, id models.ID) bool { return w.Sees(c, id) },
		},
		"balanceChanged": {
			map[string]string{"partnerId": models.PrefixPartner, "customerId": models.PrefixCustomer},
			"{version available{amount} accounts{amount{amount}}}",
			func(w *apitest.World, c apitest.Caller, id models.ID) bool { return w.SeesBalance(c, id) },
		},
	}
}

// TestEverySubscriptionShowsItsOwnOnly subscribes as everybody to everybody's.
func TestEverySubscriptionShowsItsOwnOnly(t *testing.T) {
	t.Parallel()
	schema, rows := apitest.Schema(), subscriptionRows()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		server := httptest.NewServer(s.App.Handler)
		defer server.Close()
		for _, f := range apitest.Fields(schema.Subscription) {
			row, ok := rows[f.Name]
			if !ok {
				t.Errorf("subscriptionRows needs a row for %s", f.Name)
				continue
			}
			permission, guarded := apitest.Permission(f)
			if !guarded {
				t.Errorf("%s has no @auth", f.Name)
			}
			shown := 0
			for _, arg := range f.Arguments {
				prefix, ok := row.arguments[arg.Name]
				if !ok {
					t.Errorf("subscriptionRows needs %s.%s", f.Name, arg.Name)
				}
				for _, id := range w.IDs(prefix) {
					answer := firstEvent(t, server.URL+"/graphql", c.Key, fmt.Sprintf("subscription{%s(%s: %q)%s}", f.Name, arg.Name, id, row.selection))
					want := ""
					switch {
					case c.Void():
						want = "UNAUTHENTICATED"
					case !slices.Contains(c.Permissions(), permission):
						want = "FORBIDDEN"
					case !row.sees(w, c, id):
						want = "NOT_FOUND"
					}
					if got := strings.Join(answer.Codes(), " "); got != want || (want == "") != (answer.Data[f.Name] != nil) {
						t.Errorf("%s(%s: %s) as %s: %q %s, want %q", f.Name, arg.Name, id, c.Name, got, answer.Body, want)
					}
					wantNoLeak(t, w, c, f.Name, answer)
					if answer.Data[f.Name] != nil {
						shown++
					}
				}
			}
			if !c.Void() && shown == 0 {
				t.Errorf("%s shows %s nothing: the test proves nothing", f.Name, c.Name)
			}
		}
	})
}
