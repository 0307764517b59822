package webhooks

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Enqueue queues one delivery for each endpoint that asks for the event and whose owner may read it. It is the handler of
// the outbox's relay: an event that comes twice is queued once. Endpoints hear of what happens from their creation on.
func (s *Service) Enqueue(ctx context.Context, event models.Event) error {
	if !models.IsWebhookEvent(event.Type) {
		return nil
	}
	asking, err := selectAsking(ctx, s.DB, event.PartnerID)
	if err != nil {
		return err
	}
	asking = slices.DeleteFunc(asking, func(e owned) bool { return !e.Wants(event.Type) || event.CreatedAt.Before(e.CreatedAt) })
	var queued []models.WebhookDelivery
	for _, endpoint := range asking {
		_, visible, err := selectVisibleEvent(ctx, s.DB, endpoint, event.ID)
		if err != nil {
			return err
		}
		if visible {
			queued = append(queued, s.delivery(endpoint.ID, event))
		}
	}
	if len(queued) == 0 {
		return nil
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return insertDeliveries(ctx, tx, queued) })
	if err == nil {
		s.Nudge()
	}
	return err
}

func (s *Service) delivery(endpoint models.ID, event models.Event) models.WebhookDelivery {
	now := s.now()
	return models.WebhookDelivery{
		ID: s.IDs(models.PrefixWebhookDelivery), EndpointID: endpoint, EventID: event.ID, EventType: event.Type, State: models.WebhookPending,
		DueAt: now, CreatedAt: now, UpdatedAt: now,
	}
}

// owned is an endpoint with the kind of the partner that owns it, which is empty for the operators'.
type owned struct {
	models.WebhookEndpoint `bun:",extend"`

	OwnerKind models.PartnerKind `bun:"owner_kind,scanonly"`
}

// principal is who the endpoint reads as: its owner with no more rights than rows.
func (e owned) principal() models.Principal {
	if e.PartnerID == "" {
		return models.Principal{Kind: models.Operator}
	}
	return models.Principal{Kind: models.PartnerKey, PartnerID: e.PartnerID, PartnerKind: e.OwnerKind}
}

// mayHave reports whether the owner may have endpoints at all, which a partner whose kind was changed may not (P12).
func (e owned) mayHave() bool { return e.PartnerID == "" || e.OwnerKind.HasExposure() }
