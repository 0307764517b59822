package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// ErrNoObject is what Objects answer for a key under which there is nothing.
var ErrNoObject = errors.New("files: there is no such object")

// Objects keep files under keys such as download/upl_01h455vb4pex5vsknk084sn02q.png. Implementations are safe for concurrent use.
type Objects interface {
	// Put keeps a file as a whole or not at all.
	Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType string) error
	// Open reads a file, or is ErrNoObject.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Remove takes a file away; there may be none.
	Remove(ctx context.Context, key string) error
}

// Gate says who may bring attachments; sales/verification, which lives above this room, does.
type Gate interface {
	MayAttach(ctx context.Context, who models.Principal) error
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB      *store.DB
	Now     func() time.Time
	IDs     models.IDSource
	Events  *events.Recorder
	Objects Objects // nil = this server keeps no files
	Gate    Gate
	Random  io.Reader // of cryptographic quality, for tokens
	Origin  string    // what upload URLs begin with, such as https://sales.example.com
	TempDir string    // where files are while they are judged; empty = the system's
	Logger  *slog.Logger

	// judging lets one file at a time be decoded: a picture of a few kilobytes may take a hundred megabytes.
	judging sync.Mutex
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
