package storefront

import (
	"context"

	"github.com/partnergraph/partnergraph/examples/storefront/webhook"
)

// keepTold is how many of the latest messages the page shows.
const keepTold = 10

// webhook takes a message that is genuine and new. A real platform would look up by GraphQL what the message names.
func (s *Storefront) webhook(_ context.Context, m webhook.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append([]webhook.Message{m}, s.told...)
	s.told = s.told[:min(len(s.told), keepTold)]
	return nil
}

// latest returns what webhooks told, the latest first.
func (s *Storefront) latest() []webhook.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]webhook.Message(nil), s.told...)
}
