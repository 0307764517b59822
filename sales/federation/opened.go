package federation

import (
	"bytes"
	"sync"

	"github.com/partnergraph/partnergraph/models"
)

// openedMax bounds how many open keys are kept; a server that serves more platforms at once opens some of them again.
const openedMax = 1024

// opened keeps keys that were opened, since each login would else unseal and check the same ones twice. The row is read every time: it
// says whether the key still exists and what it is for, and any change of what is sealed opens it anew. The zero value is ready.
type opened struct {
	mu   sync.Mutex
	keys map[models.ID]openedKey
}

type openedKey struct {
	sealed, certificate []byte
	key                 Key
}

// find returns the key of exactly this row.
func (o *opened) find(row models.SigningKey) (Key, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept, ok := o.keys[row.ID]
	if !ok || !bytes.Equal(kept.sealed, row.KeySealed) || !bytes.Equal(kept.certificate, row.Certificate) {
		return Key{}, false
	}
	key := kept.key
	key.State, key.ExpiresAt = row.State, row.ExpiresAt
	return key, true
}

// keep remembers a key that was opened from this row.
func (o *opened) keep(row models.SigningKey, key Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys == nil || len(o.keys) >= openedMax {
		o.keys = map[models.ID]openedKey{}
	}
	o.keys[row.ID] = openedKey{sealed: row.KeySealed, certificate: row.Certificate, key: key}
}

// keyOf opens a row's key, or finds it open.
func (s *Service) keyOf(row models.SigningKey) (Key, error) {
	if key, ok := s.opened.find(row); ok {
		return key, nil
	}
	key, err := s.openKey(row)
	if err == nil {
		s.opened.keep(row, key)
	}
	return key, err
}
