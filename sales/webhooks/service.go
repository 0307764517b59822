package webhooks

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Consumer is the name under which the outbox keeps events for this room.
const Consumer = "webhooks"

// Defaults of what Service leaves at zero.
const (
	defaultTimeout     = 15 * time.Second
	defaultGrace       = 5 * time.Second
	defaultConcurrency = 64
	defaultPerEndpoint = 4
	defaultPoll        = time.Second
)

const (
	// leaseBeyondTimeout is what a lease lasts longer than an attempt, for what comes before and after the request.
	leaseBeyondTimeout = 45 * time.Second
	interestPoll       = time.Second
	// perFailing is how many attempts an endpoint has at once whose last one failed.
	perFailing = 1

	maxDescription = 200
	maxURL         = 2048
	maxReplayed    = 1000 // events of one call
	maxOldSecrets  = 4
	sweepBatch     = 1000
	// clockSkew is how far the clocks of replicas, which ids are made from, may be apart.
	clockSkew = time.Minute
)

// The names of the lists, which their cursors carry.
const (
	listEndpoints  = "webhookEndpoints"
	listDeliveries = "webhookEndpoint.deliveries"
)

// The inputs that a refusal may name.
const (
	fieldURL         = "url"
	fieldDescription = "description"
	fieldEventTypes  = "eventTypes"
	fieldState       = "state"
	fieldSince       = "since"
	fieldAfter       = "after"
	fieldEndpoint    = "endpointId"
	fieldDelivery    = "deliveryId"
	fieldPartner     = "partnerId"
)

// Doer sends one request. It must not follow redirects, and must refuse addresses that are not public, with an error that has
// a method AddressRefused() bool somewhere in its chain.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Targets says whether an address may be an endpoint's at all; its errors are shown to people.
type Targets interface {
	CheckURL(raw string) error
}

// Sealer encrypts at rest. The context belongs to the sealed value: another one does not open it.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
}

// Meter is told of every attempt, and of how long the oldest message has been due. It must be safe for concurrent use.
type Meter interface {
	// Attempted has the outcome DELIVERED, WITHHELD, INTERRUPTED or the reason of a failure, and whether there is another attempt.
	Attempted(outcome string, again bool, took time.Duration)
	Waiting(oldest time.Duration)
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe for
// concurrent use.
type Service struct {
	DB      *store.DB
	Now     func() time.Time
	IDs     models.IDSource
	Events  *events.Recorder
	Seal    Sealer
	Random  io.Reader // of cryptographic quality, for secrets
	Client  Doer
	Targets Targets
	Logger  *slog.Logger
	Meter   Meter          // optional
	Jitter  func() float64 // from 0 to 1, for the waits between attempts

	// Timeout bounds one attempt, answer included; zero means 15 seconds.
	Timeout time.Duration
	// Grace is how long attempts under way may take to finish when Run ends; zero means 5 seconds.
	Grace time.Duration
	// Concurrency and PerEndpoint bound the attempts under way at once in this process; zero means 64, and 4 for one endpoint. An
	// endpoint whose last attempt failed has one at a time.
	Concurrency, PerEndpoint int
	// Poll is how long Run waits when nothing is due; zero means a second.
	Poll time.Duration

	interest atomic.Pointer[interest]
	once     sync.Once
	wakeUp   chan struct{}
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
