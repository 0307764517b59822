package app_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
)

var update = flag.Bool("update", false, "rewrite the table of settings in docs/configuration.md")

func TestCheckNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	if err := settings("sqlite:///tmp/x.db").Check(); err != nil {
		t.Fatalf("the settings that the other tests use are refused: %v", err)
	}
	for name, c := range map[string]struct {
		setting string
		spoil   func(*app.Config)
	}{
		"no public url":              {"public-url", func(c *app.Config) { c.PublicURL = "" }},
		"public url with a path":     {"public-url", func(c *app.Config) { c.PublicURL += "/shop" }},
		"public url with a query":    {"public-url", func(c *app.Config) { c.PublicURL += "?a=b" }},
		"public url with a name":     {"public-url", func(c *app.Config) { c.PublicURL = "https://a:b@sales.example.com" }},
		"public url without host":    {"public-url", func(c *app.Config) { c.PublicURL = "https://" }},
		"plain http":                 {"public-url", func(c *app.Config) { c.PublicURL = "http://sales.example.com" }},
		"another scheme, even dev":   {"public-url", func(c *app.Config) { c.PublicURL, c.Dev = "ftp://localhost", true }},
		"no database":                {"database-url", func(c *app.Config) { c.DatabaseURL = "" }},
		"no cache":                   {"cache-url", func(c *app.Config) { c.CacheURL = "" }},
		"no seal keys":               {"seal-keys", func(c *app.Config) { c.SealKeys = "" }},
		"a fee above the whole":      {"unsubscribe-fee", func(c *app.Config) { c.UnsubscribeFee = "1.01" }},
		"a fee with an exponent":     {"unsubscribe-fee", func(c *app.Config) { c.UnsubscribeFee = "1e-9" }},
		"a review below zero":        {"review-above", func(c *app.Config) { c.ReviewAbove = "-1" }},
		"a review of fractions":      {"review-above", func(c *app.Config) { c.ReviewAbove = "0.001" }},
		"failures outside dev":       {"simulator-failures", func(c *app.Config) { c.SimulatorFailures = "a=final" }},
		"an unknown failure":         {"simulator-failures", func(c *app.Config) { c.Dev, c.SimulatorFailures = true, "a=often" }},
		"listen without a port":      {"listen", func(c *app.Config) { c.Listen = "localhost" }},
		"metrics without a port":     {"metrics-listen", func(c *app.Config) { c.MetricsListen = "localhost" }},
		"profiles for strangers":     {"pprof-listen", func(c *app.Config) { c.PprofListen = "0.0.0.0:6060" }},
		"profiles on a name":         {"pprof-listen", func(c *app.Config) { c.PprofListen = "localhost:6060" }},
		"collector without scheme":   {"otlp-endpoint", func(c *app.Config) { c.OTLPEndpoint = "localhost:4318" }},
		"collector of another kind":  {"otlp-endpoint", func(c *app.Config) { c.OTLPEndpoint = "grpc://localhost:4317" }},
		"no connections":             {"max-conns", func(c *app.Config) { c.MaxConns = 0 }},
		"too many connections":       {"max-conns", func(c *app.Config) { c.MaxConns = 1001 }},
		"no depth":                   {"max-depth", func(c *app.Config) { c.MaxDepth = 0 }},
		"no aliases":                 {"max-aliases", func(c *app.Config) { c.MaxAliases = 0 }},
		"no root fields":             {"max-root-fields", func(c *app.Config) { c.MaxRootFields = -1 }},
		"no cost":                    {"max-cost", func(c *app.Config) { c.MaxCost = 0 }},
		"negative crowd":             {"max-in-flight", func(c *app.Config) { c.MaxInFlight = -1 }},
		"negative rate":              {"rate-limit", func(c *app.Config) { c.RateLimit = -1 }},
		"short window":               {"rate-window", func(c *app.Config) { c.RateWindow = time.Millisecond }},
		"short operation":            {"operation-timeout", func(c *app.Config) { c.OperationTimeout = time.Millisecond }},
		"long operation":             {"operation-timeout", func(c *app.Config) { c.OperationTimeout = time.Hour }},
		"short idle time":            {"session-idle", func(c *app.Config) { c.SessionIdle = time.Second }},
		"endless session":            {"session-life", func(c *app.Config) { c.SessionLife = 8760 * time.Hour }},
		"negative shutdown":          {"shutdown-timeout", func(c *app.Config) { c.ShutdownTimeout = -time.Second }},
		"endless shutdown delay":     {"shutdown-delay", func(c *app.Config) { c.ShutdownDelay = time.Hour }},
		"a proxy by name":            {"trusted-proxy", func(c *app.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "proxy.example.com"} }},
		"an unknown log level":       {"log-level", func(c *app.Config) { c.LogLevel = "loud" }},
		"an unknown log format":      {"log-format", func(c *app.Config) { c.LogFormat = "xml" }},
		"a mail server without from": {"mail-from", func(c *app.Config) { c.SMTPURL = "smtp://mail.example.com" }},
		"a mail server that is none": {"smtp-url", func(c *app.Config) { c.SMTPURL, c.MailFrom = "http://u:secret@mail.example.com", "a@example.com" }},
		"a mail folder, not dev":     {"smtp-url", func(c *app.Config) { c.SMTPURL, c.MailFrom = "file:///tmp/mail", "a@example.com" }},
		"a report for a minute":      {"report-validity", func(c *app.Config) { c.ReportValidity = time.Minute }},
		"a throttle of nobody":       {"relation-throttle", func(c *app.Config) { c.RelationThrottle = "eu" }},
		"a scope in capitals":        {"subject-scope", func(c *app.Config) { c.SubjectScope = "Sales.example.com" }},
		"a scope with an at":         {"subject-scope", func(c *app.Config) { c.SubjectScope = "a@sales.example.com" }},
		"no cloud":                   {"cloud", func(c *app.Config) { c.Cloud = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := settings("sqlite:///tmp/x.db")
			c.spoil(&cfg)
			err := cfg.Check()
			if err == nil || !strings.HasPrefix(err.Error(), "setting "+c.setting+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("want one error about %s, got %v", c.setting, err)
			}
		})
	}
}

func TestCheckNamesAllAtOnce(t *testing.T) {
	t.Parallel()
	err := app.Config{}.Check()
	for _, name := range []string{"public-url", "database-url", "cache-url", "seal-keys", "listen", "max-conns", "operation-timeout"} {
		if err == nil || !strings.Contains(err.Error(), "setting "+name+": ") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

// What only opening shows is named too, and refused before the database is touched.
func TestNewNamesWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	document := func(text string) string {
		path := filepath.Join(t.TempDir(), "documents.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		setting string
		spoil   func(*app.Config)
	}{
		"seal keys that are none":      {"seal-keys", func(c *app.Config) { c.SealKeys = "k1:short" }},
		"a database of another kind":   {"database-url", func(c *app.Config) { c.DatabaseURL = "mysql://root:secret@localhost/x" }},
		"a database that is away":      {"database-url", func(c *app.Config) { c.DatabaseURL = "postgres://u:secret@127.0.0.1:1/x" }},
		"a cache of another kind":      {"cache-url", func(c *app.Config) { c.CacheURL = "memcached://localhost" }},
		"documents that are not there": {"trusted-documents", func(c *app.Config) { c.TrustedDocuments = filepath.Join(t.TempDir(), "none.json") }},
		"documents that are a list":    {"trusted-documents", func(c *app.Config) { c.TrustedDocuments = document(`["{ viewer { kind } }"]`) }},
		"words that are not there":     {"saml-about", func(c *app.Config) { c.SAMLAbout = filepath.Join(t.TempDir(), "none.json") }},
		"words that are a list":        {"saml-about", func(c *app.Config) { c.SAMLAbout = document(`[]`) }},
		"a word that is none":          {"saml-about", func(c *app.Config) { c.SAMLAbout = document(`{"name": "x"}`) }},
		"two objects of words":         {"saml-about", func(c *app.Config) { c.SAMLAbout = document(`{} {}`) }},
		"a logo by http": {"saml-about", func(c *app.Config) {
			c.SAMLAbout = document(`{"displayNames": [{"language": "en", "text": "x"}], "logo": {"url": "http://x.example.com", "width": 1, "height": 1}}`)
		}},
		"a contact without an address":  {"saml-about", func(c *app.Config) { c.SAMLAbout = document(`{"technicalContact": {"name": "x", "phone": "1"}}`) }},
		"words without end":             {"saml-about", func(c *app.Config) { c.SAMLAbout = document(strings.Repeat(" ", 64<<10) + `{}`) }},
		"documents that would lift all": {"trusted-documents", func(c *app.Config) { c.TrustedDocuments = document(`null`) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := settings("sqlite://" + filepath.Join(t.TempDir(), "x.db"))
			c.spoil(&cfg)
			server, err := app.New(t.Context(), cfg, app.Options{LogOutput: io.Discard})
			if err == nil {
				t.Fatalf("it starts: %v", server.Close())
			}
			if !strings.HasPrefix(err.Error(), "setting "+c.setting+": ") || strings.Contains(err.Error(), "secret") {
				t.Errorf("want an error about %s without the password, got %v", c.setting, err)
			}
		})
	}
}

const tableBegin, tableEnd = "<!-- settings: made from the code by go test ./cmd/partnergraph/internal/app -run Configuration -update -->\n", "<!-- end of settings -->\n"

// TestConfigurationPage holds the table of docs/configuration.md to the struct that the program reads its settings into.
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	const path = "../../../../docs/configuration.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), tableBegin)
	have, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("%s has lost the marks around its table", path)
	}
	want := table(t)
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/configuration.md is out of date; run with -update (-want +have):\n%s", diff)
	}
}

// table writes one row per setting.
func table(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("\n| flag | environment | default | |\n|---|---|---|---|\n")
	for field := range reflect.TypeFor[app.Config]().Fields() {
		name := field.Tag.Get("name")
		if name == "" {
			name = strings.ToLower(field.Name)
		}
		env, help, fallback := field.Tag.Get("env"), field.Tag.Get("help"), field.Tag.Get("default")
		if !strings.HasPrefix(env, "PARTNERGRAPH_") || help == "" {
			t.Errorf("field %s has no env or no help", field.Name)
		}
		shown := "--" + name
		if _, negatable := field.Tag.Lookup("negatable"); negatable {
			shown = "--[no-]" + name
		}
		if fallback != "" {
			fallback = "`" + fallback + "`"
		}
		fmt.Fprintf(&out, "| `%s` | `%s` | %s | %s |\n", shown, env, fallback, help)
	}
	return out.String() + "\n"
}
