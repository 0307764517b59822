package cachetest

import (
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cache"
)

// Each runs fn once with the memory cache and once with Redis, as the parallel subtests "memory" and "redis".
func Each(t *testing.T, fn func(t *testing.T, c cache.Cache)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		fn(t, Open(t, "memory:"))
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		fn(t, Open(t, RedisURL(t)))
	})
}

// RedisURL returns TEST_REDIS_URL. Without it the test fails: a test that is skipped proves nothing.
func RedisURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("TEST_REDIS_URL")
	if url == "" {
		t.Fatal("cachetest: TEST_REDIS_URL is not set; run `make test`, which starts the servers that tests need")
	}
	return url
}

// patience is how long the tests' own Redis may take: what a cache does without one that is slow is for tests that slow one down.
const patience = 10 * time.Second

// Open opens the cache at url under a prefix of its own and closes it when the test ends.
func Open(t *testing.T, url string, opts ...cache.Option) cache.Cache {
	t.Helper()
	c, err := cache.Open(t.Context(), url, append([]cache.Option{func(o *cache.Options) {
		o.Prefix = "test:" + rand.Text() + ":"
		if url == os.Getenv("TEST_REDIS_URL") {
			o.Timeout = patience
		}
	}}, opts...)...)
	if err != nil {
		t.Fatalf("cachetest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("cachetest: close: %v", err)
		}
	})
	return c
}
