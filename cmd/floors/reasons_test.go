package floors_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reasoned are the folders and files whose reasons of PRECONDITION_FAILED a test holds to the table of docs/rules.md: those of relations
// between customers and partners and between partners, real-name verification, one-time codes, files, the access configuration, webhooks,
// payouts, benefits, brands and the register of companies.
func reasoned() []string {
	return []string{
		"models/association_request.go", "models/authorization.go", "models/customer_report.go", "models/customer_restriction.go", "models/invitation.go",
		"models/cooperation.go", "models/relation_block.go", "models/reseller_upgrade.go", "models/verification.go", "models/verification_code.go",
		"models/commercial_certification.go", "models/payout.go", "models/benefit.go", "models/brand.go", "models/capability.go", "models/mdf.go",
		"models/incentive_transfer.go", "models/staff_month.go", "models/staff_payment.go", "models/staff_scheme.go",
		"sales/benefits", "sales/brands", "sales/companies", "sales/customers", "sales/exposure", "sales/files", "sales/identity", "sales/partners", "sales/payouts", "sales/staff", "sales/verification", "sales/webhooks",
	}
}

// reason is one machine-readable reason, and what the code calls it: pkg.Name, or "".
type reason struct{ text, name string }

// TestEveryReasonIsDocumentedAndProduced: whoever adds a reason says in docs/rules.md what it means and what to do about it, and shows it in a test.
func TestEveryReasonIsDocumentedAndProduced(t *testing.T) {
	t.Parallel()
	documented := reasonRows(t)
	literals, names := namedInTests(t)
	found := map[string]bool{}
	for _, r := range reasons(t) {
		found[r.text] = true
		row, there := documented[r.text]
		switch {
		case !there:
			t.Errorf("%s has no row under Reasons in docs/rules.md", r.text)
		case slices.Contains(row[:], ""):
			t.Errorf("%s: docs/rules.md says neither what is wrong nor what to do: %q", r.text, row)
		}
		if !literals[r.text] && !names[r.name] {
			t.Errorf("no test names %s (%s)", r.text, r.name)
		}
	}
	for text := range documented {
		if !found[text] {
			t.Errorf("docs/rules.md has a row for %s, which nothing answers", text)
		}
	}
	if len(found) < 60 {
		t.Errorf("%d reasons were found: the walk misses some", len(found))
	}
}

// reasons parses them out of the code: what models.Precondition is called with, and the constants that become reasons by their words.
func reasons(t *testing.T) (all []reason) {
	t.Helper()
	for _, place := range reasoned() {
		paths := []string{filepath.Join(root(t), place)}
		if !strings.HasSuffix(place, ".go") {
			var err error
			if paths, err = filepath.Glob(filepath.Join(root(t), place, "*.go")); err != nil {
				t.Fatal(err)
			}
		}
		before := len(all)
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				all = append(all, reasonsIn(t, path)...)
			}
		}
		if len(all) == before {
			t.Errorf("%s has no reasons: take it out of the list", place)
		}
	}
	return all
}

func reasonsIn(t *testing.T, path string) (all []reason) {
	t.Helper()
	file := parsed(t, path)
	called := func(name string) string { return file.Name.Name + "." + name }
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			kind, _ := node.Type.(*ast.Ident)
			for i, value := range node.Values {
				if text := literal(value); kind != nil && text != "" && slices.Contains([]string{"RelationBlock", "CustomerRestrictionKind", "BenefitBlock"}, kind.Name) {
					all = append(all, reason{text, called(node.Names[i].Name)})
				}
				if text := precondition(value); text != "" {
					all = append(all, reason{text, called(node.Names[i].Name)})
				}
			}
		case *ast.CallExpr:
			if text := precondition(node); text != "" && !slices.ContainsFunc(all, func(r reason) bool { return r.text == text && r.name != "" }) {
				all = append(all, reason{text, ""})
			}
		}
		return true
	})
	return all
}

// precondition is the reason that a call of Precondition gives, or "".
func precondition(expr ast.Expr) string {
	call, ok := expr.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return ""
	}
	name := ""
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	if name != "Precondition" {
		return ""
	}
	return literal(call.Args[0])
}

func literal(expr ast.Expr) string {
	basic, ok := expr.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(basic.Value)
	if err != nil {
		return ""
	}
	return text
}

// namedInTests are all texts in tests, and all names of other packages that they use.
func namedInTests(t *testing.T) (literals, names map[string]bool) {
	t.Helper()
	literals, names = map[string]bool{}, map[string]bool{}
	for _, top := range []string{"models", "sales", "cmd", "pages", "session"} {
		err := filepath.WalkDir(filepath.Join(root(t), top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "reasons_test.go" {
				return err
			}
			ast.Inspect(parsed(t, path), func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.BasicLit:
					literals[literal(node)] = true
				case *ast.SelectorExpr:
					if pkg, ok := node.X.(*ast.Ident); ok {
						names[pkg.Name+"."+node.Sel.Name] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return literals, names
}

var reasonRow = regexp.MustCompile("^\\| `([A-Z_0-9]+)` \\| (.*?) \\| (.*?) \\|$")

// reasonRows reads the tables under Reasons: what is wrong, and what to do.
func reasonRows(t *testing.T) map[string][2]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root(t), "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, there := strings.Cut(string(content), "\n## Reasons\n")
	if !there {
		t.Fatal("docs/rules.md has no section Reasons")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string][2]string{}
	for line := range strings.Lines(section) {
		if row := reasonRow.FindStringSubmatch(strings.TrimRight(line, "\n")); row != nil {
			if _, twice := rows[row[1]]; twice {
				t.Errorf("docs/rules.md has two rows for %s", row[1])
			}
			rows[row[1]] = [2]string{strings.TrimSpace(row[2]), strings.TrimSpace(row[3])}
		}
	}
	return rows
}

func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
