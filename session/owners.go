package session

import (
	"sync"

	"github.com/partnergraph/partnergraph/models"
)

// maxOwners bounds what a process remembers, at about 150 bytes each.
const maxOwners = 50_000

// owners remembers whose a token is, which never changes, so that a session and its person's epoch are asked for at once. It
// says nothing about whether the session lives. The zero value is ready.
type owners struct {
	mu    sync.RWMutex
	known map[[32]byte]models.ID
}

// of returns "" when it does not know.
func (o *owners) of(hash []byte) models.ID {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.known[[32]byte(hash)]
}

func (o *owners) note(hash []byte, userID models.ID) {
	if o.of(hash) == userID {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil || len(o.known) >= maxOwners {
		o.known = map[[32]byte]models.ID{}
	}
	o.known[[32]byte(hash)] = userID
}

func (o *owners) forget(hash []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, [32]byte(hash))
}
