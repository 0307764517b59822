package guard

import "math"

// saturated is where every figure stops counting: the largest GraphQL Int, so that any client can read it.
const saturated = math.MaxInt32

// Figures is what one operation measures. Every figure stops at 2147483647.
type Figures struct {
	Depth               int
	Aliases             int
	RootFields          int
	Directives          int
	Fragments           int // definitions in the document
	FragmentSpreads     int
	Nesting             int
	Fields              int
	Cost                int
	IntrospectionDepth  int
	IntrospectionFields int
	IntrospectionHops   int

	// Visits is how many selections were looked at to know all this: never more than the document has.
	Visits int
}

// set is what one selection set measures, independent of where it stands. Cost is kept in two parts because the lists
// of a set (the edges of a connection) are as long as the page size asked of the field above them.
type set struct {
	depth, hops, nesting               int
	introDepth, introHops, introFields int
	aliases, directives, spreads       int
	top, fields                        int
	flat, listed                       int
}

// add puts the figures of a fragment, or of one more field, beside those of s.
func (s *set) add(o set) {
	s.depth = max(s.depth, o.depth)
	s.hops = max(s.hops, o.hops)
	s.nesting = max(s.nesting, o.nesting)
	s.introDepth = max(s.introDepth, o.introDepth)
	s.introHops = max(s.introHops, o.introHops)
	s.introFields = plus(s.introFields, o.introFields)
	s.aliases = plus(s.aliases, o.aliases)
	s.directives = plus(s.directives, o.directives)
	s.spreads = plus(s.spreads, o.spreads)
	s.top = plus(s.top, o.top)
	s.fields = plus(s.fields, o.fields)
	s.flat = plus(s.flat, o.flat)
	s.listed = plus(s.listed, o.listed)
}

// cost is what one object costs whose lists have length n.
func (s *set) cost(n int) int { return plus(s.flat, times(n, s.listed)) }

func plus(a, b int) int { return min(a+b, saturated) }

func times(a, b int) int {
	if a != 0 && b > saturated/a {
		return saturated
	}
	return a * b
}
