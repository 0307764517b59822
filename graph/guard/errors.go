package guard

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// CodeTooComplex is the extensions.code of an operation over a limit.
const CodeTooComplex = "TOO_COMPLEX"

// LimitError says which limit an operation is over. It is the Err of the *gqlerror.Error that the guard returns.
type LimitError struct {
	// Limit names the limit as in extensions.details: depth, aliases, rootFields, directives, fragments,
	// fragmentSpreads, nesting, fields, overlap, cost, introspectionDepth, introspectionFields or introspectionNesting.
	Limit string
	// Allowed is the limit, Actual the operation's figure; 2147483647 stands for that many or more.
	Allowed, Actual int
}

var limitNames = map[string]string{
	"depth": "depth", "aliases": "number of aliases", "rootFields": "number of root fields",
	"directives": "number of directives", "fragments": "number of fragments",
	"fragmentSpreads": "number of fragment spreads", "nesting": "nesting of selections", "fields": "number of fields", "overlap": "number of comparisons between repeated fields", "cost": "cost",
	"introspectionDepth": "introspection depth", "introspectionFields": "number of __schema and __type fields",
	"introspectionNesting": "nesting of type lists in introspection",
}

// Error is one sentence with the limit's name and both figures.
func (e *LimitError) Error() string {
	actual := fmt.Sprint(e.Actual)
	if e.Actual >= saturated {
		actual = "over " + fmt.Sprint(saturated-1)
	}
	return fmt.Sprintf("the operation's %s is %s; this server allows %d", limitNames[e.Limit], actual, e.Allowed)
}

// GraphQL is e as it goes to the client: code TOO_COMPLEX and details {limit, allowed, actual}.
func (e *LimitError) GraphQL() *gqlerror.Error {
	return &gqlerror.Error{
		Err:     e,
		Message: e.Error(),
		Extensions: map[string]any{
			"code":    CodeTooComplex,
			"details": map[string]any{"limit": e.Limit, "allowed": e.Allowed, "actual": e.Actual},
		},
	}
}

// structure checks the figures that need neither variables nor the schema.
func (c Config) structure(f Figures) *LimitError {
	return first([]LimitError{
		{"fragments", c.Fragments, f.Fragments},
		{"fragmentSpreads", c.FragmentSpreads, f.FragmentSpreads},
		{"depth", c.Depth, f.Depth},
		{"nesting", c.Nesting, f.Nesting},
		{"rootFields", c.RootFields, f.RootFields},
		{"aliases", c.Aliases, f.Aliases},
		{"directives", c.Directives, f.Directives},
		{"introspectionFields", c.IntrospectionFields, f.IntrospectionFields},
		{"introspectionDepth", c.IntrospectionDepth, f.IntrospectionDepth},
		{"introspectionNesting", introspectionHops, f.IntrospectionHops},
		{"fields", c.Fields, f.Fields},
	})
}

// check checks every figure.
func (c Config) check(f Figures) *LimitError {
	if err := c.structure(f); err != nil {
		return err
	}
	return first([]LimitError{{"cost", c.Cost, f.Cost}})
}

func first(limits []LimitError) *LimitError {
	for i := range limits {
		if limits[i].Actual > limits[i].Allowed {
			broken := limits[i] // a copy, so that nothing is allocated for those that hold
			return &broken
		}
	}
	return nil
}

// coded is a refusal that is not a limit.
func coded(code, message string, at *ast.Position) *gqlerror.Error {
	err := &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
	if at != nil {
		err.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return err
}
