package incentives

import "slices"

// tally adds rows up by what they fall under: a sum of nothing yet is its own key.
type tally[Sum comparable] map[Sum]*Sum

// of returns the sum of what falls under a key.
func (t tally[Sum]) of(key Sum) *Sum {
	sum, known := t[key]
	if !known {
		fresh := key // a key that is known already needs no memory of its own
		sum = &fresh
		t[key] = sum
	}
	return sum
}

// sorted returns the sums in an order that tells their keys apart.
func (t tally[Sum]) sorted(order func(a, b Sum) int) []Sum {
	sums := make([]Sum, 0, len(t))
	for _, sum := range t {
		sums = append(sums, *sum)
	}
	slices.SortFunc(sums, order)
	return sums
}
