package exposure

import (
	"io"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// MetadataChecker reads an identity provider's metadata and refuses what a login could not be trusted with. Its errors
// are models.Error or plain; the plain ones are shown as INVALID with their text.
type MetadataChecker interface {
	CheckIDPMetadata(xml []byte) (models.IDPFacts, error)
}

// Sealer encrypts at rest. The context belongs to the sealed value: another one does not open it.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB       *store.DB
	Now      func() time.Time
	IDs      models.IDSource
	Events   *events.Recorder
	Seal     Sealer
	Metadata MetadataChecker
	Uploads  Uploads
	Buckets  Buckets
	Limits   Limits    // slows tries of buckets down; nil = they are not, which only tests want
	Random   io.Reader // of cryptographic quality, for secrets and nonces
	Logger   *slog.Logger
	// OwnOrigin is this server's own origin, scheme://host[:port]; logins may always land below it.
	OwnOrigin string
	// Dev also allows http to loopback addresses and *.localhost; never in production.
	Dev bool
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
