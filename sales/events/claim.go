package events

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// claim leases up to size due rows and loads their events, in the order of the events. It looks before it begins a
// transaction: an idle relay must not make writers wait.
func (r *Relay) claim(ctx context.Context, size int) ([]delivery, error) {
	now := r.Now().UTC()
	due, err := existsDue(ctx, r.DB, r.Consumer, now)
	if err != nil || !due {
		return nil, err
	}
	var rows []models.OutboxRow
	err = r.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		rows, err = claimDue(ctx, tx, r.Consumer, now, now.Add(or(r.Lease, defaultLease)), size)
		return err
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b models.OutboxRow) int { return strings.Compare(string(a.EventID), string(b.EventID)) })
	happened, err := selectEvents(ctx, r.DB, rows)
	if err != nil {
		return nil, err
	}
	claimed := make([]delivery, 0, len(rows))
	for _, row := range rows {
		claimed = append(claimed, delivery{row: row, event: happened[row.EventID]})
	}
	return claimed, nil
}

// giveBack makes claimed rows due at once.
func (r *Relay) giveBack(ctx context.Context, claimed []delivery) error {
	now := r.Now().UTC()
	for _, d := range claimed {
		d.row.DueAt = now
		if err := updatePostponed(ctx, r.DB, d.row); err != nil {
			return err
		}
	}
	return nil
}
