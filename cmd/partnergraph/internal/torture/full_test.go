package torture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// disk is where a database lives, which can be filled up and made room on again.
type disk struct {
	fill, free func(t *testing.T, w *apitest.World)
}

// TestTortureFullDisk is R13: writes are refused with UNAVAILABLE, reads are served, and once there is room again writes go on
// and a repeated key takes effect as if nothing had been.
func TestTortureFullDisk(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { outOfSpace(t, storetest.SQLiteURL(t), disk{fill: fillSQLite, free: freeSQLite}) })
	t.Run("postgres", func(t *testing.T) {
		dir, ok := smallDisk(t)
		if !ok {
			return
		}
		var own servers.Servers
		t.Cleanup(func() {
			if err := own.Stop(); err != nil {
				t.Error(err)
			}
		})
		// Small segments, so that the log fits beside the tables.
		database, err := own.Postgres(t.Context(), servers.PostgresOptions{Durable: true, Parent: dir, Settings: []string{
			"shared_buffers=16MB", "max_wal_size=48MB", "min_wal_size=32MB", "autovacuum=off",
		}})
		if err != nil {
			t.Fatal(err)
		}
		ballast := filepath.Join(dir, "ballast")
		outOfSpace(t, database.URL(), disk{
			fill: func(t *testing.T, _ *apitest.World) { writeUntilFull(t, ballast) },
			free: func(t *testing.T, _ *apitest.World) {
				if err := os.Remove(ballast); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

func outOfSpace(t *testing.T, databaseURL string, d disk) {
	s := apitest.New(t, databaseURL, "memory:", migrating)
	w := apitest.Build(t, s)
	p := w.Providers[0]
	customer := p.Resale.Customer.ID
	fund := func(key int) apitest.Answer {
		return s.Ask(t, p.Key, document("fundCustomer"), map[string]any{"i": map[string]any{
			"customerId": customer, "amount": "0.01", "idempotencyKey": fmt.Sprint("R13-", key),
		}})
	}
	read := func() string {
		return same(s.Ask(t, p.Key, "{viewer{partner{balance{available{amount} version}}}}", nil))
	}
	if first := fund(-1); len(first.Errors) > 0 {
		t.Fatal(first.Body)
	}

	// Rows still fit into pages that are there; then there is no room for another page.
	d.fill(t, w)
	done, refused := 0, 0
	for ; refused == 0 && done < 20_000; done++ {
		switch answer := fund(done); {
		case len(answer.Errors) == 0:
		case answer.Codes()[0] == string(models.CodeUnavailable):
			refused++
			done--
		default:
			t.Fatalf("a full disk is answered with %s\n%s", answer.Body, s.Log)
		}
	}
	if refused == 0 {
		t.Fatalf("%d writes fitted on a full disk", done)
	}
	// Every further write is refused or fits, every read is served and says the same.
	before, fitted := read(), 0
	for key := done; key < done+20; key++ {
		switch answer := fund(key); {
		case len(answer.Errors) == 0:
			fitted++
		case answer.Codes()[0] == string(models.CodeUnavailable):
			refused++
		default:
			t.Errorf("a full disk is answered with %s\n%s", answer.Body, s.Log)
		}
	}
	if fitted == 0 && read() != before || !strings.HasPrefix(read(), "[]") {
		t.Errorf("reads on a full disk: %s, before the refusals %s", read(), before)
	}

	d.free(t, w)
	for key := range done + 20 { // those that were refused take effect now, the others answer again
		if answer := fund(key); len(answer.Errors) > 0 {
			t.Fatalf("with room again: %s\n%s", answer.Body, s.Log)
		}
	}
	transfers, err := w.DB.NewSelect().Model((*models.IdempotencyKey)(nil)).Where("ik.key LIKE 'R13-%'").Count(t.Context())
	if err != nil || transfers != int64(done)+21 {
		t.Errorf("%d keys took effect, want %d: %v", transfers, done+21, err)
	}
	s.Sound(t)
	t.Logf("R13 %s: %d writes fitted after the disk was full, %d refused with UNAVAILABLE, reads served; with room again all %d take effect once, audit clean: %v",
		engine(databaseURL), done, refused, done+21, !t.Failed())
}

// fillSQLite forbids the file to grow, on every connection of the pool: SQLite keeps this limit by connection.
func fillSQLite(t *testing.T, w *apitest.World) {
	var pages int
	if err := w.DB.NewRaw("PRAGMA page_count").Scan(t.Context(), &pages); err != nil {
		t.Fatal(err)
	}
	limitPages(t, w, pages)
}

func freeSQLite(t *testing.T, w *apitest.World) { limitPages(t, w, 1<<30) }

func limitPages(t *testing.T, w *apitest.World, pages int) {
	t.Helper()
	var all []bun.Conn
	defer func() {
		for _, conn := range all {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	for range w.DB.Stats().MaxOpenConnections { // all at once, so that each is another one
		conn, err := w.DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		if _, err := conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
}

// smallDisk mounts a disk of its own in memory. Where that is not allowed the proof does not run, and says so.
func smallDisk(t *testing.T) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	// The server's user must reach it.
	for parent := dir; parent != filepath.Dir(parent) && parent != os.TempDir(); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=192m,mode=1777", "tmpfs", dir).CombinedOutput()
	if err != nil {
		t.Logf("R13 postgres: NOT RUN: no small disk can be mounted here (%s, as uid %d): %v: %s", runtime.GOOS, os.Geteuid(), err, out)
		return "", false
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir, true
}

// writeUntilFull fills the disk that the file is on to its last block.
func writeUntilFull(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
}
