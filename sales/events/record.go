package events

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Recorder writes events. Its fields are set once, before use; it is then safe for concurrent use.
type Recorder struct {
	IDs models.IDSource
	Now func() time.Time
	// Consumers names, per event type, who is told through the outbox.
	Consumers map[models.EventType][]string
}

// Record writes the events and their outbox rows in the caller's transaction, filling in id, time, actor and request.
func (r *Recorder) Record(ctx context.Context, tx bun.IDB, who models.Principal, happened ...models.Event) error {
	if len(happened) == 0 {
		return nil
	}
	now := r.Now().UTC()
	var due []models.OutboxRow
	for i := range happened {
		event := &happened[i]
		event.ID, event.CreatedAt = r.IDs(models.PrefixEvent), now
		event.ActorKind, event.ActorID = who.Kind, who.ActorID()
		event.RequestID, event.RemoteAddr = who.RequestID, who.RemoteAddr
		for _, consumer := range r.Consumers[event.Type] {
			due = append(due, models.OutboxRow{EventID: event.ID, Consumer: consumer, DueAt: now, CreatedAt: now})
		}
	}
	if _, err := tx.NewInsert().Model(&happened).Exec(ctx); err != nil {
		return err
	}
	if len(due) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&due).Exec(ctx)
	return err
}
