package watch

import (
	"maps"
	"slices"
	"sync"

	"github.com/partnergraph/partnergraph/models"
)

// maxNoted bounds how many objects are remembered; those beyond it wait for whoever looks at all.
const maxNoted = 2000

// Noted remembers objects that have changed in this process until somebody looks at them. A hot one is remembered once however often it
// changes. The zero value is empty; it is safe for concurrent use.
type Noted struct {
	mu  sync.Mutex
	ids map[models.ID]struct{}
}

// Add remembers an object.
func (n *Noted) Add(id models.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids = make(map[models.ID]struct{})
	}
	if len(n.ids) < maxNoted {
		n.ids[id] = struct{}{}
	}
}

// Take forgets what is remembered and returns it, sorted.
func (n *Noted) Take() []models.ID {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := slices.Sorted(maps.Keys(n.ids))
	n.ids = nil
	return ids
}
