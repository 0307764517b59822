package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// programs is where TestMain has the programs built, once for all tests, when the first one wants them.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bench-ledger-test-")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var build = sync.OnceValue(func() error {
	for _, pkg := range []string{"cmd/partnergraph", "bench/floor"} {
		if _, err := process.Build(context.Background(), programs, "github.com/partnergraph/partnergraph/"+pkg); err != nil {
			return err
		}
	}
	return nil
})

// small is a run of a moment, on whatever servers the tests have.
func small(t *testing.T) *place {
	t.Helper()
	redis := os.Getenv("TEST_REDIS_URL")
	if redis == "" {
		t.Fatal("TEST_REDIS_URL is not set; run `make test`, which starts the servers that tests need")
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	at := &place{
		opts: options{
			duration: 200 * time.Millisecond, warm: 50 * time.Millisecond, rounds: 1, clients: 4, crowd: 16, inFlight: 8, pairs: 20, conns: 4,
			long: 600 * time.Millisecond, ours: filepath.Join(programs, "partnergraph"), floor: filepath.Join(programs, "floor"),
		},
		log: slog.New(slog.DiscardHandler), dir: t.TempDir(), flush: flushModel{Name: flushDisk},
		database: storetest.PostgresURL(t), redis: redis + "?prefix=" + rand.Text(), // the bench's keys are the same in every run
	}
	t.Cleanup(func() {
		if err := at.close(); err != nil {
			t.Error(err)
		}
	})
	if err := at.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return at
}

// Every shape runs, with floors that agree with ours and a ledger that is sound; the table names them all.
func TestShapes(t *testing.T) {
	t.Parallel()
	at := small(t)
	var results report
	for _, s := range shapes() {
		rows, err := s.run(t.Context(), at)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for _, one := range rows {
			if one.Ours.Done == 0 || len(one.Ours.Refused) > 0 || one.Floor != nil && (one.Floor.Done == 0 || len(one.Floor.Refused) > 0) {
				t.Errorf("%s: %+v beside %+v", one.Shape, one.Ours, one.Floor)
			}
		}
		results.Rows = append(results.Rows, rows...)
	}
	var table bytes.Buffer
	if err := results.print(&table); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"cold pairs", "hot account, 4 clients", "hot account, 8 in flight", "overload", "SQLite", "balance lookup, 8", "memory"} {
		if !strings.Contains(table.String(), word) {
			t.Errorf("the table lacks %q:\n%s", word, table.String())
		}
	}
}

// What would make figures worthless is noticed: money that was not acknowledged, a broken ledger, contestants that differ.
func TestWrongRunsFail(t *testing.T) {
	t.Parallel()
	at := small(t)
	ctx := t.Context()
	before, err := received(ctx, at.db)
	if err != nil {
		t.Fatal(err)
	}
	if err := sound(ctx, at.db, before, 0); err != nil {
		t.Errorf("nothing happened: %v", err)
	}
	if err := sound(ctx, at.db, before, 1); err == nil {
		t.Error("one was acknowledged, and nobody misses it")
	}
	report, err := (&ledger.Service{DB: at.db}).Audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ledger.Report{Accounts: 62, Transfers: 61, Entries: 122}, report); diff != "" {
		t.Errorf("the data set (-want +got):\n%s", diff)
	}
	p := at.data.cold[0]
	if err := at.agree(p); err != nil {
		t.Errorf("two that are right differ: %v", err)
	}
	if _, err := at.db.ExecContext(ctx, "UPDATE accounts SET revision = revision + 1 WHERE owner_id = ?", p.partner); err != nil {
		t.Fatal(err)
	}
	if err := at.agree(p); err != nil {
		t.Errorf("another version to begin with: %v", err)
	}
	// From here on ours refuses, and the floor, which knows no edge, goes on.
	if _, err := at.db.ExecContext(ctx, "UPDATE customers SET frozen = 'ACCOUNT' WHERE id = ?", p.customer); err != nil {
		t.Fatal(err)
	}
	if err := at.agree(p); err == nil || !strings.Contains(err.Error(), "ours") {
		t.Errorf("one that refuses agrees with one that does not: %v", err)
	}
	if _, err := at.db.ExecContext(ctx, "UPDATE accounts SET balance_minor = balance_minor + 1 WHERE owner_id = ?", p.customer); err != nil {
		t.Fatal(err)
	}
	now, err := received(ctx, at.db)
	if err != nil {
		t.Fatal(err)
	}
	if err := sound(ctx, at.db, now, 0); err == nil {
		t.Error("a balance from nowhere passes")
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-only", "cold,lukewarm"}, {"-flush", "2ms"}, {"-flush", ""}, {"-rounds", "0"}, {"-profile"}, {"-duration", "-1s"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v are taken", args)
		}
	}
	opts, err := parse([]string{"-only", "cold,hot", "-clients", "7"})
	if err != nil || opts.clients != 7 || !cmp.Equal(opts.only, []string{"cold", "hot"}) || !cmp.Equal(opts.flushes, []string{"disk", "1ms"}) {
		t.Errorf("%+v %v", opts, err)
	}
}
