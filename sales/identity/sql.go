package identity

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// userRow is a person with the kind of its partner.
type userRow struct {
	models.User `bun:",extend"`
	PartnerKind models.PartnerKind `bun:"partner_kind,scanonly"`
}

// keyRow is a key with the kind of its partner.
type keyRow struct {
	models.APIKey `bun:",extend"`
	PartnerKind   models.PartnerKind `bun:"partner_kind,scanonly"`
}

func selectUser(ctx context.Context, idb bun.IDB, id models.ID) (models.User, models.PartnerKind, bool, error) {
	var row userRow
	found, err := store.Found(idb.NewSelect().Model(&row).ColumnExpr("u.*").ColumnExpr("p.kind AS partner_kind").
		Join("LEFT JOIN partners AS p ON p.id = u.partner_id").Where("u.id = ?", id).Scan(ctx))
	return row.User, row.PartnerKind, found, err
}

func selectUserByLoginName(ctx context.Context, idb bun.IDB, name string) (models.User, bool, error) {
	var user models.User
	found, err := store.Found(idb.NewSelect().Model(&user).Where("u.login_name = ?", name).Scan(ctx))
	return user, found, err
}

func insertUser(ctx context.Context, idb bun.IDB, user *models.User) error {
	_, err := idb.NewInsert().Model(user).Exec(ctx)
	return store.Translate(err)
}

func selectPartnerKind(ctx context.Context, idb bun.IDB, id models.ID) (models.PartnerKind, bool, error) {
	var kind models.PartnerKind
	found, err := store.Found(idb.NewSelect().Model((*models.Partner)(nil)).Column("kind").Where("p.id = ?", id).Scan(ctx, &kind))
	return kind, found, err
}

func existsCustomer(ctx context.Context, idb bun.IDB, id models.ID) (bool, error) {
	found, err := idb.NewSelect().Model((*models.Customer)(nil)).Where("c.id = ?", id).Exists(ctx)
	return found, store.Translate(err)
}

func insertKey(ctx context.Context, idb bun.IDB, key *models.APIKey) error {
	_, err := idb.NewInsert().Model(key).Exec(ctx)
	return store.Translate(err)
}

// selectKeysByHash returns the keys with their partners' kinds by the bytes of their digests.
func selectKeysByHash(ctx context.Context, idb bun.IDB, hashes []string) (map[string]keyRow, error) {
	wanted := make([][]byte, len(hashes))
	for i, hash := range hashes {
		wanted[i] = []byte(hash)
	}
	var rows []keyRow
	q := idb.NewSelect().Model(&rows).ColumnExpr("?TableColumns").ColumnExpr("p.kind AS partner_kind").
		Join("LEFT JOIN partners AS p ON p.id = k.partner_id").Where("k.hash IN (?)", bun.List(wanted))
	err := store.Read(ctx, idb, q, &rows)
	found := make(map[string]keyRow, len(rows))
	for _, row := range rows {
		found[string(row.Hash)] = row
	}
	return found, err
}

// lockKey finds a key that the principal may see and holds it until the transaction ends.
func lockKey(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.APIKey, bool, error) {
	var key models.APIKey
	found, err := store.Found(store.ForUpdate(access.APIKeys(tx.NewSelect().Model(&key).Where("k.id = ?", id), who)).Scan(ctx))
	return key, found, err
}

func updateKeyEnd(ctx context.Context, tx bun.IDB, key models.APIKey) error {
	_, err := tx.NewUpdate().Model(&key).Column("revoked_at", "expires_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updateKeysUsed never moves the time back, whichever replica writes last.
func updateKeysUsed(ctx context.Context, idb bun.IDB, ids []models.ID, minute time.Time) error {
	_, err := idb.NewUpdate().Model((*models.APIKey)(nil)).Set("last_used_at = ?", minute).
		Where("k.id IN (?)", bun.List(ids)).Where("(k.last_used_at IS NULL OR k.last_used_at < ?)", minute).Exec(ctx)
	return store.Translate(err)
}

// visibleKeys starts a query of the API keys that a principal may see.
func visibleKeys(idb bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.APIKeys(idb.NewSelect().Model((*models.APIKey)(nil)), who)
}

func updateEpoch(ctx context.Context, tx bun.IDB, id models.ID, now time.Time) (models.User, bool, error) {
	var user models.User
	found, err := store.Found(tx.NewUpdate().Model(&user).Set("session_epoch = session_epoch + 1").Set("updated_at = ?", now).
		Where("id = ?", id).Returning("*").Scan(ctx))
	return user, found, err
}

func selectUserByExternalID(ctx context.Context, idb bun.IDB, customerID models.ID, externalID string) (models.User, bool, error) {
	var user models.User
	found, err := store.Found(idb.NewSelect().Model(&user).Where("u.customer_id = ? AND u.external_id = ?", customerID, externalID).Scan(ctx))
	return user, found, err
}

// insertUserOnce inserts the person unless the customer has one with its external id.
func insertUserOnce(ctx context.Context, tx bun.IDB, user *models.User) (bool, error) {
	result, err := tx.NewInsert().Model(user).On("CONFLICT (customer_id, external_id) DO NOTHING").Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	count, err := result.RowsAffected()
	return count == 1, err
}
