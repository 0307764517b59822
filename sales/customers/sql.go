package customers

import (
	"context"
	"strings"

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
	_, err := tx.NewUpdate().Model(customer).Column("partner_id", "mode", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectCustomers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Customer, error) {
	var rows []models.Customer
	err := access.Customers(db.NewSelect().Model(&rows).Where("c.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectCustomerForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("c.id = ?", id)).Scan(ctx)
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
	q := db.NewSelect().Model(&rows).Where("a.customer_id IN (?)", bun.List(customers)).Where("a.until IS NULL")
	return rows, store.Translate(access.Associations(q, who).Scan(ctx))
}

func selectPage(ctx context.Context, db bun.IDB, who models.Principal, f CustomerFilter, page models.Page) ([]models.Customer, *int, error) {
	var rows []models.Customer
	q := f.apply(access.Customers(db.NewSelect().Model(&rows), who))
	if err := store.PageKeyset(page, false).Apply(q).Scan(ctx); err != nil {
		return nil, nil, store.Translate(err)
	}
	if !page.WantTotal {
		return rows, nil, nil
	}
	counted, err := f.apply(access.Customers(db.NewSelect().Model((*models.Customer)(nil)), who)).Count(ctx)
	total := int(counted)
	return rows, &total, store.Translate(err)
}

func selectPerPartner(ctx context.Context, db bun.IDB, who models.Principal, partners []string, page models.Page) ([]models.Customer, error) {
	var rows []models.Customer
	err := store.PerParent(ctx, db, &rows, store.PageKeyset(page, false), partners, func(partner string) *bun.SelectQuery {
		return access.Customers(db.NewSelect().Model((*models.Customer)(nil)).Where("c.partner_id = ?", partner), who)
	})
	return rows, store.Translate(err)
}

func countPerPartner(ctx context.Context, db bun.IDB, who models.Principal, partners []string) ([]count, error) {
	var counts []count
	q := db.NewSelect().Model((*models.Customer)(nil)).ColumnExpr("c.partner_id AS parent_id, count(*) AS rows").
		Where("c.partner_id IN (?)", bun.List(partners)).GroupExpr("c.partner_id")
	err := store.Translate(access.Customers(q, who).Scan(ctx, &counts))
	return counts, err
}

// count is how many children a parent has.
type count struct {
	ParentID models.ID
	Rows     int
}

func (f CustomerFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("c.partner_id = ?", *f.PartnerID)
	}
	if f.Mode != nil {
		q = q.Where("c.mode = ?", *f.Mode)
	}
	if f.Query != nil {
		// Both engines compare the same way only when both sides are folded here.
		q = q.Where("lower(c.name) LIKE ? ESCAPE '!'", likePrefix(strings.ToLower(*f.Query)))
	}
	if f.ExternalID != nil {
		q = q.Where("c.external_id = ?", *f.ExternalID)
	}
	return q
}

// likePrefix makes the pattern of everything that starts with the text, whose own wildcards stand for themselves.
func likePrefix(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
