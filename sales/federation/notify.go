package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// The actions of a bind notification as they stand on the wire (2.6): the vendor's table, not its sample, which
// contradicts it.
const (
	ActionBind   = 0
	ActionUnbind = 1
)

// RecordNotificationIn writes that the platform is to be told of a binding through the browser, and returns the row with
// its nonce. partnerID may read the record.
func (s *Service) RecordNotificationIn(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID, row models.BindNotification) (models.BindNotification, error) {
	if row.Action != ActionBind && row.Action != ActionUnbind {
		return models.BindNotification{}, models.Invalid("action", "The action is 0 (bind) or 1 (unbind).")
	}
	nonce, err := s.token()
	if err != nil {
		return models.BindNotification{}, err
	}
	row.ID, row.Nonce, row.CreatedAt, row.SentAt = s.IDs(models.PrefixBindNotification), nonce, s.now(), nil
	if err := insertNotification(ctx, tx, &row); err != nil {
		return models.BindNotification{}, err
	}
	return row, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventBindNotificationSent, SubjectID: string(row.ID), PartnerID: partnerID, CustomerID: row.CustomerID,
		Data: map[string]any{"platformId": row.PlatformID, "action": row.Action},
	})
}

// MarkSent notes when the form with the notification was handed to the browser; the first time counts.
func (s *Service) MarkSent(ctx context.Context, id models.ID) error {
	return updateNotificationSent(ctx, s.DB, id, s.now())
}
