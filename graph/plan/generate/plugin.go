package main

import (
	"bytes"
	"fmt"
	"go/format"
	"go/types"
	"os"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

// plugin writes the tables of graph/plan: what can be reached from Query and Mutation through fields that can be planned. A field that
// cannot is left out, and the ordinary executor walks where it is selected.
type plugin struct{ file string }

// Name names it for gqlgen.
func (plugin) Name() string { return "plan" }

// GenerateCode writes the file.
func (p plugin) GenerateCode(data *codegen.Data) error {
	w := &writer{data: data, imports: map[string]string{}, exec: data.Config.Exec.ImportPath(), done: map[string]bool{}}
	for _, root := range []*codegen.Object{data.QueryRoot, data.MutationRoot} {
		for _, field := range root.Fields {
			w.want(field.TypeReference.Definition)
		}
		for len(w.queue) > 0 {
			next := w.queue[0]
			w.queue = w.queue[1:]
			w.object(next)
		}
	}
	source, err := w.source()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(p.file); err == nil && bytes.Equal(old, source) {
		return nil
	}
	return os.WriteFile(p.file, source, 0o644) //nolint:gosec // source like any other
}

type writer struct {
	data    *codegen.Data
	exec    string            // import path of the generated executor
	imports map[string]string // path to name
	done    map[string]bool
	queue   []*ast.Definition
	names   []string
	bodies  []string
	left    []string // what was left out, for the file's end
}

// want has a type's table written, unless it is a scalar or an enum.
func (w *writer) want(of *ast.Definition) {
	if w.done[of.Name] || strings.HasPrefix(of.Name, "__") || !of.IsCompositeType() {
		return
	}
	w.done[of.Name] = true
	w.queue = append(w.queue, of)
}

// pkg imports a package and returns its name here.
func (w *writer) pkg(p *types.Package) string {
	w.imports[p.Path()] = p.Name()
	return p.Name()
}

func (w *writer) goType(t types.Type) string { return types.TypeString(t, w.pkg) }

// object writes the function that fills one type's table.
func (w *writer) object(of *ast.Definition) {
	var b strings.Builder
	fmt.Fprintf(&b, "func fill%s(types map[string]*objectType) {\n", of.Name)
	fmt.Fprintf(&b, "of := types[%q]\n", of.Name)
	if of.IsAbstractType() {
		w.abstract(&b, of)
	} else {
		w.concrete(&b, of)
	}
	b.WriteString("}\n")
	w.names, w.bodies = append(w.names, of.Name), append(w.bodies, b.String())
}

func (w *writer) abstract(b *strings.Builder, of *ast.Definition) {
	known := w.data.Interfaces[of.Name]
	fmt.Fprintf(b, "of.spread = func(list any, to []any) []any {\nfor _, v := range list.([]%s) {\nto = append(to, v)\n}\nreturn to\n}\n", w.goType(known.Type))
	b.WriteString("of.concrete = func(value any) (*objectType, any) {\nswitch v := value.(type) {\n")
	seen := map[string]bool{}
	for _, one := range known.Implementors {
		w.want(one.Definition)
		value := one.Type
		if pointer, ok := value.(*types.Pointer); ok {
			value = pointer.Elem()
		}
		held := w.goType(value)
		if seen[held] {
			continue // gqlgen lists what may be held either way twice
		}
		seen[held] = true
		fmt.Fprintf(b, "case %s:\nreturn types[%q], &v\n", held, one.Name)
		fmt.Fprintf(b, "case *%s:\nif v != nil {\nreturn types[%q], v\n}\n", held, one.Name)
	}
	b.WriteString("}\nreturn nil, nil\n}\n")
}

func (w *writer) concrete(b *strings.Builder, of *ast.Definition) {
	object := w.data.Objects.ByName(of.Name)
	own := w.goType(object.Type)
	var satisfies []string
	for _, one := range w.data.Schema.GetImplements(of) {
		satisfies = append(satisfies, one.Name)
	}
	slices.Sort(satisfies)
	fmt.Fprintf(b, "of.satisfies = %#v\n", append([]string{of.Name}, satisfies...))
	fmt.Fprintf(b, "of.spread, of.pointer = spread[%s], pointer[%s]\n", own, own)
	b.WriteString("of.fields = map[string]*fieldType{\n")
	for _, field := range object.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		text, why := w.field(own, field)
		if why != "" {
			w.left = append(w.left, of.Name+"."+field.Name+": "+why)
			continue
		}
		fmt.Fprintf(b, "%q: {%s},\n", field.Name, text)
	}
	b.WriteString("}\n")
}

// field returns what stands between the braces of a field's entry, or why the field cannot be planned.
func (w *writer) field(own string, f *codegen.Field) (text, why string) {
	switch {
	case len(f.ImplDirectives()) > 0:
		return "", "it has a directive"
	case f.Stream || f.IsBatch() || f.IsMap() || f.HasHaser || f.VOkFunc || f.MethodHasContext:
		return "", "it is bound in a way that is not known"
	case !f.IsResolver && f.IsMethod() && (!f.NoErr || len(f.Args) > 0):
		return "", "its method fails or takes arguments"
	}
	if f.IsResolver {
		return w.resolver(own, f)
	}
	access := "object.(*" + own + ")." + f.GoFieldName
	if f.IsMethod() {
		access += "()"
	}
	if !f.TypeReference.Definition.IsCompositeType() {
		leaf, why := w.leaf(f.TypeReference, "v")
		if why != "" {
			return "", why
		}
		return fmt.Sprintf("leaf: func(b *buffer, object any) bool {\nv := %s\n%sreturn true\n}", access, leaf), ""
	}
	shape, why := w.shape(f.TypeReference)
	if why != "" {
		return "", why
	}
	var body string
	switch {
	case shape.pointer:
		body = fmt.Sprintf("if v := %s; v != nil {\nreturn v\n}\nreturn nil", access)
	case shape.list && f.TypeReference.GQL.NonNull:
		body = "return " + access
	case shape.list || shape.abstract:
		body = fmt.Sprintf("if v := %s; v != nil {\nreturn v\n}\nreturn nil", access)
	case f.IsVariable():
		body = "return &" + access
	default:
		body = fmt.Sprintf("v := %s\nreturn &v", access)
	}
	return fmt.Sprintf("value: func(object any) any {\n%s\n},\n%s", body, shape.text(f.TypeReference)), ""
}

// resolver returns the entry of a field with a resolver.
func (w *writer) resolver(own string, f *codegen.Field) (text, why string) {
	w.imports[w.exec] = path.Base(w.exec)
	call := []string{"ctx", "object.(*" + own + ")"}
	var args []string
	for i, arg := range f.Args {
		entry, why := w.argument(arg)
		if why != "" {
			return "", why
		}
		args = append(args, entry)
		call = append(call, fmt.Sprintf("args[%d].(%s)", i, w.goType(arg.TypeReference.GO)))
	}
	accessor := strings.ToUpper(f.Object.Name[:1]) + f.Object.Name[1:]
	invocation := fmt.Sprintf("resolvers.%s().%s(%s)", accessor, f.GoFieldName, strings.Join(call, ", "))
	var b strings.Builder
	b.WriteString("resolve: func(ctx context.Context, resolvers graph.ResolverRoot, object any, args []any) (any, error) {\n")
	fmt.Fprintf(&b, "v, err := %s\nif err != nil {\nreturn nil, err\n}\n", invocation)
	var tail string
	if f.TypeReference.Definition.IsCompositeType() {
		shape, why := w.shape(f.TypeReference)
		if why != "" {
			return "", why
		}
		switch {
		case shape.pointer || shape.abstract || shape.list && !f.TypeReference.GQL.NonNull:
			b.WriteString("if v == nil {\nreturn nil, nil\n}\nreturn v, nil\n")
		case shape.list:
			b.WriteString("return v, nil\n")
		default:
			b.WriteString("return &v, nil\n")
		}
		tail = shape.text(f.TypeReference)
	} else {
		leaf, why := w.leaf(f.TypeReference, "v")
		if why != "" {
			return "", why
		}
		b.WriteString("return v, nil\n")
		tail = fmt.Sprintf("answer: func(b *buffer, value any) bool {\nv := value.(%s)\n%sreturn true\n},\n", w.goType(f.TypeReference.GO), leaf)
	}
	b.WriteString("},\n")
	if len(args) > 0 {
		fmt.Fprintf(&b, "args: []argument{\n%s},\n", strings.Join(args, ""))
	}
	return b.String() + tail, ""
}

func (w *writer) argument(arg *codegen.FieldArgument) (text, why string) {
	ref := arg.TypeReference
	const unknown = "it takes an argument of a kind that is not known"
	if len(arg.ImplDirectives()) > 0 || ref.IsOmittable || ref.IsContext || ref.HasEnumValues() || ref.IsSlice() || ref.IsPtrToSlice() {
		return "", unknown
	}
	target, wrap := ref.GO, "required"
	var missing string
	if pointer, ok := ref.GO.(*types.Pointer); ok {
		target, wrap, missing = pointer.Elem(), "optional", "(*"+w.goType(pointer.Elem())+")(nil)"
	} else {
		missing = "*new(" + w.goType(target) + ")"
	}
	name := w.goType(target)
	var parse string
	switch {
	case ref.Unmarshaler != nil:
		function := w.pkg(ref.Unmarshaler.Pkg()) + "." + ref.Unmarshaler.Name()
		parse = function
		if ref.CastType != nil {
			parse = fmt.Sprintf("func(value any) (%s, error) {\nread, err := %s(value)\nreturn %s(read), err\n}", name, function, name)
		}
	case ref.IsMarshaler:
		parse = fmt.Sprintf("func(value any) (%s, error) {\nvar read %s\nerr := read.UnmarshalGQL(value)\nreturn read, err\n}", name, name)
	default:
		return "", unknown
	}
	return fmt.Sprintf("{name: %q, missing: %s, parse: %s[%s](%s)},\n", arg.Name, missing, wrap, name, parse), ""
}

// shape is how a field holds its objects.
type shape struct {
	of                      string
	list, pointer, abstract bool
}

func (s shape) text(ref *config.TypeReference) string {
	text := fmt.Sprintf("of: types[%q],\n", s.of)
	if s.list {
		text += "list: true,\n"
	}
	if ref.GQL.NonNull {
		text += "nonNull: true,\n"
	}
	return text
}

func (w *writer) shape(ref *config.TypeReference) (shape, string) {
	s := shape{of: ref.Definition.Name, abstract: ref.Definition.IsAbstractType()}
	const unknown = "it holds its objects in a way that is not known"
	held := ref.GO
	if slice, ok := held.(*types.Slice); ok {
		s.list, held = true, slice.Elem()
		// A null among the elements is the ordinary executor's.
		if ref.GQL.Elem == nil || ref.GQL.Elem.Elem != nil || !ref.GQL.Elem.NonNull {
			return s, unknown
		}
	} else if ref.GQL.Elem != nil {
		return s, unknown
	}
	if pointer, ok := held.(*types.Pointer); ok {
		if s.list || s.abstract {
			return s, unknown
		}
		s.pointer, held = true, pointer.Elem()
	}
	var bound types.Type
	if s.abstract {
		bound = w.data.Interfaces[s.of].Type
	} else {
		bound = w.data.Objects.ByName(s.of).Type
	}
	if !types.Identical(held, bound) {
		return s, unknown
	}
	w.want(ref.Definition)
	return s, ""
}

// leaf returns the statements that write v, which return false for a null where none may be.
func (w *writer) leaf(ref *config.TypeReference, v string) (text, why string) {
	const unknown = "its scalar is bound in a way that is not known"
	nonNull := ref.GQL.NonNull
	null := "b.null()\n"
	if nonNull {
		null = "return false\n"
	}
	switch {
	case ref.IsPtrToSlice() || ref.IsPtrToIntf() || ref.IsContext || ref.HasEnumValues():
		return "", unknown
	case ref.IsSlice():
		element, why := w.leaf(ref.Elem(), "element")
		if why != "" {
			return "", why
		}
		loop := fmt.Sprintf("b.char('[')\nfor i, element := range %s {\nif i > 0 {\nb.char(',')\n}\n%s}\nb.char(']')\n", v, element)
		if nonNull {
			return loop, ""
		}
		return fmt.Sprintf("if %s == nil {\nb.null()\n} else {\n%s}\n", v, loop), ""
	case ref.IsPtrToPtr():
		return "", unknown
	case ref.IsNilable():
		pointer, ok := ref.GO.(*types.Pointer)
		if !ok || ref.IsTargetNilable() {
			return "", unknown
		}
		inner := *ref
		inner.GO = pointer.Elem()
		value, why := w.scalar(&inner, "(*"+v+")")
		if why != "" {
			return "", why
		}
		return fmt.Sprintf("if %s == nil {\n%s} else {\n%s}\n", v, null, value), ""
	}
	return w.scalar(ref, v)
}

// scalar returns the statements that write a value that is no pointer.
func (w *writer) scalar(ref *config.TypeReference, v string) (text, why string) {
	if ref.IsMarshaler {
		if w.goType(ref.GO) == "models.ID" {
			return fmt.Sprintf("b.id(string(%s))\n", v), ""
		}
		return fmt.Sprintf("%s.MarshalGQL(b)\n", v), ""
	}
	if ref.Marshaler == nil || ref.IsTargetNilable() {
		return "", "its scalar is bound in a way that is not known"
	}
	checked := func(call string) string { return fmt.Sprintf("if !b.%s {\nreturn false\n}\n", call) }
	switch ref.Marshaler.Name() {
	case "MarshalString":
		return fmt.Sprintf("b.string(string(%s))\n", v), ""
	case "MarshalInt", "MarshalInt32", "MarshalInt64":
		return fmt.Sprintf("b.int(int64(%s))\n", v), ""
	case "MarshalBoolean":
		return fmt.Sprintf("b.bool(bool(%s))\n", v), ""
	case "MarshalDateTime":
		return checked(fmt.Sprintf("time(%s, %t)", v, ref.GQL.NonNull)), ""
	case "MarshalDecimal":
		return fmt.Sprintf("b.decimal(%s)\n", v), ""
	}
	cast := v
	if ref.CastType != nil {
		cast = fmt.Sprintf("%s(%s)", w.goType(ref.CastType), v)
	}
	return checked(fmt.Sprintf("marshal(%s.%s(%s), %t)", w.pkg(ref.Marshaler.Pkg()), ref.Marshaler.Name(), cast, ref.GQL.NonNull)), ""
}

// source puts the file together.
func (w *writer) source() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated by graph/plan/generate, DO NOT EDIT.\n\npackage plan\n\nimport (\n\t\"context\"\n\n")
	paths := make([]string, 0, len(w.imports))
	for path := range w.imports {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		fmt.Fprintf(&b, "\t%q\n", path)
	}
	b.WriteString(")\n\n// tables makes the table of every type.\nfunc tables() map[string]*objectType {\ntypes := map[string]*objectType{\n")
	for _, name := range w.names {
		fmt.Fprintf(&b, "%q: {name: %q},\n", name, name)
	}
	b.WriteString("}\n")
	for _, name := range w.names {
		fmt.Fprintf(&b, "fill%s(types)\n", name)
	}
	b.WriteString("return types\n}\n")
	for _, body := range w.bodies {
		b.WriteString("\n" + body)
	}
	if len(w.left) > 0 {
		b.WriteString("\n// Left to the ordinary executor:\n")
		for _, left := range w.left {
			b.WriteString("//   " + left + "\n")
		}
	}
	source, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("plan: %w in\n%s", err, b.String())
	}
	return source, nil
}
