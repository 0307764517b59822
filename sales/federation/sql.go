package federation

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// insertNew inserts the row unless a unique value of it is taken, and reports whether it did.
func insertNew(ctx context.Context, idb bun.IDB, row any) (bool, error) {
	result, err := idb.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	count, err := result.RowsAffected()
	return count == 1, err
}

func insertRow(ctx context.Context, idb bun.IDB, row any) error {
	_, err := idb.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func insertParked(ctx context.Context, idb bun.IDB, request *models.ParkedRequest) error {
	return insertRow(ctx, idb, request)
}

func deleteParked(ctx context.Context, idb bun.IDB, platformID, relayID string) (models.ParkedRequest, bool, error) {
	var request models.ParkedRequest
	found, err := store.Found(idb.NewDelete().Model(&request).Where("relay_id = ? AND platform_id = ?", relayID, platformID).Returning("*").Scan(ctx))
	return request, found, err
}

func insertReplay(ctx context.Context, idb bun.IDB, row *models.ReplayRow) (bool, error) {
	return insertNew(ctx, idb, row)
}

func deleteBefore(ctx context.Context, idb bun.IDB, model any, column string, before time.Time) (int64, error) {
	result, err := idb.NewDelete().Model(model).Where("? < ?", bun.Ident(column), before).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func insertFirstLogin(ctx context.Context, idb bun.IDB, row *models.FirstLogin) error {
	return insertRow(ctx, idb, row)
}

func selectFirstLogin(ctx context.Context, idb bun.IDB, hash []byte) (models.FirstLogin, bool, error) {
	var row models.FirstLogin
	found, err := store.Found(idb.NewSelect().Model(&row).Where("fl.token_hash = ?", hash).Scan(ctx))
	return row, found, err
}

func deleteFirstLogin(ctx context.Context, tx bun.IDB, hash []byte) (models.FirstLogin, bool, error) {
	var row models.FirstLogin
	found, err := store.Found(tx.NewDelete().Model(&row).Where("token_hash = ?", hash).Returning("*").Scan(ctx))
	return row, found, err
}

func selectAccount(ctx context.Context, idb bun.IDB, platformID, xAccountID string) (models.FederatedAccount, bool, error) {
	var account models.FederatedAccount
	found, err := store.Found(idb.NewSelect().Model(&account).Where("fa.platform_id = ? AND fa.x_account_id = ?", platformID, xAccountID).Scan(ctx))
	return account, found, err
}

func selectPerson(ctx context.Context, idb bun.IDB, platformID, xAccountID, xUserID string) (models.FederatedIdentity, bool, error) {
	var person models.FederatedIdentity
	found, err := store.Found(idb.NewSelect().Model(&person).
		Where("fi.platform_id = ? AND fi.x_account_id = ? AND fi.x_user_id = ?", platformID, xAccountID, xUserID).Scan(ctx))
	return person, found, err
}

// insertBinding leaves out what a unique index refuses; the caller reads what is there then.
func insertBinding(ctx context.Context, tx bun.IDB, account *models.FederatedAccount, person *models.FederatedIdentity) error {
	if _, err := insertNew(ctx, tx, account); err != nil {
		return err
	}
	_, err := insertNew(ctx, tx, person)
	return err
}

func existsUserOf(ctx context.Context, idb bun.IDB, userID, customerID models.ID) (bool, error) {
	found, err := idb.NewSelect().Model((*models.User)(nil)).Where("u.id = ? AND u.customer_id = ?", userID, customerID).Exists(ctx)
	return found, store.Translate(err)
}

func insertNotification(ctx context.Context, tx bun.IDB, row *models.BindNotification) error {
	return insertRow(ctx, tx, row)
}

func updateNotificationSent(ctx context.Context, idb bun.IDB, id models.ID, at time.Time) error {
	_, err := idb.NewUpdate().Model((*models.BindNotification)(nil)).Set("sent_at = ?", at).
		Where("bn.id = ? AND bn.sent_at IS NULL", id).Exec(ctx)
	return store.Translate(err)
}

func insertActiveKey(ctx context.Context, tx bun.IDB, key *models.SigningKey) (bool, error) {
	return insertNew(ctx, tx, key)
}

func selectActiveKey(ctx context.Context, idb bun.IDB, platformID string) (models.SigningKey, bool, error) {
	var key models.SigningKey
	found, err := store.Found(idb.NewSelect().Model(&key).Where("sk.platform_id = ? AND sk.state = ?", platformID, models.KeyActive).Scan(ctx))
	return key, found, err
}

func selectKeys(ctx context.Context, idb bun.IDB, platformID string, now time.Time) ([]models.SigningKey, error) {
	var keys []models.SigningKey
	err := idb.NewSelect().Model(&keys).Where("sk.platform_id = ?", platformID).
		Where("(sk.state <> ? OR sk.expires_at > ?)", models.KeyRetired, now).
		OrderExpr("CASE sk.state WHEN ? THEN 0 WHEN ? THEN 1 ELSE 2 END, sk.id DESC", models.KeyActive, models.KeyNext).Scan(ctx)
	return keys, store.Translate(err)
}

// deleteBindings unbinds a customer's people and accounts on every platform, and returns the platforms. A customer has one
// partner at a time, so that they are that partner's or its distributor's.
func deleteBindings(ctx context.Context, tx bun.IDB, customer models.ID) ([]string, error) {
	people := tx.NewSelect().Table("users").Column("id").Where("customer_id = ?", customer)
	if _, err := tx.NewDelete().Model((*models.FederatedIdentity)(nil)).Where("user_id IN (?)", people).Exec(ctx); err != nil {
		return nil, store.Translate(err)
	}
	var platforms []string
	_, err := store.Found(tx.NewDelete().Model((*models.FederatedAccount)(nil)).Where("customer_id = ?", customer).
		Returning("platform_id").Scan(ctx, &platforms))
	return platforms, err
}
