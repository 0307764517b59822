// Package filestest keeps files in memory for tests, which can list them.
package filestest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/partnergraph/partnergraph/sales/files"
)

// Memory keeps objects. The zero value is ready; it is safe for concurrent use.
type Memory struct {
	// Failing is what Put answers after it has kept the object, as stores do that could not acknowledge in time; nil = nothing.
	Failing error

	mu      sync.Mutex
	objects map[string][]byte
}

var _ files.Objects = (*Memory)(nil)

// Put keeps an object.
func (m *Memory) Put(_ context.Context, key string, body io.ReadSeeker, _ int64, _ string) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	m.Set(key, content)
	return m.Failing
}

// Open reads an object.
func (m *Memory) Open(_ context.Context, key string) (io.ReadCloser, error) {
	content := m.Content(key)
	if content == nil {
		return nil, files.ErrNoObject
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Remove removes an object.
func (m *Memory) Remove(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Set keeps an object as it is.
func (m *Memory) Set(key string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key] = content
}

// Content returns an object, nil when there is none.
func (m *Memory) Content(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.objects[key]
}

// Keys returns the keys of all objects, sorted.
func (m *Memory) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
