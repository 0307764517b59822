package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/store"
)

// The templates are built once per test binary. They are functions of the embedded files alone, so that sharing them
// shares no state between tests.
var (
	sqliteTemplate   = sync.OnceValues(buildSQLite)
	postgresTemplate = sync.OnceValues(buildPostgres)
)

// Each runs fn once on SQLite and once on PostgreSQL, as the parallel subtests "sqlite" and "postgres", each with a fresh,
// migrated database that is gone afterwards.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	each(t, fn, func(url string) string { return url })
}

// EachInText is Each where every statement has its values in its text, so that what HookLast keeps can be explained.
func EachInText(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	each(t, fn, InText)
}

// each opens PostgreSQL's database under an address that is made of its own.
func each(t *testing.T, fn func(t *testing.T, db *store.DB), postgres func(url string) string) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, Open(t, postgres(PostgresURL(t))))
	})
}

// SQLite returns a fresh, migrated SQLite database.
func SQLite(t *testing.T) *store.DB {
	t.Helper()
	return Open(t, SQLiteURL(t))
}

// Postgres returns a fresh, migrated PostgreSQL database.
func Postgres(t *testing.T) *store.DB {
	t.Helper()
	return Open(t, PostgresURL(t))
}

// SQLiteURL returns the url of a fresh, migrated SQLite file in t.TempDir, for tests that run the program itself.
func SQLiteURL(t *testing.T) string {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("storetest: %v", err)
	}
	return Template{file: content}.URL(t)
}

// PostgresURL returns the url of a fresh, migrated PostgreSQL database, dropped when the test ends.
func PostgresURL(t *testing.T) string {
	t.Helper()
	ServerURL(t)
	template, err := postgresTemplate()
	if err != nil {
		t.Fatalf("storetest: %v", err)
	}
	return Template{database: template}.URL(t)
}

// Template is a database that copies are made of. The zero value is none.
type Template struct {
	file     []byte // of SQLite
	database string // of PostgreSQL
}

// Freeze makes a template of the database at url, which nobody may have open. It outlives the test: see Drop.
func Freeze(t *testing.T, url string) Template {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("storetest: %v", err)
		}
		return Template{file: content}
	}
	return Template{database: copyOf(t, "frozen_", databaseOf(url))}
}

// URL returns the url of a copy, which is gone when the test ends.
func (m Template) URL(t *testing.T) string {
	t.Helper()
	if m.database == "" {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, m.file, 0o600); err != nil {
			t.Fatalf("storetest: %v", err)
		}
		return "sqlite://" + path
	}
	name := copyOf(t, "test_", m.database)
	t.Cleanup(func() {
		if err := admin(dropping(name)); err != nil {
			t.Errorf("storetest: %v", err)
		}
	})
	return withDatabase(ServerURL(t), name)
}

// Drop removes what Freeze has made.
func (m Template) Drop() error {
	if m.database == "" {
		return nil
	}
	return admin(dropping(m.database))
}

func copyOf(t *testing.T, prefix, template string) (name string) {
	t.Helper()
	name = prefix + strings.ToLower(rand.Text())
	if err := admin(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)); err != nil {
		t.Fatalf("storetest: %v", err)
	}
	return name
}

func dropping(name string) string { return "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)" }

// ServerURL returns TEST_DATABASE_URL. Without it the test fails: a test that is skipped proves nothing.
func ServerURL(t *testing.T) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		t.Fatal("storetest: TEST_DATABASE_URL is not set; run `make test`, which starts the servers that tests need")
	}
	return server
}

// Open opens the database at url and closes it when the test ends.
func Open(t *testing.T, url string, opts ...store.Option) *store.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, url, append([]store.Option{store.WithMaxOpen(8)}, opts...)...)
	if err != nil {
		t.Fatalf("storetest: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("storetest: close: %v", err)
		}
	})
	return db
}

// admin runs one statement on the server outside a transaction, as CREATE DATABASE wants. It has a context of its own: a test's has ended when
// cleaning up.
func admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, os.Getenv("TEST_DATABASE_URL"), store.WithMaxOpen(1))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func databaseOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return "" // store.Open refuses it with a reason
	}
	return strings.TrimPrefix(u.Path, "/")
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // store.Open refuses it with a reason
	}
	u.Path = "/" + name
	return u.String()
}

func buildSQLite() (content []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "template.db")
	db, err := store.Open(ctx, "sqlite://"+path)
	if err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, db); err != nil {
		_ = db.Close()
		return nil, err
	}
	// The last connection writes the log back into the file, which is then all there is.
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// buildPostgres makes the template database unless one with this history is there. It carries its final name only once
// it is complete, so that a test binary killed halfway leaves nothing that looks finished.
func buildPostgres() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	fingerprint, err := migrations.Fingerprint(store.Postgres)
	if err != nil {
		return "", err
	}
	name := "template_" + fingerprint
	server := os.Getenv("TEST_DATABASE_URL")
	db, err := store.Open(ctx, server, store.WithMaxOpen(1))
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	// Test binaries of several packages run at once; the lock ends with this only connection.
	if _, err := db.ExecContext(ctx, "SELECT pg_advisory_lock(hashtext(?))", name); err != nil {
		return "", err
	}
	var have int
	if err := db.NewRaw("SELECT count(*) FROM pg_database WHERE datname = ?", name).Scan(ctx, &have); err != nil || have > 0 {
		return name, err
	}
	return name, migrateTemplate(ctx, db, server, name)
}

func migrateTemplate(ctx context.Context, admin *store.DB, server, name string) error {
	draft := name + "_draft"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + draft + " WITH (FORCE)", "CREATE DATABASE " + draft} {
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	db, err := store.Open(ctx, withDatabase(server, draft))
	if err != nil {
		return err
	}
	_, err = migrations.Up(ctx, db)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	_, err = admin.ExecContext(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	return err
}
