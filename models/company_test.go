package models_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

func TestRegistrationsAreCheckedAndSpelledAlike(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ country, number, key, field string }{
		"a credit code":         {"CN", "91350100M000100Y43", "CN/91350100M000100Y43", ""}, // the example of GB 32100-2015
		"in small letters":      {"cn", " 9135 0100 m000 100y43 ", "CN/91350100M000100Y43", ""},
		"another check digit":   {"CN", "91350100M000100Y44", "", "registrationNumber"},
		"two digits exchanged":  {"CN", "91351000M000100Y43", "", "registrationNumber"},
		"a letter of no code":   {"CN", "91350100I000100Y43", "", "registrationNumber"},
		"too short":             {"CN", "91350100M000100Y4", "", "registrationNumber"},
		"letters for the place": {"CN", "9135010AM000100Y43", "", "registrationNumber"},
		"wide digits":           {"CN", "９1350100M000100Y43", "", "registrationNumber"},
		"another country":       {"DE", "HRB 12345", "DE/HRB12345", ""},
		"no country":            {"", "12345", "", "country"},
		"a long country":        {"CHN", "12345", "", "country"},
		"no number":             {"DE", "", "", "registrationNumber"},
		"only a hyphen":         {"DE", "-", "", "registrationNumber"},
		"endless":               {"DE", strings.Repeat("1", 41), "", "registrationNumber"},
		"endless spaces":        {"DE", strings.Repeat(" ", 100_000), "", "registrationNumber"},
		"a key of its own":      {"DE", "1#2", "", "registrationNumber"},
	} {
		got, err := models.ParseRegistration(c.country, c.number)
		e := models.AsError(err)
		switch {
		case c.field == "" && (err != nil || got.Key() != c.key):
			t.Errorf("%s: %q, %v", name, got.Key(), err)
		case c.field != "" && (e == nil || e.Code != models.CodeInvalid || e.Field != c.field):
			t.Errorf("%s: %v, want INVALID of %s", name, err, c.field)
		}
	}
}

// TestEveryCheckDigitIsTold: of the 31 last characters exactly one is right.
func TestEveryCheckDigitIsTold(t *testing.T) {
	t.Parallel()
	right := 0
	for _, last := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
		if _, err := models.ParseRegistration("CN", "91350100M000100Y4"+string(last)); err == nil {
			right++
		}
	}
	if right != 1 {
		t.Errorf("%d check digits are right", right)
	}
}

func TestNamesAreFoundByTheirWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"Yunfan Cloud Technology Co., Ltd.": {"cloud technology co ltd", "technology co ltd", "yunfan cloud technology co ltd"},
		"云帆（深圳）科技有限公司":                      {"云帆深圳科技有限公司", "圳科技有限公司", "帆深圳科技有限公司", "技有限公司", "深圳科技有限公司", "科技有限公司"},
		"ＡＢＣ云":                              {"abc云", "云"},
		"Limited":                           {"limited"},
		"有限公司":                              {"有限公司", "限公司"},
		"!!":                                nil,
	} {
		if diff := cmp.Diff(want, models.CompanyTerms(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, term := range models.CompanyTerms(strings.Repeat("云", 200)) {
		if n := len([]rune(term)); n > models.MaxCompanySearch {
			t.Errorf("a term of %d characters", n)
		}
	}
}

// TestGraphsStayInTheirBounds: what does not fit is left out with its relations, and said.
func TestGraphsStayInTheirBounds(t *testing.T) {
	t.Parallel()
	graph := models.NewCompanyGraph(models.Company{Key: "CN/0", Name: "hub"})
	var spokes []models.CompanyRelation
	for i := range models.MaxGraphNodes + 50 {
		key := "CN/" + strings.Repeat("1", i+1)
		spokes = append(spokes, models.CompanyRelation{ID: models.ID(key), Kind: models.RelationHolding, FromKey: "CN/0", ToKey: key, AsOf: "2026-11-01"})
	}
	newer := spokes[0]
	newer.ID, newer.AsOf, newer.ShareText = "newer", "2026-11-02", "7"
	fresh := graph.Grow(append(spokes, newer), 1)
	graph.Settle()
	if len(graph.Nodes) != models.MaxGraphNodes || len(fresh) != models.MaxGraphNodes-1 || !graph.Truncated {
		t.Errorf("%d nodes, %d of them new, truncated %v", len(graph.Nodes), len(fresh), graph.Truncated)
	}
	if len(graph.Edges) != models.MaxGraphNodes-1 || graph.Edges[0].ID != "newer" {
		t.Errorf("%d edges, the first %s: want one to each node, of the newest record", len(graph.Edges), graph.Edges[0].ID)
	}
}
