package floors_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// absent in place of a fixed version says that a module must not be in the build list at all.
const absent = "absent"

// advisory is one line of advisories.txt.
type advisory struct {
	module, fixed, id string
}

func TestNoModuleHasAKnownAdvisory(t *testing.T) {
	t.Parallel()
	resolved := buildList(t)
	for _, known := range advisories(t) {
		version, used := resolved[known.module]
		switch {
		case known.fixed == absent && used:
			t.Errorf("%s %s is in the build list: %s", known.module, version, known.id)
		case known.fixed != absent && !used:
			t.Errorf("%s is not in the build list: a line about it guards nothing, take it out of advisories.txt", known.module)
		case known.fixed != absent && semver.Compare(version, known.fixed) < 0:
			t.Errorf("%s %s has %s, fixed in %s", known.module, version, known.id, known.fixed)
		}
	}
}

// A list that does not tell versions apart would pass whatever go.mod says.
func TestAdvisoriesTellVersionsApart(t *testing.T) {
	t.Parallel()
	for _, known := range advisories(t) {
		if known.fixed != absent && !semver.IsValid(known.fixed) {
			t.Errorf("%s: %q is no version, so that nothing is below it", known.id, known.fixed)
		}
		if !strings.Contains(known.id, "-") {
			t.Errorf("%s: %q is no advisory's id", known.module, known.id)
		}
	}
}

// advisories reads the list: module, fixed version and ids, with # before a remark.
func advisories(t *testing.T) []advisory {
	t.Helper()
	file, err := os.Open("advisories.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []advisory
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		switch len(fields) {
		case 0:
		case 3:
			list = append(list, advisory{module: fields[0], fixed: fields[1], id: fields[2]})
		default:
			t.Fatalf("advisories.txt: %q is not a module, a version and an id", lines.Text())
		}
	}
	if len(list) == 0 {
		t.Fatal("advisories.txt is empty")
	}
	return list
}

// buildList returns the version that each module of the build list resolves to, by the path it is imported by.
func buildList(t *testing.T) map[string]string {
	t.Helper()
	const format = `{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}`
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, "all")
	cmd.Dir, cmd.Stderr = root(t), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	resolved := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		resolved[path] = version
	}
	if len(resolved) < 20 {
		t.Fatalf("go list found %d modules, which is not the build list", len(resolved))
	}
	return resolved
}
