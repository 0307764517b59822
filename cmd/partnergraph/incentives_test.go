package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/examples/incentives"
)

func TestIncentivesLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url := "sqlite://" + filepath.Join(dir, "incentives.db")
	if code, _, stderr := run(t, "migrate", "--database-url", url); code != 0 {
		t.Fatal(stderr)
	}
	file, broken := filepath.Join(dir, "policies.json"), filepath.Join(dir, "broken.json")
	for path, content := range map[string]string{file: incentives.JSON, broken: strings.Replace(incentives.JSON, `"0.05"`, `"5"`, 1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := run(t, "incentives", "load", "--database-url", url, broken); code != 1 || !strings.Contains(stderr, "policies[0].tiers[0].rate") {
		t.Errorf("broken policies: exit %d: %s", code, stderr)
	}
	for _, want := range []string{" loaded example-1 ", " unchanged example-1 "} {
		if code, stdout, stderr := run(t, "incentives", "load", "--database-url", url, file); code != 0 || !strings.Contains(stdout, want) || !strings.HasPrefix(stdout, "ipv_") {
			t.Errorf("exit %d: %s%s, want%s", code, stdout, stderr, want)
		}
	}
}
