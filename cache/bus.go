package cache

import (
	"bytes"
	"context"
	"sync"
)

// backlog is how many messages a subscriber may be behind before it loses some.
const backlog = 64

// localBus is publish and subscribe within this process. The zero value is ready.
type localBus struct {
	mu     sync.Mutex
	closed bool
	subs   map[string]map[chan []byte]struct{}
}

func (b *localBus) publish(channel string, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for sub := range b.subs[channel] {
		select {
		case sub <- bytes.Clone(payload):
		default: // it does not keep up
		}
	}
}

// subscribe registers before it returns, so that nothing published afterwards is missed.
func (b *localBus) subscribe(ctx context.Context, channel string) <-chan []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	sub := make(chan []byte, backlog)
	if b.closed {
		close(sub)
		return sub
	}
	if b.subs == nil {
		b.subs = make(map[string]map[chan []byte]struct{})
	}
	if b.subs[channel] == nil {
		b.subs[channel] = make(map[chan []byte]struct{})
	}
	b.subs[channel][sub] = struct{}{}
	context.AfterFunc(ctx, func() { b.drop(channel, sub) })
	return sub
}

func (b *localBus) drop(channel string, sub chan []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.subs[channel][sub]; !there {
		return
	}
	delete(b.subs[channel], sub)
	if len(b.subs[channel]) == 0 {
		delete(b.subs, channel)
	}
	close(sub)
}

func (b *localBus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, subs := range b.subs {
		for sub := range subs {
			close(sub)
		}
	}
	b.subs = nil
}
