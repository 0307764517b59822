package apitest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

// wantInternal checks that a fault of ours says nothing but the request id, under which the log has all of it.
func wantInternal(t *testing.T, s *apitest.Server, answer apitest.Answer, hidden ...string) {
	t.Helper()
	if len(answer.Errors) != 1 || answer.Errors[0].Code() != "INTERNAL" {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	id := answer.Header.Get("X-Request-ID")
	if id == "" || answer.Errors[0].Extensions["requestId"] != id || !strings.Contains(answer.Errors[0].Message, id) {
		t.Errorf("the request id is %q: %s", id, answer.Body)
	}
	for _, text := range append(hidden, "SQL", "SELECT", "relation", "no such", "goroutine", ".go:", "store:") {
		if strings.Contains(answer.Body, text) {
			t.Errorf("%q is shown: %s", text, answer.Body)
		}
	}
	logged := slices.ContainsFunc(strings.Split(s.Log.String(), "\n"), func(line string) bool {
		return strings.Contains(line, id) && strings.Contains(line, `"level":"ERROR"`)
	})
	if !logged {
		t.Errorf("the log has no error under %s:\n%s", id, s.Log)
	}
}

// TestFaultsOfOursAreHidden breaks a table and a sealed value under a running server.
func TestFaultsOfOursAreHidden(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := w.DB.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec("UPDATE customers SET email_sealed = ? WHERE id = ?", []byte("not sealed by us"), b.Customer.ID)
		wantInternal(t, s, s.Ask(t, b.Key, "{viewer{customer{email}}}", nil), "seal", "email_sealed")
		other := w.Providers[1].Resale
		if answer := s.Ask(t, other.Key, "{viewer{customer{email}}}", nil); len(answer.Errors) > 0 {
			t.Errorf("another customer's is broken as well: %s", answer.Body)
		}

		exec("ALTER TABLE order_items RENAME TO elsewhere")
		broken := s.Ask(t, other.Key, `query($id: ID!){viewer{kind} order(id: $id){id items{id}}}`, map[string]any{"id": other.Waiting.ID})
		wantInternal(t, s, broken, "order_items")
		if broken.At("viewer", "kind") != "CUSTOMER_USER" {
			t.Errorf("the rest of the answer is lost: %s", broken.Body)
		}
		exec("ALTER TABLE elsewhere RENAME TO order_items")

		// A payment that fails at its last step leaves nothing behind.
		before := s.Fingerprint(t)
		exec("ALTER TABLE outbox RENAME TO elsewhere")
		failed := s.Ask(t, other.Key, payOrder, paying(other.Waiting.ID, "k"))
		exec("ALTER TABLE elsewhere RENAME TO outbox")
		wantInternal(t, s, failed, "outbox")
		if after := s.Fingerprint(t); after != before {
			t.Error("a payment that failed left something behind")
		}
		if again := s.Ask(t, other.Key, payOrder, paying(other.Waiting.ID, "k")); len(again.Errors) > 0 {
			t.Errorf("the key is not free again: %s", again.Body)
		}
		s.Sound(t)
	})
}

// TestADatabaseThatIsAwayIsUnavailable and not an empty list, nor a wrong key.
func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		if err := w.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for _, document := range []string{"{viewer{kind}}", "{customers{totalCount nodes{id}}}"} {
			answer := s.Ask(t, w.Providers[0].Key, document, nil)
			wantError(t, answer, "UNAVAILABLE", "", "")
			if answer.Status != 503 || strings.Contains(answer.Body, "sql") {
				t.Errorf("%d %s", answer.Status, answer.Body)
			}
		}
	})
}

// TestAnOperationThatTakesTooLongIsUnavailable: the deadline is the operation's, and its text says so.
func TestAnOperationThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		hold := make(chan struct{})
		held := make(chan struct{})
		done := make(chan error, 1)
		go func() { done <- w.HoldOrder(t.Context(), w.Providers[0].Resale.Waiting.ID, held, hold) }()
		<-held
		started := time.Now()
		b := w.Providers[0].Resale
		answer := s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, "k"))
		wantError(t, answer, "UNAVAILABLE", "", "")
		if took := time.Since(started); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		close(hold)
		if err := <-done; !errors.Is(err, apitest.ErrRolledBack) {
			t.Fatal(err)
		}
		if again := s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, "k")); len(again.Errors) > 0 {
			t.Errorf("once the lock is gone: %s", again.Body)
		}
		s.Sound(t)
	}, func(cfg *app.Config, _ *app.Options) { cfg.OperationTimeout = 2 * time.Second })
}
