package torture_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// TestEveryMutationWithAKeyHasItsRow: what repeats safely must be shown to, and to leave nobody below zero.
func TestEveryMutationWithAKeyHasItsRow(t *testing.T) {
	t.Parallel()
	schema, rows := apitest.Schema(), apitest.MoneyMutations()
	for _, f := range apitest.Fields(schema.Mutation) {
		input := schema.Types[f.Arguments.ForName("input").Type.Name()]
		keyed := input.Fields.ForName("idempotencyKey") != nil
		if _, there := rows[f.Name]; there != keyed {
			t.Errorf("%s takes an idempotencyKey: %v; it has a row in apitest.MoneyMutations: %v", f.Name, keyed, there)
		}
		delete(rows, f.Name)
	}
	if len(rows) > 0 {
		t.Errorf("rows of no mutation: %v", names(rows))
	}
}

// TestTortureOneKey is R4 for every mutation that moves value: 50 equal calls at once have one effect and 50 equal answers;
// after the server was killed the key still gives that answer, and never one to another request.
func TestTortureOneKey(t *testing.T) {
	const times = 50
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		mutations := apitest.MoneyMutations()
		prepared := map[string]apitest.MoneyCalls{}
		fill(t, databaseURL, func(w *apitest.World) {
			for _, name := range names(mutations) {
				prepared[name] = mutations[name].Prepare(t, w, 1)
			}
		})
		s := serve(t, databaseURL)
		db := open(t, databaseURL)
		count := func(model any) int64 {
			t.Helper()
			n, err := db.NewSelect().Model(model).Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		happened := func(event models.EventType) int64 {
			t.Helper()
			n, err := db.NewSelect().Model((*models.Event)(nil)).Where("type = ?", event).Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		ask := func(name string, input map[string]any) apitest.Answer {
			input = maps.Clone(input)
			input["idempotencyKey"] = "R4-" + name
			return waiting(func() apitest.Answer {
				answer, err := s.ask(context.Background(), prepared[name].Key, document(name), map[string]any{"i": input})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				return answer
			})
		}
		first := map[string]string{}
		for _, name := range names(mutations) {
			event := mutations[name].Event
			before := [3]int64{count((*models.Transfer)(nil)), count((*models.IdempotencyKey)(nil)), happened(event)}
			answers := together(times, func(int) string { return same(ask(name, prepared[name].Input(0))) })
			first[name] = answers[0]
			if different := slices.Compact(slices.Sorted(slices.Values(answers))); len(different) != 1 {
				t.Errorf("%s: answers differ: %q", name, different)
			}
			after := [3]int64{count((*models.Transfer)(nil)), count((*models.IdempotencyKey)(nil)), happened(event)}
			want := [3]int64{before[0] + 1, before[1] + 1, before[2]}
			if event != "" { // in place of a transfer
				want = [3]int64{before[0], before[1] + 1, before[2] + 1}
			}
			if after != want {
				t.Errorf("%s: %d calls with one key left %v transfers, keys and events, want %v", name, times, after, want)
			}
		}
		// What was paid or given up is carried out a moment later.
		for until := time.Now().Add(20 * time.Second); time.Now().Before(until) && count((*models.OutboxRow)(nil)) > 0; {
			time.Sleep(50 * time.Millisecond)
		}
		transfers, events := count((*models.Transfer)(nil)), count((*models.Event)(nil))
		s.kill()
		s.start()
		conflicts := 0
		for _, name := range names(mutations) {
			if again := same(ask(name, prepared[name].Input(0))); again != first[name] || again[:2] != "[]" {
				t.Errorf("%s: after the crash %s, before it %s", name, again, first[name])
			}
			if other := ask(name, prepared[name].Other); slices.Equal(other.Codes(), []string{string(models.CodeConflict)}) {
				conflicts++
			} else {
				t.Errorf("%s with another body: %s", name, other.Body)
			}
		}
		if transfers != count((*models.Transfer)(nil)) || events != count((*models.Event)(nil)) {
			t.Error("a repetition or a refusal had an effect")
		}
		s.kill()
		s.audit()
		t.Logf("R4 %s: %d mutations, each %d times at once: 1 effect, %d equal answers, the same after a crash; %d conflicts for another body; audit clean: %v",
			engine(databaseURL), len(mutations), times, times, conflicts, !t.Failed())
	})
}

// The last money: what is in the account, and who asks for it how often.
const there, clients, each = 100, 64, 10

// TestTortureLastMoney is R6 for every mutation that takes from an account or sets money aside in it: 100 are there, 64 clients
// ask ten times for 1 each, or for all where one call alone can succeed.
func TestTortureLastMoney(t *testing.T) {
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		s := apitest.New(t, databaseURL, "memory:", apitest.Wide)
		w := apitest.Build(t, s)
		mutations, prepared := apitest.MoneyMutations(), map[string]apitest.MoneyCalls{}
		for _, name := range names(mutations) {
			if because := mutations[name].NoDebit; because != "" {
				t.Logf("%s takes from no account that can run dry: %s", name, because)
				continue
			}
			prepared[name] = mutations[name].Prepare(t, w, clients*each)
			w.Leave(t, prepared[name].Spends, there*100)
		}
		t.Run("race", func(t *testing.T) { // ends when all of them have
			for name, calls := range prepared {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					race(t, s, name, calls, mutations[name].OnlyOne)
					if now, least := lowest(t, w, calls.Spends); now != 0 || least != 0 {
						t.Errorf("%d can be spent, and %d at the lowest", now, least)
					}
				})
			}
		})
		s.Sound(t)
		t.Logf("R6 %s: %d mutations, each %d clients x %d debits of 1 from %d: exactly %d succeed (1 of all where one is under way at a time), lowest balance 0, no 5xx, audit clean: %v",
			engine(databaseURL), len(prepared), clients, each, there, there, !t.Failed())
	})
}

// race makes the calls of all clients at once and counts the answers.
func race(t *testing.T, s *apitest.Server, name string, calls apitest.MoneyCalls, onlyOne string) {
	t.Helper()
	counts := map[string]int{}
	for _, codes := range together(clients, func(client int) (codes []string) {
		for i := range each {
			input := maps.Clone(calls.Input(client*each + i))
			input["idempotencyKey"] = fmt.Sprintf("R6-%s-%d-%d", name, client, i)
			answer := waiting(func() apitest.Answer { return s.Ask(t, calls.Key, document(name), map[string]any{"i": input}) })
			codes = append(codes, fmt.Sprint(answer.Status, answer.Codes()))
		}
		return codes
	}) {
		for _, code := range codes {
			counts[code]++
		}
	}
	want := map[string]int{"200 []": there, "200 [INSUFFICIENT_BALANCE]": clients*each - there}
	if onlyOne != "" {
		want = map[string]int{"200 []": 1, "200 [PRECONDITION_FAILED]": clients*each - 1}
		t.Logf("takes all at once: %s", onlyOne)
	}
	if !maps.Equal(want, counts) {
		t.Errorf("answers %v, want %v", counts, want)
	}
}

// waiting asks again while too many others wait, as RATE_LIMITED tells clients to.
func waiting(ask func() apitest.Answer) apitest.Answer {
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		answer := ask()
		if !slices.Equal(answer.Codes(), []string{string(models.CodeRateLimited)}) || time.Now().After(until) {
			return answer
		}
	}
}
