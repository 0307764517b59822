// Package floors holds no code but a test: which package may import which. The picture is docs/architecture.md; whoever
// changes one changes the other, and says why in docs/decisions.
package floors
