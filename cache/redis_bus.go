package cache

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Publish implements Bus. While Redis is away this replica's own subscribers still hear.
func (r *Redis) Publish(ctx context.Context, channel string, payload []byte) error {
	err := r.do(ctx, "PUBLISH", func(ctx context.Context) error {
		return r.joiner.process(ctx, redis.NewIntCmd(ctx, "publish", r.key("p:", channel), payload))
	})
	if err != nil {
		r.local.bus.publish(channel, payload)
		return fmt.Errorf("cache: publish: %w", err)
	}
	return nil
}

// Subscribe implements Bus. The connection is made again by itself after a break; what was sent meanwhile is lost.
func (r *Redis) Subscribe(ctx context.Context, channel string) (<-chan []byte, error) {
	remote := r.client.Subscribe(ctx, r.key("p:", channel))
	// Once Redis confirms, nothing published later is missed. Without Redis the subscription starts with local messages.
	_ = r.do(ctx, "SUBSCRIBE", func(ctx context.Context) error {
		_, err := remote.Receive(ctx)
		return err
	})
	own := r.local.bus.subscribe(ctx, channel)
	out := make(chan []byte, backlog)
	messages := remote.Channel()
	go func() {
		defer close(out)
		defer func() { _ = remote.Close() }() // it is over either way
		for {
			var payload []byte
			select {
			case message, ok := <-messages:
				if !ok {
					return
				}
				payload = []byte(message.Payload)
			case local, ok := <-own: // closed when ctx ends or the cache closes
				if !ok {
					return
				}
				payload = local
			}
			select {
			case out <- payload:
			default: // it does not keep up
			}
		}
	}()
	return out, nil
}
