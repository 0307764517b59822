// Package webhooks tells partners' own servers what happened: signed messages in the Standard Webhooks format, queued from
// the outbox and sent at least once, with retries, a log, a test message and replay (capability exposure, A01).
//
// It owns the tables webhook_endpoints and webhook_deliveries. It does not own the events (sales/events), nor which of them
// a partner may read (sales/access), which is judged when a message is queued and again when it is sent. It does not decide
// which addresses may be called either: cmd hands it a client that calls public ones only. Cloud resellers have no
// endpoints (P12); their distributor's are told of what happens to them, as it may read it.
//
// Neighbours: the relay of sales/events hands it events, cmd runs its sender and sweep.
package webhooks
