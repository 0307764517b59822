package webhooks

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// SendTestWebhook names the endpoint to try.
type SendTestWebhook struct{ EndpointID models.ID }

// QueuedWebhook is a delivery that waits to be sent.
type QueuedWebhook struct{ WebhookDelivery models.WebhookDelivery }

// SendTest queues a message of the type webhook.test for one endpoint. Errors: UNAUTHENTICATED, FORBIDDEN without
// EXPOSURE_WRITE, NOT_FOUND, ErrDisabled.
func (s *Service) SendTest(ctx context.Context, who models.Principal, cmd SendTestWebhook) (QueuedWebhook, error) {
	if err := authorise(who, cmd.EndpointID, models.PrefixWebhookEndpoint, fieldEndpoint); err != nil {
		return QueuedWebhook{}, err
	}
	var queued models.WebhookDelivery
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		endpoint, err := s.endpointForUpdate(ctx, tx, who, cmd.EndpointID)
		if err != nil {
			return err
		}
		if endpoint.State != models.WebhookEnabled {
			return ErrDisabled
		}
		happened := []models.Event{{
			Type: models.EventWebhookTest, SubjectID: string(endpoint.ID), PartnerID: endpoint.PartnerID,
			Data: map[string]any{fieldEndpoint: endpoint.ID},
		}}
		if err := s.Events.Record(ctx, tx, who, happened...); err != nil {
			return err
		}
		queued = s.delivery(endpoint.ID, happened[0])
		return insertDeliveries(ctx, tx, []models.WebhookDelivery{queued})
	})
	if err != nil {
		return QueuedWebhook{}, err
	}
	s.Nudge()
	return QueuedWebhook{WebhookDelivery: queued}, nil
}

// ReplayWebhookDelivery names the delivery to send again.
type ReplayWebhookDelivery struct{ DeliveryID models.ID }

// Replay queues one delivery again, whatever became of it, with all its attempts before it; the message keeps its id. One
// that waits is due at once. Errors as SendTest.
func (s *Service) Replay(ctx context.Context, who models.Principal, cmd ReplayWebhookDelivery) (QueuedWebhook, error) {
	if err := authorise(who, cmd.DeliveryID, models.PrefixWebhookDelivery, fieldDelivery); err != nil {
		return QueuedWebhook{}, err
	}
	var queued models.WebhookDelivery
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		delivery, found, err := selectDelivery(ctx, tx, who, cmd.DeliveryID)
		if err != nil {
			return err
		}
		if !found {
			return models.NotFound("webhook delivery")
		}
		// The endpoint first, as everybody who locks both.
		endpoint, err := s.endpointForUpdate(ctx, tx, who, delivery.EndpointID)
		if err != nil {
			return err
		}
		if endpoint.State != models.WebhookEnabled {
			return ErrDisabled
		}
		if err := updateQueuedAgain(ctx, tx, []models.ID{delivery.ID}, s.now()); err != nil {
			return err
		}
		if queued, _, err = selectDelivery(ctx, tx, who, delivery.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventWebhookReplayed, endpoint, nil, map[string]any{"deliveryId": delivery.ID}, endpoint)
	})
	if err != nil {
		return QueuedWebhook{}, err
	}
	s.Nudge()
	return QueuedWebhook{WebhookDelivery: queued}, nil
}

// ReplayWebhookEvents says which events to send again.
type ReplayWebhookEvents struct {
	EndpointID models.ID
	Since      time.Time  // at most models.WebhookRetention ago
	After      *models.ID // the event that the call before this one ended with; nil = from Since on
	// IncludeDelivered also sends what was accepted before; nil and false send what failed and what was never queued.
	IncludeDelivered *bool
}

// ReplayedWebhookEvents says how far a replay came.
type ReplayedWebhookEvents struct {
	Count     int        // how many deliveries were queued
	NextAfter *models.ID // to go on from; nil = there are no more events
}

// ReplayEvents queues the events since a time that the endpoint asks for and its owner may read, the oldest first: at most
// 1,000 are looked at in one call. Errors as SendTest, and INVALID with the field.
func (s *Service) ReplayEvents(ctx context.Context, who models.Principal, cmd ReplayWebhookEvents) (ReplayedWebhookEvents, error) {
	if err := authorise(who, cmd.EndpointID, models.PrefixWebhookEndpoint, fieldEndpoint); err != nil {
		return ReplayedWebhookEvents{}, err
	}
	now := s.now()
	switch age := now.Sub(cmd.Since); {
	case age > models.WebhookRetention:
		return ReplayedWebhookEvents{}, models.Invalid(fieldSince, "since is at most 30 days ago.")
	case age < 0:
		return ReplayedWebhookEvents{}, models.Invalid(fieldSince, "since is in the future.")
	}
	if cmd.After != nil {
		if err := cmd.After.Require(models.PrefixEvent, fieldAfter); err != nil {
			return ReplayedWebhookEvents{}, err
		}
	}
	var done ReplayedWebhookEvents
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		done, err = s.replayIn(ctx, tx, who, cmd)
		return err
	})
	if err != nil {
		return ReplayedWebhookEvents{}, err
	}
	s.Nudge()
	return done, nil
}

func (s *Service) replayIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReplayWebhookEvents) (ReplayedWebhookEvents, error) {
	var none, done ReplayedWebhookEvents
	endpoint, err := s.endpointForUpdate(ctx, tx, who, cmd.EndpointID)
	if err != nil {
		return none, err
	}
	if endpoint.State != models.WebhookEnabled {
		return none, ErrDisabled
	}
	if err := maySend(who, endpoint.EventTypes); err != nil {
		return none, err
	}
	reader, found, err := selectOwned(ctx, tx, endpoint.ID)
	if err != nil || !found {
		return none, err
	}
	after := lowestEventID(cmd.Since.Add(-clockSkew))
	if cmd.After != nil {
		after = max(after, *cmd.After)
	}
	happened, err := selectEventsSince(ctx, tx, reader, cmd.Since.UTC(), after, maxReplayed+1)
	if err != nil || len(happened) == 0 {
		return none, err
	}
	if len(happened) > maxReplayed {
		happened = happened[:maxReplayed]
		done.NextAfter = &happened[maxReplayed-1].ID
	}
	again, missing, err := s.sortOut(ctx, tx, endpoint.ID, happened, cmd.IncludeDelivered != nil && *cmd.IncludeDelivered)
	if err != nil {
		return none, err
	}
	if err := updateQueuedAgain(ctx, tx, again, s.now()); err != nil {
		return none, err
	}
	if err := insertDeliveries(ctx, tx, missing); err != nil {
		return none, err
	}
	done.Count = len(again) + len(missing)
	return done, s.record(ctx, tx, who, models.EventWebhookReplayed, endpoint, nil, map[string]any{
		"since": cmd.Since.UTC().Format(time.RFC3339), "deliveries": done.Count,
	}, endpoint)
}

// sortOut tells the deliveries that are to be sent again from those that there are none of yet.
func (s *Service) sortOut(ctx context.Context, tx bun.IDB, endpoint models.ID, happened []models.Event, delivered bool) (again []models.ID, missing []models.WebhookDelivery, err error) {
	ids := make([]models.ID, len(happened))
	for i, event := range happened {
		ids[i] = event.ID
	}
	there, err := selectDeliveriesOf(ctx, tx, endpoint, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, event := range happened {
		delivery, queued := there[event.ID]
		switch {
		case !queued:
			missing = append(missing, s.delivery(endpoint, event))
		case delivery.State == models.WebhookPending: // it is on its way
		case delivery.State != models.WebhookDelivered || delivered:
			again = append(again, delivery.ID)
		}
	}
	return again, missing, nil
}

// lowestEventID is before every event of this time and later: the first 48 bits of an id are its milliseconds.
func lowestEventID(at time.Time) models.ID {
	var uuid [16]byte
	millis := max(at.UnixMilli(), 0)
	for i := range 6 {
		uuid[i] = byte(millis >> (8 * (5 - i)))
	}
	id, err := models.IDFromUUID(models.PrefixEvent, uuid)
	if err != nil {
		panic(fmt.Sprintf("webhooks: %v", err)) // the prefix is a constant
	}
	return id
}
