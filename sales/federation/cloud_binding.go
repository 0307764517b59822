package federation

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// listCloudBindings names the list, which its cursors carry.
const listCloudBindings = "customer.cloudBindings"

// CloudNotice is what a service provider told a platform about an account (2.6). The door has verified that it did.
type CloudNotice struct {
	PlatformID           string
	ServiceProviderID    models.ID
	XAccountID, XUserID  string // at most 128 characters; one of them may be empty
	DomainID, DomainName string // at most 128 characters; DomainName may be empty
	Unbound              bool
	Nonce                string    // may be empty
	IssuedAt             time.Time // zero = now
}

// RecordCloudBinding writes down what a cloud told. The same again changes nothing, and an older word never replaces a newer one.
// INVALID for texts out of range, NOT_FOUND for a service provider that the platform does not have.
func (s *Service) RecordCloudBinding(ctx context.Context, notice CloudNotice) (models.CloudBinding, error) {
	now := s.now()
	row, err := notice.row(now)
	if err != nil {
		return models.CloudBinding{}, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		provider, found, err := selectProviderOf(ctx, tx, notice.PlatformID, "id", string(notice.ServiceProviderID))
		if err != nil {
			return err
		}
		if !found {
			return models.NotFound("service provider")
		}
		row.PartnerID = provider.PartnerID
		if row.CustomerID, row.UserID, err = s.resolve(ctx, tx, provider.PartnerID, notice.XAccountID, notice.XUserID); err != nil {
			return err
		}
		row.ID = s.IDs(models.PrefixCloudBinding)
		changed, err := s.keepNewest(ctx, tx, &row)
		if err != nil || !changed {
			return err
		}
		return s.Events.Record(ctx, tx, models.SystemPrincipal("bind-notification"), models.Event{
			Type: models.EventCloudBindingChanged, SubjectID: string(row.ID), PartnerID: row.PartnerID, CustomerID: row.CustomerID,
			Data: map[string]any{"platformId": notice.PlatformID, "serviceProviderId": row.ServiceProviderID, "state": row.State},
		})
	})
	return row, err
}

// keepNewest inserts the row, or changes the one that is there unless it is as new and the same, or newer. It leaves in row what holds.
func (s *Service) keepNewest(ctx context.Context, tx bun.IDB, row *models.CloudBinding) (changed bool, err error) {
	// Inserting first makes two notices at once wait for each other at the unique index.
	if inserted, err := insertNew(ctx, tx, row); err != nil || inserted {
		return inserted, err
	}
	known, found, err := lockBinding(ctx, tx, *row)
	if err != nil || !found {
		return false, err
	}
	same := known.State == row.State && known.DomainName == row.DomainName && known.CustomerID == row.CustomerID && known.UserID == row.UserID
	if row.IssuedAt.Before(known.IssuedAt) || (same && !row.IssuedAt.After(known.IssuedAt)) {
		*row = known
		return false, nil
	}
	row.ID, row.CreatedAt = known.ID, known.CreatedAt
	return !same, updateBinding(ctx, tx, row)
}

func (n CloudNotice) row(now time.Time) (models.CloudBinding, error) {
	for _, text := range []struct {
		field, value string
		needed       bool
	}{
		{"xAccountId", n.XAccountID, false}, {"xUserId", n.XUserID, n.XAccountID == ""}, {"domainId", n.DomainID, true}, {"domainName", n.DomainName, false}, {"nonce", n.Nonce, false},
	} {
		if (text.needed || text.value != "") && !isText(text.value, 128) {
			return models.CloudBinding{}, models.Invalid(text.field, text.field+" has 1 to 128 characters.")
		}
	}
	row := models.CloudBinding{
		ServiceProviderID: n.ServiceProviderID, XAccountID: n.XAccountID, XUserID: n.XUserID, DomainID: n.DomainID, DomainName: n.DomainName,
		State: models.CloudBound, Nonce: n.Nonce, IssuedAt: now, CreatedAt: now, UpdatedAt: now,
	}
	if n.Unbound {
		row.State = models.CloudUnbound
	}
	if !n.IssuedAt.IsZero() {
		row.IssuedAt = moment(n.IssuedAt)
	}
	return row, nil
}

// FindCloudBindingsFor returns a page of cloud bindings, oldest first, for each of the customers, as far as the caller may see them.
// FORBIDDEN without CUSTOMERS_READ.
func (s *Service) FindCloudBindingsFor(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.CloudBinding], error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	page, err := args.Page(listCloudBindings)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.CloudBinding]{
		Column: "cb.customer_id", ParentOf: func(b models.CloudBinding) models.ID { return b.CustomerID },
		Visible: func() *bun.SelectQuery { return visibleBindings(s.DB, who) },
	}
	return nested.Pages(ctx, s.DB, customers, page)
}
