// Package cache is what Redis is good for, and the same in this process's memory: values that may be forgotten.
//
// It owns: bytes by key, values kept true by lease and version, counters for rate limits, publish and subscribe between
// replicas, and surviving a Redis that is down, slow or flushed. It does not own the truth of anything: whoever reads it
// can do without it. It knows neither SQL nor the domain.
//
// Neighbours: rooms, session and the doors stand it in front of their SQL; cache/cachetest holds both implementations to
// the same behaviour.
//
// # Lease and version
//
// A reader that misses is given a lease, reads the database, and fills the cache under that lease. A writer invalidates
// after its commit with the version it wrote, which drops the value, drops the lease and raises the lowest version that
// may be filled from then on. So neither a reader that was slow, nor one that read an old replica, can put back what the
// writer has made old.
package cache
