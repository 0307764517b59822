package guard

import "github.com/vektah/gqlparser/v2/ast"

// overlap estimates how many comparisons OverlappingFieldsCanBeMerged would make: in every selection set, fragments of
// all kinds expanded, fields of one response name are compared with each other, and then what is below them. Call it on
// a document whose structure is within the limits, as it expands what it counts; sizes are the fields below each field.
func (m *measurer) overlap() int {
	total := 0
	for _, op := range m.doc.Operations {
		total = plus(total, m.overlapIn(op.SelectionSet))
	}
	for _, f := range m.doc.Fragments {
		total = plus(total, m.overlapIn(f.SelectionSet))
	}
	return total
}

// overlapIn estimates in and the sets written inside it; the sets of fragments it spreads are estimated on their own.
func (m *measurer) overlapIn(in ast.SelectionSet) int {
	names := map[string]weight{}
	m.collect(in, names)
	total := 0
	for _, w := range names {
		if w.times > 1 {
			total = plus(total, times(w.size, w.size))
		}
	}
	for _, selection := range in {
		switch selection := selection.(type) {
		case *ast.Field:
			if len(selection.SelectionSet) > 0 {
				total = plus(total, m.overlapIn(selection.SelectionSet))
			}
		case *ast.InlineFragment:
			total = plus(total, m.overlapIn(selection.SelectionSet))
		}
	}
	return total
}

// weight is how often one response name occurs in a set, and how many fields are there and below all of them.
type weight struct{ times, size int }

func (m *measurer) collect(in ast.SelectionSet, names map[string]weight) {
	for _, selection := range in {
		switch selection := selection.(type) {
		case *ast.Field:
			w := names[selection.Alias]
			names[selection.Alias] = weight{plus(w.times, 1), plus(w.size, m.sizes[selection])}
		case *ast.InlineFragment:
			m.collect(selection.SelectionSet, names)
		case *ast.FragmentSpread:
			if f := m.fragments[selection.Name]; f != nil {
				m.collect(f.SelectionSet, names)
			}
		}
	}
}
