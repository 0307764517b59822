// Package cachetest holds every cache to the same behaviour and gives tests a Redis of their own.
//
// It owns: the conformance suite, and a prefix per test on the server that TEST_REDIS_URL names and `make test` starts.
// It does not own the behaviour while Redis fails, which is Redis's alone (cache's own tests). Neighbours: cache, and the
// tests of whoever uses a cache.
package cachetest
