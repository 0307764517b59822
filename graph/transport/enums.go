package transport

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// exactEnums refuses a variable whose enum value is not written exactly as the schema has it. The parser compares them in
// any case, so that "resale" would pass for RESALE, reach a query as it is, and silently match nothing.
type exactEnums struct{ schema *ast.Schema }

var (
	_ graphql.HandlerExtension        = (*exactEnums)(nil)
	_ graphql.OperationContextMutator = (*exactEnums)(nil)
)

// ExtensionName names it for gqlgen.
func (*exactEnums) ExtensionName() string { return "ExactEnums" }

// Validate learns the schema.
func (e *exactEnums) Validate(es graphql.ExecutableSchema) error {
	e.schema = es.Schema()
	return nil
}

// MutateOperationContext changes nothing; it only looks at the variables, which have been coerced.
func (e *exactEnums) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, variable := range op.Operation.VariableDefinitions {
		if err := e.check(variable.Type, op.Variables[variable.Variable]); err != nil {
			return below(ast.PathName("variable"), below(ast.PathName(variable.Variable), err))
		}
	}
	return nil
}

// below says of an error in which element it is. Nearly always there is none, so that paths are made from their ends.
func below(element ast.PathElement, err *gqlerror.Error) *gqlerror.Error {
	err.Path = append(ast.Path{element}, err.Path...)
	return err
}

func (e *exactEnums) check(kind *ast.Type, value any) *gqlerror.Error {
	if value == nil {
		return nil
	}
	if kind.Elem != nil {
		list, ok := value.([]any)
		if !ok { // a single value stands for a list of one
			return e.check(kind.Elem, value)
		}
		for i, element := range list {
			if err := e.check(kind.Elem, element); err != nil {
				return below(ast.PathIndex(i), err)
			}
		}
		return nil
	}
	def := e.schema.Types[kind.NamedType]
	switch {
	case def == nil:
	case def.Kind == ast.Enum:
		if name, ok := value.(string); !ok || def.EnumValues.ForName(name) == nil {
			return newError("GRAPHQL_VALIDATION_FAILED", fmt.Sprintf("%v is not a value of %s, whose values are written in capitals", value, def.Name))
		}
	case def.Kind == ast.InputObject:
		object, _ := value.(map[string]any)
		for _, field := range def.Fields {
			if err := e.check(field.Type, object[field.Name]); err != nil {
				return below(ast.PathName(field.Name), err)
			}
		}
	}
	return nil
}
