// Package events remembers what happened: the audit record and the outbox rows that make others act on it.
//
// It owns the tables events and outbox, writing them inside the operation's own transaction, and the relay that delivers
// outbox rows at least once. It does not own what consumers do, nor who may read the record: cmd hands it the scope.
//
// Neighbours: every room records here; it uses store and models only.
package events
