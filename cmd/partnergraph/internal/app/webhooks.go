package app

import (
	"math/rand/v2"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/outbound"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// wireWebhooks makes the room that tells partners' servers what happened, and lets the outbox keep for it what their endpoints
// ask for.
func (a *App) wireWebhooks() {
	r := a.Rooms
	guard := outbound.Guard{Dev: a.cfg.Dev}
	r.Webhooks = &webhooks.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Random: random, Client: guard.Client(), Targets: guard,
		Logger: a.Log, Meter: a.metrics, Jitter: rand.Float64,
	}
	for _, kind := range models.WebhookEventTypes() {
		r.Recorder.Consumers[kind] = append(r.Recorder.Consumers[kind], webhooks.Consumer)
	}
	r.Recorder.Wanted = map[string]func(models.Event) bool{webhooks.Consumer: r.Webhooks.Wanted}
	a.relay(webhooks.Consumer, r.Webhooks.Enqueue)
}
