package guard

// Config holds the limits of one operation. A zero field means its default.
type Config struct {
	// Depth is how deep fields may nest, leaves included: { viewer { name } } has depth 2. Default 15.
	Depth int
	// Aliases is how many fields may be renamed, counted after fragments are expanded. Default 50.
	Aliases int
	// RootFields is how many fields the operation itself may select, fragments expanded. Default 30.
	RootFields int
	// Directives is how many directives may be applied, fragments expanded. Default 50.
	Directives int
	// Fragments is how many fragments the document may define. Default 100.
	Fragments int
	// FragmentSpreads is how many spreads there may be once fragments are expanded into one another. Default 1000.
	FragmentSpreads int
	// Nesting is how deep selection sets may nest when those of fragments count as well. Depth does not see these, and
	// validation takes more than quadratic time in them. Default 50.
	Nesting int
	// Fields is how many fields may be selected, fragments expanded, before any page size. Validation compares them
	// pairwise. Default 1000.
	Fields int
	// Overlap is how many comparisons validation may make between fields of the same response name, as estimated: for
	// each name that occurs more than once in a selection set, the square of the fields in and below all of them.
	// Default 250000, some 60 ms.
	Overlap int
	// Cost is how many fields an answer may hold: each field counts one, multiplied by the sizes of the lists around
	// it. Default 50000.
	Cost int

	// DefaultPage is the page size assumed where a field takes first or last and neither is given, and the schema
	// states no default. Default 20.
	DefaultPage int
	// ListSize is the length assumed of a list without a page size. Default 10.
	ListSize int

	// Introspection lets __schema and __type through, in the executor as well. Default off.
	Introspection bool
	// IntrospectionDepth is how deep fields may nest below __schema or __type, that field included; the query that
	// GraphiQL sends needs 15. Default 20.
	IntrospectionDepth int
	// IntrospectionFields is how many times an operation may select __schema or __type. Default 4.
	IntrospectionFields int
}

// introspectionHops is how many of the lists that lead from type to type (fields, inputFields, interfaces,
// possibleTypes) may nest below __schema or __type. The standard query nests one; each further one multiplies the
// answer by the size of the schema.
const introspectionHops = 2

// withDefaults fills the fields that are zero.
func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&c.Depth, 15}, {&c.Aliases, 50}, {&c.RootFields, 30}, {&c.Directives, 50}, {&c.Fragments, 100},
		{&c.FragmentSpreads, 1000}, {&c.Nesting, 50}, {&c.Fields, 1000}, {&c.Overlap, 250_000}, {&c.Cost, 50_000}, {&c.DefaultPage, 20}, {&c.ListSize, 10},
		{&c.IntrospectionDepth, 20}, {&c.IntrospectionFields, 4},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}
