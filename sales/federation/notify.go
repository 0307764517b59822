package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The actions of a bind notification as they stand on the wire (2.6): the vendor's table, not its sample, which
// contradicts it.
const (
	ActionBind   = 0
	ActionUnbind = 1
)

// Form is a signed bind notification: the fields of the form that goes to the platform.
type Form struct{ BindRequest, SigAlg, Signature string }

// Signer signs bind notifications with the platform's active key.
type Signer interface {
	SignBinding(ctx context.Context, n models.BindNotification) (Form, error)
}

// Platforms says where a platform wants to be told; sales/exposure does.
type Platforms interface {
	ByPlatform(ctx context.Context, platformID string) (models.AccessConfiguration, error)
}

// Delivery is a notification that was just signed, and where it goes.
type Delivery struct {
	Notification models.BindNotification
	URL          *string // nil: the platform has not said where
	Form
}

// ResendBindNotification says which notification to hand over again.
type ResendBindNotification struct{ BindNotificationID models.ID }

// Resent is a notification that was signed anew.
type Resent struct {
	BindNotification models.BindNotification
	Delivery         Delivery
}

// RecordNotificationIn writes that the platform is to be told of a binding or its end, and returns the row. Who told of
// it is handed the form by HandOver.
func (s *Service) RecordNotificationIn(ctx context.Context, tx bun.IDB, row models.BindNotification) (models.BindNotification, error) {
	if row.Action != ActionBind && row.Action != ActionUnbind {
		return models.BindNotification{}, models.Invalid("action", "The action is 0 (bind) or 1 (unbind).")
	}
	nonce, err := s.token()
	if err != nil {
		return models.BindNotification{}, err
	}
	row.ID, row.Nonce, row.CreatedAt = s.IDs(models.PrefixBindNotification), nonce, s.now()
	row.SentAt, row.LastSentAt, row.Attempts, row.Repeat = nil, nil, 0, false
	if row.PartnerID == "" {
		if row.PartnerID, err = selectOwner(ctx, tx, row.PlatformID); err != nil {
			return models.BindNotification{}, err
		}
	}
	return row, insertNotification(ctx, tx, &row)
}

// NotificationFor returns the newest notification of a person's binding; found is false when there is none.
func (s *Service) NotificationFor(ctx context.Context, identity models.ID) (row models.BindNotification, found bool, err error) {
	return selectNewest(ctx, s.DB, identity)
}

// HandOver signs a notification with a nonce of its own and notes that it was handed over, before the form leaves: a form that was
// lost is better than one that nobody knows of. The caller has found the row among those it may see.
func (s *Service) HandOver(ctx context.Context, who models.Principal, id models.ID) (Delivery, error) {
	return s.handOver(ctx, who, id, false, models.EventBindNotificationSent)
}

// Resend signs a notification anew, for a platform whose customer's browser has lost it, and has it repeated at the person's next
// login as long as the binding lasts. Errors: UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE, INVALID, NOT_FOUND.
func (s *Service) Resend(ctx context.Context, who models.Principal, cmd ResendBindNotification) (Resent, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return Resent{}, err
	}
	if err := cmd.BindNotificationID.Require(models.PrefixBindNotification, "bindNotificationId"); err != nil {
		return Resent{}, err
	}
	if found, err := selectNotifications(ctx, s.DB, who, []models.ID{cmd.BindNotificationID}); err != nil || len(found) == 0 {
		return Resent{}, orNotFound(err, "bind notification")
	}
	delivery, err := s.handOver(ctx, who, cmd.BindNotificationID, true, models.EventBindNotificationAgain)
	return Resent{BindNotification: delivery.Notification, Delivery: delivery}, err
}

func (s *Service) handOver(ctx context.Context, who models.Principal, id models.ID, again bool, event models.EventType) (Delivery, error) {
	nonce, err := s.token()
	if err != nil {
		return Delivery{}, err
	}
	var row models.BindNotification
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		if row, found, err = lockNotification(ctx, tx, id); err != nil || !found {
			return orNotFound(err, "bind notification")
		}
		now := s.now()
		row.Nonce, row.LastSentAt, row.Attempts, row.Repeat = nonce, &now, row.Attempts+1, again && row.Action == ActionBind
		if row.SentAt == nil {
			row.SentAt = &now
		}
		if err := updateNotification(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: event, SubjectID: string(row.ID), PartnerID: row.PartnerID, // the customer may not see what it happened to
			Data: map[string]any{"platformId": row.PlatformID, "customerId": row.CustomerID, "action": row.Action, "attempts": row.Attempts},
		})
	})
	if err != nil {
		return Delivery{}, err
	}
	done := Delivery{Notification: row}
	platform, err := s.Platforms.ByPlatform(ctx, row.PlatformID)
	if err != nil {
		return Delivery{}, err
	}
	if platform.BindNotificationURL != "" {
		done.URL = &platform.BindNotificationURL
	}
	done.Form, err = s.Signer.SignBinding(ctx, row)
	return done, err
}

// NotificationsByIDs returns the notifications with these ids that the caller may see; the others are absent. FORBIDDEN without
// EXPOSURE_READ.
func (s *Service) NotificationsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BindNotification, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	rows, err := selectNotifications(ctx, s.DB, who, ids)
	found := make(map[models.ID]models.BindNotification, len(rows))
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// FindNotificationsForPartners returns a page of the notifications of each partner's platform, newest first, with one statement and
// one more when totals are wanted. FORBIDDEN without EXPOSURE_READ.
func (s *Service) FindNotificationsForPartners(ctx context.Context, who models.Principal, partners []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.BindNotification], error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	page, err := args.Page("bind-notifications")
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.BindNotification]{
		Column: "bn.partner_id", ParentOf: func(n models.BindNotification) models.ID { return n.PartnerID }, Descending: true,
		Visible: func() *bun.SelectQuery {
			return access.BindNotifications(s.DB.NewSelect().Model((*models.BindNotification)(nil)), who)
		},
	}
	return nested.Pages(ctx, s.DB, partners, page)
}
