package app

import (
	"crypto/sha256"
	"sync"

	"github.com/partnergraph/partnergraph/saml"
)

// parsedMax bounds how many platforms' metadata is kept; a server that serves more at once reads some of it again.
const parsedMax = 1024

// parsed keeps what was read from identity providers' metadata, which each login would else read twice. The file's digest is the key, so
// that a file that was replaced counts from the next request on. The zero value is ready.
type parsed struct {
	mu    sync.Mutex
	files map[[sha256.Size]byte]saml.IdPMetadata
}

// metadata returns what the file says, or nil when it cannot be used; whoever needs it then says so.
func (p *parsed) metadata(file string, dev bool) *saml.IdPMetadata {
	digest := sha256.Sum256([]byte(file))
	p.mu.Lock()
	kept, ok := p.files[digest]
	p.mu.Unlock()
	if ok {
		return &kept
	}
	read, _, err := saml.ParseIdPMetadata([]byte(file), saml.AllowLoopback(dev))
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.files == nil || len(p.files) >= parsedMax {
		p.files = map[[sha256.Size]byte]saml.IdPMetadata{}
	}
	p.files[digest] = read
	return &read
}
