package app

import (
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/saml/sp"
)

// rememberedMax bounds how many platforms are kept; a server that serves more at once reads some of them again.
const rememberedMax = 1024

// remembered keeps platforms as they were read, parsed and with their keys open. Whoever uses one has to compare its version with what the
// database says now. The zero value is ready.
type remembered struct {
	mu        sync.Mutex
	platforms map[string]rememberedPlatform
}

type rememberedPlatform struct {
	connection sp.Connection
	until      time.Time // when one of its keys expires; zero = never
}

// find returns what is kept of a platform.
func (m *remembered) find(platformID string, now time.Time) (sp.Connection, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.platforms[platformID]
	if !ok || !kept.until.IsZero() && !now.Before(kept.until) {
		return sp.Connection{}, false
	}
	return kept.connection, true
}

// keep remembers a platform that can be compared and whose metadata was read: an unreadable file would be kept whole.
func (m *remembered) keep(connection sp.Connection, until time.Time) {
	if connection.Version == "" || connection.IdP == nil {
		m.drop(connection.PlatformID)
		return
	}
	connection.IdPMetadata = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.platforms == nil || len(m.platforms) >= rememberedMax {
		m.platforms = map[string]rememberedPlatform{}
	}
	m.platforms[connection.PlatformID] = rememberedPlatform{connection, until}
}

// drop forgets a platform.
func (m *remembered) drop(platformID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.platforms, platformID)
}
