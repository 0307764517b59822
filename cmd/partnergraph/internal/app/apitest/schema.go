package apitest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/graph"
	"github.com/partnergraph/partnergraph/models"
)

// Schema is what the server serves.
func Schema() *ast.Schema {
	return graph.NewExecutableSchema(graph.Config{}).Schema()
}

// Fields returns the root fields of an operation type, without introspection.
func Fields(root *ast.Definition) ast.FieldList {
	return slices.DeleteFunc(slices.Clone(root.Fields), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
}

// Permission is the one that @auth demands of a root field; ok is false without @auth.
func Permission(f *ast.FieldDefinition) (p models.Permission, ok bool) {
	auth := f.Directives.ForName("auth")
	if auth == nil {
		return "", false
	}
	return models.Permission(auth.Arguments.ForName("permission").Value.Raw), true
}

// NodeKinds returns the types that implement Node with the prefix of their ids, which the description of id states.
func NodeKinds(t *testing.T, schema *ast.Schema) map[string]string {
	t.Helper()
	kinds := map[string]string{}
	for _, def := range schema.GetPossibleTypes(schema.Types["Node"]) {
		kinds[def.Name] = Prefix(t, def)
	}
	return kinds
}

var statedPrefix = regexp.MustCompile(`The TypeID, ([a-z]+)_`)

// Prefix returns what the ids of a type begin with, which the description of its id states.
func Prefix(t *testing.T, def *ast.Definition) string {
	t.Helper()
	found := statedPrefix.FindStringSubmatch(def.Fields.ForName("id").Description)
	if found == nil {
		t.Fatalf("%s.id: the description must say the TypeID's prefix, such as: The TypeID, cus_", def.Name)
	}
	return found[1]
}

// NodeOf returns the type of a connection's rows, or nil when def is no connection.
func NodeOf(schema *ast.Schema, def *ast.Definition) *ast.Definition {
	if nodes := def.Fields.ForName("nodes"); nodes != nil && strings.HasSuffix(def.Name, "Connection") {
		return schema.Types[nodes.Type.Name()]
	}
	return nil
}

// Selection selects everything of a type: all its fields, and those of the objects that it leads to, as many objects
// deep as hops. It fails for a field below the root that cannot be asked without an
// argument that requiredValues has no row for.
func Selection(t *testing.T, schema *ast.Schema, def *ast.Definition, hops int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("{__typename")
	for _, f := range def.Fields {
		target := schema.Types[f.Type.Name()]
		arguments := requiredValues(t, def, f)
		switch {
		case strings.HasPrefix(f.Name, "__"):
		case target.IsLeafType():
			fmt.Fprintf(&b, " %s", f.Name)
		case target.IsAbstractType():
			t.Fatalf("%s.%s: give the generator a row for abstract types below the root", def.Name, f.Name)
		case NodeOf(schema, target) != nil:
			if hops > 0 {
				fmt.Fprintf(&b, " %s(first: 8)%s", f.Name, ConnectionSelection(t, schema, NodeOf(schema, target), hops-1))
			}
		case target.Fields.ForName("id") != nil:
			if hops > 0 {
				fmt.Fprintf(&b, " %s%s%s", f.Name, arguments, Selection(t, schema, target, hops-1))
			}
		default: // a value, such as Money
			fmt.Fprintf(&b, " %s%s%s", f.Name, arguments, Selection(t, schema, target, hops))
		}
	}
	b.WriteString("}")
	return b.String()
}

// ConnectionSelection selects everything of a page of such rows.
func ConnectionSelection(t *testing.T, schema *ast.Schema, node *ast.Definition, hops int) string {
	t.Helper()
	return "{totalCount pageInfo{hasNextPage hasPreviousPage startCursor endCursor} edges{cursor node{id}} nodes" + Selection(t, schema, node, hops) + "}"
}

// walked keeps what Selections came to: a function of the schema, which thousands of documents ask for.
var walked sync.Map // name of a type -> []string

// Selections covers what lies within three objects of a type, in one selection where the server's limit of fields allows,
// else in one for each object that the type leads to.
func Selections(t *testing.T, schema *ast.Schema, def *ast.Definition) []string {
	t.Helper()
	if known, ok := walked.Load(def.Name); ok {
		return known.([]string)
	}
	all := selections(t, schema, def)
	walked.Store(def.Name, all)
	return all
}

func selections(t *testing.T, schema *ast.Schema, def *ast.Definition) []string {
	t.Helper()
	const hops = 3
	whole := Selection(t, schema, def, hops)
	if fieldCount(whole) <= mostFields {
		return []string{whole}
	}
	all := []string{Selection(t, schema, def, 0)}
	for _, f := range def.Fields {
		target := schema.Types[f.Type.Name()]
		if target.IsLeafType() || NodeOf(schema, target) == nil && target.Fields.ForName("id") == nil {
			continue
		}
		alone := &ast.Definition{Kind: def.Kind, Name: def.Name, Fields: ast.FieldList{f}}
		depth := hops
		for fieldCount(Selection(t, schema, alone, depth)) > mostFields {
			depth--
		}
		if depth < 2 {
			t.Fatalf("%s.%s is too wide to be walked two objects deep", def.Name, f.Name)
		}
		all = append(all, Selection(t, schema, alone, depth))
	}
	return all
}

// mostFields stays below the guard's limit of 1000, which counts fields with what a root field adds.
const mostFields = 900

var word = regexp.MustCompile(`\w+`)

func fieldCount(selection string) int { return len(word.FindAllString(selection, -1)) }

// requiredValues are values for the arguments without which a field below the root cannot be asked.
func requiredValues(t *testing.T, def *ast.Definition, f *ast.FieldDefinition) string {
	t.Helper()
	rows := map[string]string{"balanceAt.at": `"2026-11-10T08:00:00Z"`, "associationAt.time": `"2026-11-10T08:00:00Z"`} // when the world was made
	var values []string
	for _, arg := range f.Arguments {
		if !arg.Type.NonNull || arg.DefaultValue != nil {
			continue
		}
		value, ok := rows[f.Name+"."+arg.Name]
		if !ok {
			t.Fatalf("%s.%s: give the generator a row for the required argument %s", def.Name, f.Name, arg.Name)
		}
		values = append(values, arg.Name+": "+value)
	}
	if len(values) == 0 {
		return ""
	}
	return "(" + strings.Join(values, ", ") + ")"
}
