package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/examples/companies"
)

func TestCompaniesLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url := "sqlite://" + filepath.Join(dir, "companies.db")
	if code, _, stderr := run(t, "migrate", "--database-url", url); code != 0 {
		t.Fatal(stderr)
	}
	n := strings.Count(companies.JSONL, "\n")
	file, broken := filepath.Join(dir, "companies.jsonl"), filepath.Join(dir, "broken.jsonl")
	for path, content := range map[string]string{file: companies.JSONL, broken: strings.Replace(companies.JSONL, `"status": "ACTIVE"`, `"status": "WELL"`, 1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := run(t, "companies", "load", "--database-url", url, broken)
	if code != 1 || !strings.Contains(stdout, "line 1: ") || !strings.Contains(stdout, "status: it is one of") || !strings.Contains(stderr, "1 lines were refused") {
		t.Errorf("a broken line: exit %d: %s%s", code, stdout, stderr)
	}
	for _, want := range []string{": 7 lines: 1 added, 0 replaced, 6 unchanged, 0 older, 0 refused", "nothing changed: 7 lines: 0 added, 0 replaced, 7 unchanged"} {
		if code, stdout, stderr := run(t, "companies", "load", "--database-url", url, "--label", "example", file); code != 0 || !strings.Contains(stdout, want) || n != 7 {
			t.Errorf("exit %d: %s%s, want %s", code, stdout, stderr, want)
		}
	}
	if code, _, _ := run(t, "companies", "load", "--database-url", url, filepath.Join(dir, "none.jsonl")); code != 1 {
		t.Errorf("no file: exit %d", code)
	}
	if code, _, stderr := run(t, "companies", "load", "--database-url", url, "--label", strings.Repeat("x", 101), file); code != 1 || !strings.Contains(stderr, "label") {
		t.Errorf("a long label: exit %d: %s", code, stderr)
	}
}
