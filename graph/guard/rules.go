package guard

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Rules returns a fresh set of validation rules: the default ones, of which two take more than linear time and are
// treated apart. MaxIntrospectionDepth walks a chain of fragments once per path; the guard's own limits replace it.
// OverlappingFieldsCanBeMerged compares fields pairwise through fragments, and so runs only on documents whose
// structure is within the limits. The errors of the limits wrap a *LimitError.
//
// Without suggestions no message proposes a name of the schema: a switch for servers that hide their schema, to be used
// together with handler.Server.SetDisableSuggestion.
//
// Give it to handler.Server.SetValidationRulesFn.
func (g *Guard) Rules(suggestions bool) *rules.Rules {
	r := rules.NewDefaultRules()
	if !suggestions {
		r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
		r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	}
	r.RemoveRule(rules.MaxIntrospectionDepth.Name)
	r.RemoveRule(rules.OverlappingFieldsCanBeMergedRule.Name)
	r.AddRule("DocumentLimits", g.documentLimits)
	return r
}

// documentLimits checks the structure of all operations at the first event, and then lets the costly rule run.
func (g *Guard) documentLimits(events *core.Events, addError core.AddErrFunc) {
	done := false
	events.OnOperation(func(walker *core.Walker, _ *ast.OperationDefinition) {
		if done {
			return
		}
		done = true
		m := newMeasurer(g.cfg, walker.Document, nil)
		m.sizes = map[*ast.Field]int{}
		for _, op := range walker.Document.Operations {
			if limit := g.cfg.structure(m.operation(op)); limit != nil {
				addError(func(err *gqlerror.Error) { *err = *limit.GraphQL() })
				return
			}
		}
		// Fragments in a circle have no structure to compare; NoFragmentCycles reports them.
		if m.cycle != "" {
			return
		}
		// A fragment nobody spreads has not been looked at yet.
		for _, f := range walker.Document.Fragments {
			if s := m.fragment(f.Name); s.fields > g.cfg.Fields || s.spreads > g.cfg.FragmentSpreads || s.nesting > g.cfg.Nesting {
				return
			}
		}
		if m.cycle != "" {
			return
		}
		if actual := m.overlap(); actual > g.cfg.Overlap {
			limit := LimitError{"overlap", g.cfg.Overlap, actual}
			addError(func(err *gqlerror.Error) { *err = *limit.GraphQL() })
			return
		}
		var costly core.Events
		rules.OverlappingFieldsCanBeMergedRule.RuleFunc(&costly, addError)
		core.Walk(walker.Schema, walker.Document, &costly)
	})
}
