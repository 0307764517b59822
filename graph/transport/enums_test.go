package transport

import (
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// TestExactEnumsSayWhere: the error of an enum that is not written as the schema has it names the value's place among the variables.
func TestExactEnumsSayWhere(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		enum Mode { RESALE REFERRAL }
		input Part { mode: Mode }
		input Whole { name: String parts: [Part!] }
		type Query { ask(whole: Whole, modes: [Mode!]): Int }`})
	op := gqlparser.MustLoadQueryWithRules(schema, `query($whole: Whole, $modes: [Mode!]) { ask(whole: $whole, modes: $modes) }`, rules.NewDefaultRules()).Operations[0]
	exact := &exactEnums{schema}
	part := func(mode any) any { return map[string]any{"mode": mode} }
	for where, variables := range map[string]map[string]any{
		"":                             {"whole": map[string]any{"name": "a", "parts": []any{part("RESALE"), part(nil)}}, "modes": "REFERRAL"},
		"variable.whole.parts[1].mode": {"whole": map[string]any{"parts": []any{part("RESALE"), part("resale")}}},
		"variable.whole.parts.mode":    {"whole": map[string]any{"parts": part(json.Number("1"))}},
		"variable.modes[0]":            {"modes": []any{"Referral"}},
	} {
		got := ""
		if err := exact.MutateOperationContext(t.Context(), &graphql.OperationContext{Operation: op, Variables: variables}); err != nil {
			got = err.Path.String()
		}
		if got != where {
			t.Errorf("%v: the error is at %q, want %q", variables, got, where)
		}
	}
}
