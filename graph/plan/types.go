package plan

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/graph"
)

// objectType is what the generator knows of an object type, or of an interface or union, which has no fields here but Concrete.
type objectType struct {
	name      string
	satisfies []string // its own name and those of its interfaces and unions
	fields    map[string]*fieldType
	// spread appends a pointer to each element of a list of this type's Go values.
	spread func(list any, to []any) []any
	// pointer returns the address of a value of this type, or the pointer that it is; nil for a nil one.
	pointer func(value any) any
	// concrete returns the object type of a value of an interface, and a pointer to the value; nil when it is none of ours.
	concrete func(value any) (*objectType, any)
}

// spread is that of an object type whose Go values are T.
func spread[T any](list any, to []any) []any {
	elements := list.([]T) //nolint:forcetypeassert // the generator has looked
	for i := range elements {
		to = append(to, &elements[i])
	}
	return to
}

// pointer is that of an object type whose Go values are T.
func pointer[T any](value any) any {
	switch v := value.(type) {
	case *T:
		if v != nil {
			return v
		}
	case T:
		return &v
	}
	return nil
}

// fieldType is one field. Exactly one of leaf, value and resolve is set.
type fieldType struct {
	// leaf writes a scalar, an enum or a list of them; false when there is a null where none may be.
	leaf func(b *buffer, object any) bool
	// value returns an object, or a list of them, that the parent has already; nil is null.
	value func(object any) any
	// resolve asks the resolver, which may answer ErrPending.
	resolve func(ctx context.Context, resolvers graph.ResolverRoot, object any, args []any) (any, error)
	// answer writes what resolve returned when that is no object.
	answer  func(b *buffer, value any) bool
	args    []argument
	of      *objectType // of the object or the elements; nil for scalars
	list    bool
	nonNull bool
}

// argument is one that a resolver takes.
type argument struct {
	name    string
	missing any // what the resolver gets when the argument is not given
	parse   func(value any) (any, error)
}

// optional makes a pointer of what unmarshal reads, nil of null.
func optional[T any](unmarshal func(any) (T, error)) func(any) (any, error) {
	return func(value any) (any, error) {
		if value == nil {
			return (*T)(nil), nil
		}
		read, err := unmarshal(value)
		return &read, err
	}
}

func required[T any](unmarshal func(any) (T, error)) func(any) (any, error) {
	return func(value any) (any, error) { return unmarshal(value) }
}

// object is a selection on an object type, its fields in the order of the answer.
type object struct {
	of     *objectType
	fields []field
	loads  bool // some field in or below it asks a resolver
}

// field is one selected field.
type field struct {
	key       string // with its quotes and colon
	typename  string // of __typename
	kind      *fieldType
	collected graphql.CollectedField
	args      []any
	selected  *object                 // of an object type
	variants  map[*objectType]*object // of an interface or union, as its types turn up
	loads     bool                    // it asks a resolver, or something below it does
}

// compiler turns selections into objects.
type compiler struct{ operation *graphql.OperationContext }

// unplannable says why a selection has to be walked.
type unplannable string

func (u unplannable) Error() string { return "plan: " + string(u) }

// object compiles a selection on the type.
func (c compiler) object(of *objectType, selections ast.SelectionSet) (*object, error) {
	collected := graphql.CollectFields(c.operation, selections, of.satisfies)
	compiled := &object{of: of, fields: make([]field, len(collected))}
	for i := range collected {
		if err := c.field(of, &collected[i], &compiled.fields[i]); err != nil {
			return nil, err
		}
		compiled.loads = compiled.loads || compiled.fields[i].loads
	}
	return compiled, nil
}

func (c compiler) field(of *objectType, collected *graphql.CollectedField, into *field) error {
	if len(collected.Deferrables) > 0 {
		return unplannable("@defer")
	}
	for _, directive := range collected.Directives {
		if directive.Name != "include" && directive.Name != "skip" {
			return unplannable("@" + directive.Name)
		}
	}
	into.key = `"` + collected.Alias + `":`
	if collected.Name == "__typename" {
		into.typename = of.name
		return nil
	}
	kind, known := of.fields[collected.Name]
	if !known {
		return unplannable(of.name + "." + collected.Name)
	}
	into.kind, into.collected, into.loads = kind, *collected, kind.resolve != nil
	if err := into.readArguments(c.operation.Variables); err != nil {
		return err
	}
	switch {
	case kind.of == nil:
		return nil
	case kind.of.concrete != nil:
		// What is selected depends on the rows, so they are collected first.
		into.variants, into.loads = map[*objectType]*object{}, true
		return nil
	}
	selected, err := c.object(kind.of, collected.Selections)
	if err != nil {
		return err
	}
	into.selected, into.loads = selected, into.loads || selected.loads
	return nil
}

// readArguments reads the arguments as the executor would. One that cannot be read is the executor's to refuse.
func (f *field) readArguments(variables map[string]any) error {
	if len(f.kind.args) == 0 {
		return nil
	}
	given := f.collected.ArgumentMap(variables)
	f.args = make([]any, len(f.kind.args))
	for i, argument := range f.kind.args {
		value, ok := given[argument.name]
		if !ok {
			f.args[i] = argument.missing
			continue
		}
		read, err := argument.parse(value)
		if err != nil {
			return fmt.Errorf("plan: argument %s: %w", argument.name, err)
		}
		f.args[i] = read
	}
	return nil
}

// on returns what a field of an interface or union selects on one of its types.
func (c compiler) on(f *field, of *objectType) (*object, error) {
	if known, ok := f.variants[of]; ok {
		return known, nil
	}
	selected, err := c.object(of, f.collected.Selections)
	if err == nil {
		f.variants[of] = selected
	}
	return selected, err
}
