package events

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Recorder writes events. Its fields are set once, before use; it is then safe for concurrent use.
type Recorder struct {
	IDs models.IDSource
	Now func() time.Time
	// Consumers names, per event type, who is told through the outbox.
	Consumers map[models.EventType][]string
	// Wanted, by consumer, leaves out events that it has no use for, so that those cost nothing. It is asked inside transactions
	// and must neither wait nor ask the database. Optional: a consumer without one is told of all.
	Wanted map[string]func(models.Event) bool
}

// Record writes the events and their outbox rows in the caller's transaction, filling in id, time, actor and request.
func (r *Recorder) Record(ctx context.Context, tx bun.IDB, who models.Principal, happened ...models.Event) error {
	filled, due := r.Fill(who, happened...)
	script := store.NewScript(tx)
	r.AddTo(script, filled, due)
	return script.Exec(ctx)
}

// Fill completes events with id, time, actor and request, and returns them with their outbox rows, for a group that writes
// them together with AddTo.
func (r *Recorder) Fill(who models.Principal, happened ...models.Event) ([]models.Event, []models.OutboxRow) {
	now := r.Now().UTC()
	var due []models.OutboxRow
	for i := range happened {
		event := &happened[i]
		event.ID, event.CreatedAt = r.IDs(models.PrefixEvent), now
		event.ActorKind, event.ActorID, event.ActorOrgID = who.Kind, who.ActorID(), who.OrgID()
		event.RequestID, event.RemoteAddr = who.RequestID, who.RemoteAddr
		for _, consumer := range r.Consumers[event.Type] {
			if wanted := r.Wanted[consumer]; wanted != nil && !wanted(*event) {
				continue
			}
			due = append(due, models.OutboxRow{EventID: event.ID, Consumer: consumer, DueAt: now, CreatedAt: now})
		}
	}
	return happened, due
}

// AddTo appends filled events and their outbox rows to a script.
func (r *Recorder) AddTo(script *store.Script, filled []models.Event, due []models.OutboxRow) {
	if len(filled) > 0 {
		script.Insert(&filled)
	}
	if len(due) > 0 {
		script.Insert(&due)
	}
}
