package models

import (
	"time"

	"github.com/uptrace/bun"
)

// BalanceAlertState is what an alert waits for.
type BalanceAlertState string

// The states of an alert.
const (
	AlertArmed     BalanceAlertState = "ARMED"     // waits for the balance to fall below the threshold
	AlertTriggered BalanceAlertState = "TRIGGERED" // has told its owner, and waits for the balance to come back
)

// BalanceAlert asks to be told when what an owner has available falls below a threshold (M09). An owner has one at most.
type BalanceAlert struct {
	bun.BaseModel `bun:"table:balance_alerts,alias:al"`

	OwnerID        ID                `bun:"owner_id,pk"` // a partner's or a customer's
	OwnerKind      OwnerKind         `bun:"owner_kind"`
	Currency       Currency          `bun:"currency"`
	ThresholdMinor int64             `bun:"threshold_minor"` // more than zero
	Enabled        bool              `bun:"enabled"`
	State          BalanceAlertState `bun:"state"`
	Version        int64             `bun:"version"`      // grows by one with every change, so that who has read an older one does not write
	TriggeredAt    *time.Time        `bun:"triggered_at"` // the last time; nil = never
	CreatedAt      time.Time         `bun:"created_at"`
	UpdatedAt      time.Time         `bun:"updated_at"`
}

// Threshold returns the amount below which the owner is told.
func (a BalanceAlert) Threshold() Money { return NewMoney(a.ThresholdMinor, a.Currency) }

// Ask returns the alert with another threshold, switched on or off. One that is switched off waits armed, so that switching
// it on again looks afresh. One that has told its owner stays so under another threshold: only coming back above arms it.
func (a BalanceAlert) Ask(thresholdMinor int64, enabled bool, now time.Time) BalanceAlert {
	if a.State == "" || !enabled {
		a.State = AlertArmed
	}
	a.ThresholdMinor, a.Enabled, a.UpdatedAt = thresholdMinor, enabled, now
	a.Version++
	return a
}

// See returns the alert after its owner's available balance was seen, and whether that is a crossing to tell the owner of.
// An armed alert below its threshold triggers, a triggered one at or above it is armed again, any other stays as it is.
func (a BalanceAlert) See(availableMinor int64, now time.Time) (seen BalanceAlert, crossed bool) {
	below := availableMinor < a.ThresholdMinor
	switch {
	case !a.Enabled:
		return a, false
	case a.State == AlertArmed && below:
		a.State, a.TriggeredAt, a.UpdatedAt = AlertTriggered, &now, now
		a.Version++
		return a, true
	case a.State == AlertTriggered && !below:
		a.State, a.UpdatedAt = AlertArmed, now
		a.Version++
	}
	return a, false
}
