package plan

import (
	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// mostKept bounds how many compiled selections are kept, each with the document that it is from.
	mostKept = 1000
	// longestKept is the length in bytes of the longest document of which any are.
	longestKept = 16 << 10
)

// kept are compiled selections of root fields that are the same for every request with the document. Documents that come often are parsed once, so that the
// field itself, as the parser made it, names its selection.
type kept struct {
	byField *lru.Cache[*ast.Field, *object]
}

func newKept() kept {
	byField, err := lru.New[*ast.Field, *object](mostKept)
	if err != nil {
		panic(err) // the size is a constant
	}
	return kept{byField}
}

// object is that of the compiler for what a root field selects on its type.
func (k kept) object(c compiler, of *objectType, root graphql.CollectedField) (*object, error) {
	// A field that stands in the document twice selects what its places select together, and which of them count may depend on variables.
	once := len(root.Selections) == len(root.SelectionSet)
	if once {
		if known, found := k.byField.Get(root.Field); found {
			return known, nil
		}
	}
	selected, err := c.object(of, root.Selections)
	if err == nil && once && len(c.operation.RawQuery) <= longestKept && selected.constant() && unconditional(root.Selections) {
		k.byField.Add(root.Field, selected)
	}
	return selected, err
}

// constant reports whether nothing in or below the object depends on arguments or on the rows.
func (o *object) constant() bool {
	for i := range o.fields {
		f := &o.fields[i]
		if len(f.args) > 0 || f.variants != nil || f.selected != nil && !f.selected.constant() {
			return false
		}
	}
	return true
}

// unconditional reports whether no directive stands anywhere in the selections. Fragments do not form circles: the document is valid.
func unconditional(selections ast.SelectionSet) bool {
	for _, selection := range selections {
		var directives ast.DirectiveList
		var below ast.SelectionSet
		switch s := selection.(type) {
		case *ast.Field:
			directives, below = s.Directives, s.SelectionSet
		case *ast.InlineFragment:
			directives, below = s.Directives, s.SelectionSet
		case *ast.FragmentSpread:
			if s.Definition == nil || len(s.Definition.Directives) > 0 {
				return false
			}
			directives, below = s.Directives, s.Definition.SelectionSet
		}
		if len(directives) > 0 || !unconditional(below) {
			return false
		}
	}
	return true
}
