package cache

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

// Limits that both implementations share.
const (
	// MaxLeasedTTL bounds how long a leased value is kept, and thus how long it can be wrong if an invalidation is lost
	// together with the process that owed it.
	MaxLeasedTTL = 10 * time.Minute
	// leaseTTL is how long a reader has to fill; until it ends, other readers of the key do not fill.
	leaseTTL = 10 * time.Second
	// floorTTL is how long the lowest version is remembered; longer than any reader can hold on to an old snapshot.
	floorTTL = time.Hour
)

// Bytes keeps plain values that never change under their key, such as documents by hash.
type Bytes interface {
	// Get returns the value of key; false when it is not there, or the cache is not.
	Get(ctx context.Context, key string) ([]byte, bool)
	// Set keeps value for ttl at most, which must be positive.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration)
	// Delete forgets key.
	Delete(ctx context.Context, key string)
}

// Entry is the answer of Lookup. Without Hit, a Lease that is not empty asks the reader to Fill; an empty one asks it
// to read the database and leave the cache alone.
type Entry struct {
	Value   []byte
	Version int64
	Hit     bool
	Lease   string
}

// Leased keeps values that change, each with the version of the row it shows.
type Leased interface {
	// Lookup returns the value of key, or a lease.
	Lookup(ctx context.Context, key string) Entry
	// Fill stores what the reader found, unless the lease is gone or the version lower than an invalidated one, and
	// reports whether it did. A ttl over MaxLeasedTTL is cut to it.
	Fill(ctx context.Context, key, lease string, version int64, value []byte, ttl time.Duration) bool
	// Invalidate drops values and leases older than version. Call it after the commit that wrote version. An error
	// means that Redis does not know yet: this process remembers and tries again, but other replicas may show the old
	// value until an outbox relay has called Invalidate with success.
	Invalidate(ctx context.Context, key string, version int64) error

	// LookupAll is Lookup of many keys, FillAll Fill and InvalidateAll Invalidate, each in one round trip; a key occurs once.
	// The entries come in the order of the keys.
	LookupAll(ctx context.Context, keys []string) []Entry
	FillAll(ctx context.Context, fillings []Filling, ttl time.Duration)
	// InvalidateAll returns an error when Redis does not know of some of them yet; then all should be tried again.
	InvalidateAll(ctx context.Context, invalidations []Invalidation) error
}

// Filling is what a reader found for a key that it holds the lease of.
type Filling struct {
	Key, Lease string
	Version    int64
	Value      []byte
}

// Invalidation names a key and the version that was written.
type Invalidation struct {
	Key     string
	Version int64
}

// Counters count what happens under a key within a window that starts with the first hit. While Redis is away each
// replica counts alone, so that limits grow with the number of replicas rather than vanish.
type Counters interface {
	// Hit counts one and returns the count with it. The error is always nil; it satisfies the interfaces of rooms.
	Hit(ctx context.Context, key string, window time.Duration) (int64, error)
	// Allow counts one against limit; when it is over, retryAfter is the time until the window ends. A process may take up to a 64th of
	// the limit at once, no more than it has used of it so far: whoever calls through several may be refused that much earlier by each,
	// never later.
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (ok bool, retryAfter time.Duration)
}

// Bus tells other replicas that something happened. Messages may be lost: they are hints to look again.
type Bus interface {
	// Publish sends payload to the subscribers of channel. An error means that only this replica's heard it.
	Publish(ctx context.Context, channel string, payload []byte) error
	// Subscribe delivers what is published from now on until ctx ends, and then closes the channel. A subscriber that
	// does not keep up loses messages.
	Subscribe(ctx context.Context, channel string) (<-chan []byte, error)
}

// Cache is all of it.
type Cache interface {
	Bytes
	Leased
	Counters
	Bus
	// Ping asks whether the cache answers; for health pages, not for deciding anything.
	Ping(ctx context.Context) error
	// Close ends subscriptions and connections.
	Close() error
}

// Options are the settings of a cache. The zero value of each field means the default named with it.
type Options struct {
	MaxBytes int64                // of the memory implementation, oldest use goes first; default 64 MiB
	Timeout  time.Duration        // of one Redis call; default 250 ms
	Prefix   string               // in front of every Redis key; default "partnergraph:"
	Now      func() time.Time     // default time.Now; Redis uses its own clock
	Logger   *slog.Logger         // default slog.Default()
	Tracer   trace.TracerProvider // default otel.GetTracerProvider()
}

// Option changes one of the Options.
type Option func(*Options)

// WithOptions replaces all settings at once, as program configuration does.
func WithOptions(options Options) Option { return func(o *Options) { *o = options } }

// WithNow sets the clock of the memory implementation.
func WithNow(now func() time.Time) Option { return func(o *Options) { o.Now = now } }

// WithMaxBytes bounds the memory implementation.
func WithMaxBytes(n int64) Option { return func(o *Options) { o.MaxBytes = n } }

// WithPrefix keeps several installations in one Redis apart.
func WithPrefix(prefix string) Option { return func(o *Options) { o.Prefix = prefix } }

// Open returns the cache at url:
//
//	memory:                             in this process, for a single replica
//	redis://user:password@host:6379/0   rediss:// with TLS
//	redis://host1:6379,host2:6379       a cluster; options are those of the first address
//	redis://s1:26379,s2:26379?master=m  found through sentinels
//	redis://host:6379/0?prefix=north    every key begins with it: installations that share a Redis have one each
//
// A malformed url is an error that does not contain it. A Redis that does not answer is none: it may come back.
func Open(ctx context.Context, url string, opts ...Option) (Cache, error) {
	var options Options
	for _, opt := range opts {
		opt(&options)
	}
	options = options.withDefaults()
	switch {
	case url == "memory:":
		return newMemory(options), nil
	case strings.HasPrefix(url, "redis://"), strings.HasPrefix(url, "rediss://"):
		return openRedis(ctx, url, options)
	default:
		return nil, fmt.Errorf("cache: the url starts with neither memory: nor redis:// nor rediss://")
	}
}

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 250 * time.Millisecond
	}
	if o.Prefix == "" {
		o.Prefix = "partnergraph:"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	return o
}
