package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/examples/catalogue"
)

func TestCatalogLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url := "sqlite://" + filepath.Join(dir, "catalog.db")
	if code, _, stderr := run(t, "migrate", "--database-url", url); code != 0 {
		t.Fatal(stderr)
	}
	file, broken := filepath.Join(dir, "catalogue.json"), filepath.Join(dir, "broken.json")
	for path, content := range map[string]string{file: catalogue.JSON, broken: strings.Replace(catalogue.JSON, `"currency": "CNY"`, `"currency": "EUR"`, 1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := run(t, "catalog", "load", "--database-url", url, broken); code != 1 || !strings.Contains(stderr, "prices[0].currency") {
		t.Errorf("a broken catalogue: exit %d: %s", code, stderr)
	}
	for _, want := range []string{" loaded example-1 ", " unchanged example-1 "} {
		if code, stdout, stderr := run(t, "catalog", "load", "--database-url", url, file); code != 0 || !strings.Contains(stdout, want) || !strings.HasPrefix(stdout, "ctv_") {
			t.Errorf("exit %d: %s%s, want%s", code, stdout, stderr, want)
		}
	}
	if code, _, _ := run(t, "catalog", "load", "--database-url", url, filepath.Join(dir, "none.json")); code != 1 {
		t.Errorf("no file: exit %d", code)
	}
}
