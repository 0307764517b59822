package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertCustomer(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
	_, err := tx.NewInsert().Model(customer).Exec(ctx)
	return store.Translate(err)
}

func insertAssociation(ctx context.Context, tx bun.IDB, association *models.Association) error {
	_, err := tx.NewInsert().Model(association).Exec(ctx)
	return store.Translate(err)
}

func updateCustomerPartner(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
	_, err := tx.NewUpdate().Model(customer).Column("partner_id", "mode", "associated_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updateCustomerLeft takes the partner off the customer's row, and with it the key that the partner's storefront gave it.
func updateCustomerLeft(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
	_, err := tx.NewUpdate().Model(customer).Column("partner_id", "mode", "associated_at", "external_id", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func updateAssociationEnd(ctx context.Context, tx bun.IDB, association *models.Association) error {
	_, err := tx.NewUpdate().Model(association).Column("until").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectAssociationInForce(ctx context.Context, tx bun.IDB, customer models.ID) (models.Association, bool, error) {
	var rows []models.Association
	err := tx.NewSelect().Model(&rows).Where("a.customer_id = ?", customer).Where("a.until IS NULL").Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Association{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectCustomers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Customer, error) {
	var rows []models.Customer
	err := store.Read(ctx, db, access.Customers(store.Narrowed[models.Customer](ctx, db.NewSelect().Model(&rows)).Where("c.id ?", store.In(ids)), who), &rows)
	return rows, err
}

func selectCustomerForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("c.id = ?", id)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectCustomerForShare(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := store.ForShare(access.Customers(tx.NewSelect().Model(&rows).Where("c.id = ?", id), who)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectPartner finds a partner that the principal may act for.
func selectPartner(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Partner, bool, error) {
	var rows []models.Partner
	err := access.PartnersWithin(tx.NewSelect().Model(&rows).Where("p.id = ?", id), who).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Partner{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectAssociations(ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID) ([]models.Association, error) {
	var rows []models.Association
	q := db.NewSelect().Model(&rows).Where("a.customer_id ?", store.In(customers)).Where("a.until IS NULL")
	err := store.Read(ctx, db, access.Associations(q, who), &rows)
	return rows, err
}

// visible starts a query of the customers that a principal may see.
func visible(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Customers(db.NewSelect().Model((*models.Customer)(nil)), who)
}

func (f CustomerFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("c.partner_id = ?", *f.PartnerID)
	}
	if f.Mode != nil {
		q = q.Where("c.mode = ?", *f.Mode)
	}
	if f.Query != nil {
		q = store.StartsWith(q, "c.name", *f.Query)
	}
	if f.ExternalID != nil {
		q = q.Where("c.external_id = ?", *f.ExternalID)
	}
	return q
}
