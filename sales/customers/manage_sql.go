package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func updateCustomerFrozen(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
	return updateCustomer(ctx, tx, customer, "frozen", "frozen_by", "frozen_reason", "frozen_at")
}

func updateCustomer(ctx context.Context, tx bun.IDB, customer *models.Customer, columns ...string) error {
	_, err := tx.NewUpdate().Model(customer).Column(append(columns, "updated_at")...).WherePK().Exec(ctx)
	return store.Translate(err)
}

// deleteKept deletes what a partner keeps of a customer.
func deleteKept(ctx context.Context, tx bun.IDB, customer models.ID) error {
	for _, row := range []any{(*models.CustomerTag)(nil), (*models.CustomerContacts)(nil), (*models.CustomerBudget)(nil)} {
		if _, err := tx.NewDelete().Model(row).Where("customer_id = ?", customer).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	_, err := tx.NewUpdate().Model((*models.Customer)(nil)).Set("account_manager_id = NULL").Where("id = ?", customer).Exec(ctx)
	return store.Translate(err)
}

func insertTags(ctx context.Context, tx bun.IDB, customer *models.Customer, tags []string) (int64, error) {
	if len(tags) == 0 {
		return 0, nil
	}
	rows := make([]models.CustomerTag, len(tags))
	for i, tag := range tags {
		rows[i] = models.CustomerTag{PartnerID: customer.PartnerID, Tag: tag, CustomerID: customer.ID}
	}
	result, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func deleteTags(ctx context.Context, tx bun.IDB, customer models.ID, tags []string) (int64, error) {
	if len(tags) == 0 {
		return 0, nil
	}
	result, err := tx.NewDelete().Model((*models.CustomerTag)(nil)).Where("customer_id = ?", customer).Where("tag IN (?)", bun.List(tags)).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func selectTagsOf(ctx context.Context, tx bun.IDB, customer models.ID) ([]string, error) {
	var tags []string
	err := tx.NewSelect().Model((*models.CustomerTag)(nil)).Column("tag").Where("customer_id = ?", customer).Order("tag").Scan(ctx, &tags)
	return tags, store.Translate(err)
}

func countTags(ctx context.Context, tx bun.IDB, customer models.ID) (int, error) {
	count, err := tx.NewSelect().Model((*models.CustomerTag)(nil)).Where("customer_id = ?", customer).Count(ctx)
	return int(count), store.Translate(err)
}

// keptFor reads what partners keep of these customers and the caller may see.
func keptFor[T any](ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID, partner, customer string, order ...string) ([]T, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	var rows []T
	q := db.NewSelect().Model(&rows).Where("? IN (?)", bun.Safe(customer), bun.List(customers)).Order(order...)
	err := access.KeptByPartner(q, who, partner).Scan(ctx)
	return rows, store.Translate(err)
}

// selectPersonForShare finds a person of a partner's and keeps it from being disabled until the transaction ends.
func selectPersonForShare(ctx context.Context, tx bun.IDB, user, partner models.ID) (models.UserState, bool, error) {
	var row models.User
	found, err := store.Found(store.ForShare(tx.NewSelect().Model(&row).Column("u.id", "u.state").
		Where("u.id = ? AND u.partner_id = ?", user, partner)).Scan(ctx))
	return row.State, found, err
}

func selectManagers(ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID) ([]models.AccountManager, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	var rows []models.AccountManager
	q := db.NewSelect().TableExpr("customers AS c").Join("JOIN users AS u ON u.id = c.account_manager_id").
		ColumnExpr("c.id AS customer_id, u.id AS user_id, u.login_name").Where("c.id IN (?)", bun.List(customers))
	err := access.KeptByPartner(q, who, "c.partner_id").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func upsertContacts(ctx context.Context, tx bun.IDB, row *models.CustomerContacts) error {
	_, err := tx.NewInsert().Model(row).On("CONFLICT (customer_id) DO UPDATE").
		Set("partner_id = EXCLUDED.partner_id, contacts_sealed = EXCLUDED.contacts_sealed, updated_at = EXCLUDED.updated_at").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

func existsCustomer(ctx context.Context, db bun.IDB, column, value string) (bool, error) {
	exists, err := db.NewSelect().Model((*models.Customer)(nil)).Where("? = ?", bun.Safe(column), value).Exists(ctx)
	return exists, store.Translate(err)
}

func existsLoginName(ctx context.Context, db bun.IDB, name string) (bool, error) {
	exists, err := db.NewSelect().Model((*models.User)(nil)).Where("u.login_name = ?", name).Exists(ctx)
	return exists, store.Translate(err)
}

// existsCustomerNamed looks on the partner's cloud, where names are unique; for operators on all of them.
func existsCustomerNamed(ctx context.Context, db bun.IDB, who models.Principal, name string) (bool, error) {
	q := db.NewSelect().Model((*models.Customer)(nil)).Where("c.name = ?", name)
	if who.PartnerID != "" {
		q = q.Where("c.cloud = (SELECT p.cloud FROM partners AS p WHERE p.id = ?)", who.PartnerID)
	}
	exists, err := q.Exists(ctx)
	return exists, store.Translate(err)
}

// upsertBudget writes a partner's budget over the one before, whose version it continues.
func upsertBudget(ctx context.Context, tx bun.IDB, budget *models.CustomerBudget) error {
	_, err := tx.NewInsert().Model(budget).On("CONFLICT (customer_id) DO UPDATE").
		Set("partner_id = EXCLUDED.partner_id, kind = EXCLUDED.kind, currency = EXCLUDED.currency, amount_minor = EXCLUDED.amount_minor").
		Set("alert_percents = EXCLUDED.alert_percents, freezes = EXCLUDED.freezes, since = EXCLUDED.since, cycle = EXCLUDED.cycle").
		Set("alerted_percent = EXCLUDED.alerted_percent, version = EXCLUDED.version, updated_at = EXCLUDED.updated_at").
		Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

func selectBudget(ctx context.Context, tx bun.IDB, customer models.ID) (models.CustomerBudget, bool, error) {
	var row models.CustomerBudget
	found, err := store.Found(tx.NewSelect().Model(&row).Where("cb.customer_id = ?", customer).Scan(ctx))
	return row, found, err
}

// selectBudgetsAfter reads all budgets in the order of their customers, a batch at a time.
func selectBudgetsAfter(ctx context.Context, db bun.IDB, after models.ID, limit int64) ([]models.CustomerBudget, error) {
	var rows []models.CustomerBudget
	err := db.NewSelect().Model(&rows).Where("cb.customer_id > ?", after).Order("cb.customer_id").Limit(limit).Scan(ctx)
	return rows, store.Translate(err)
}

// selectBudgets shows the budgets of customers whose balance the caller may see.
func selectBudgets(ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID) ([]models.CustomerBudget, error) {
	var rows []models.CustomerBudget
	q := db.NewSelect().Model(&rows).Join("JOIN customers AS c ON c.id = cb.customer_id").Where("cb.customer_id IN (?)", bun.List(customers))
	err := access.CustomersWithBalance(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

// updateBudgetSeen writes what was seen over the version that was read, and reports whether it was still there.
func updateBudgetSeen(ctx context.Context, tx bun.IDB, budget *models.CustomerBudget, version int64) (bool, error) {
	result, err := tx.NewUpdate().Model(budget).Column("cycle", "alerted_percent", "version", "updated_at").
		WherePK().Where("version = ?", version).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func deleteBudget(ctx context.Context, tx bun.IDB, customer models.ID) error {
	_, err := tx.NewDelete().Model((*models.CustomerBudget)(nil)).Where("customer_id = ?", customer).Exec(ctx)
	return store.Translate(err)
}
