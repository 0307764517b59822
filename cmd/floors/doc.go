// Package floors holds no code but tests: which package may import which, and that no module we build with has a known
// advisory (advisories.txt). The picture of the floors is docs/architecture.md; whoever changes one changes the other, and
// says why in docs/decisions.
package floors
