package federation

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
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

// identityRow is an account, with a person of it and the newest word that was sent of the person, where there are such.
type identityRow struct {
	models.FederatedAccount `bun:",extend"`
	PersonID                models.ID  `bun:"person_id,scanonly"`
	UserID                  models.ID  `bun:"user_id,scanonly"`
	PersonBoundAt           *time.Time `bun:"person_bound_at,scanonly"`
	NotificationID          models.ID  `bun:"notification_id,scanonly"`
	SentAt                  *time.Time `bun:"sent_at,scanonly"`
	Repeat                  bool       `bun:"repeat,scanonly"`
}

func selectIdentityOf(ctx context.Context, idb bun.IDB, platformID, xAccountID, xUserID string) (identityRow, bool, error) {
	var row identityRow
	found, err := store.Found(identityQuery(idb, &row, platformID, xAccountID, xUserID).Scan(ctx))
	return row, found, err
}

// identityQuery reads into an identityRow or a slice of them.
func identityQuery(idb bun.IDB, model any, platformID, xAccountID, xUserID string) *bun.SelectQuery {
	newest := idb.NewSelect().Model((*models.BindNotification)(nil)).ModelTableExpr("bind_notifications AS n").ColumnExpr("max(n.id)").Where("n.identity_id = fi.id")
	return idb.NewSelect().Model(model).ColumnExpr("fa.*").
		ColumnExpr("COALESCE(fi.id, '') AS person_id, COALESCE(fi.user_id, '') AS user_id, fi.bound_at AS person_bound_at").
		ColumnExpr("COALESCE(bn.id, '') AS notification_id, bn.sent_at, COALESCE(bn.repeat, FALSE) AS repeat").
		Join("LEFT JOIN federated_identities AS fi ON fi.platform_id = fa.platform_id AND fi.x_account_id = fa.x_account_id AND fi.x_user_id = ?", xUserID).
		Join("LEFT JOIN bind_notifications AS bn ON bn.id = (?)", newest).
		Where("fa.platform_id = ? AND fa.x_account_id = ?", platformID, xAccountID)
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

func lockNotification(ctx context.Context, tx bun.IDB, id models.ID) (models.BindNotification, bool, error) {
	var row models.BindNotification
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).Where("bn.id = ?", id)).Scan(ctx))
	return row, found, err
}

func updateNotification(ctx context.Context, tx bun.IDB, row *models.BindNotification) error {
	_, err := tx.NewUpdate().Model(row).Column("nonce", "attempts", "repeat", "sent_at", "last_sent_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectNotifications(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.BindNotification, error) {
	var rows []models.BindNotification
	if len(ids) == 0 {
		return nil, nil
	}
	q := idb.NewSelect().Model(&rows).Where("bn.id IN (?)", bun.List(ids))
	err := access.BindNotifications(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectNewest(ctx context.Context, idb bun.IDB, identity models.ID) (models.BindNotification, bool, error) {
	var row models.BindNotification
	found, err := store.Found(idb.NewSelect().Model(&row).Where("bn.identity_id = ?", identity).OrderExpr("bn.id DESC").Limit(1).Scan(ctx))
	return row, found, err
}

func selectUnbound(ctx context.Context, idb bun.IDB, who models.Principal, identity models.ID) (models.BindNotification, bool, error) {
	var row models.BindNotification
	q := idb.NewSelect().Model(&row).Where("bn.identity_id = ? AND bn.action = ?", identity, ActionUnbind).OrderExpr("bn.id DESC").Limit(1)
	found, err := store.Found(access.BindNotifications(q, who).Scan(ctx))
	return row, found, err
}

func selectOwner(ctx context.Context, idb bun.IDB, platformID string) (models.ID, error) {
	var id models.ID
	_, err := store.Found(idb.NewSelect().Model((*models.AccessConfiguration)(nil)).Column("partner_id").
		Where("ac.platform_id = ?", platformID).Scan(ctx, &id))
	return id, err
}

// selectState returns whether a platform is in use, "" when there is no such platform.
func selectState(ctx context.Context, tx bun.IDB, platformID string) (models.ExposureState, error) {
	var config models.AccessConfiguration
	_, err := store.Found(tx.NewSelect().Model(&config).Column("state").Where("ac.platform_id = ?", platformID).Scan(ctx))
	return config.State, err
}

func selectPlatformOf(ctx context.Context, idb bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	q := idb.NewSelect().Model(&config).Where("ac.partner_id = ?", partnerID)
	found, err := store.Found(access.AccessConfigurations(q, who).Scan(ctx))
	return config, found, err
}

func selectCustomer(ctx context.Context, idb bun.IDB, id models.ID) (models.Customer, error) {
	var customer models.Customer
	err := idb.NewSelect().Model(&customer).Column("id", "name", "partner_id").Where("c.id = ?", id).Scan(ctx)
	return customer, store.Translate(err)
}

func selectIdentity(ctx context.Context, idb bun.IDB, who models.Principal, id models.ID) (models.FederatedIdentity, bool, error) {
	var row models.FederatedIdentity
	found, err := store.Found(access.FederatedIdentities(idb.NewSelect().Model(&row).Where("fi.id = ?", id), who).Scan(ctx))
	return row, found, err
}

func selectIdentities(ctx context.Context, idb bun.IDB, who models.Principal, customers []models.ID) ([]models.FederatedIdentity, error) {
	var rows []models.FederatedIdentity
	q := idb.NewSelect().Model(&rows).ColumnExpr("fi.*").ColumnExpr("iu.customer_id").Where("ic.id IN (?)", bun.List(customers)).OrderExpr("fi.id")
	err := access.FederatedIdentities(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectIdentitiesOfUser(ctx context.Context, idb bun.IDB, userID models.ID) ([]models.FederatedIdentity, error) {
	var rows []models.FederatedIdentity
	err := idb.NewSelect().Model(&rows).Where("fi.user_id = ?", userID).OrderExpr("fi.id").Scan(ctx)
	return rows, store.Translate(err)
}

func existsPersonOf(ctx context.Context, idb bun.IDB, platformID, xAccountID string) (bool, error) {
	found, err := idb.NewSelect().Model((*models.FederatedIdentity)(nil)).
		Where("fi.platform_id = ? AND fi.x_account_id = ?", platformID, xAccountID).Exists(ctx)
	return found, store.Translate(err)
}

func lockAccount(ctx context.Context, tx bun.IDB, platformID, xAccountID string) (models.FederatedAccount, bool, error) {
	var account models.FederatedAccount
	q := tx.NewSelect().Model(&account).Where("fa.platform_id = ? AND fa.x_account_id = ?", platformID, xAccountID)
	found, err := store.Found(store.ForUpdate(q).Scan(ctx))
	return account, found, err
}

// deleteIdentity also releases the account when that was its last person.
func deleteIdentity(ctx context.Context, tx bun.IDB, row models.FederatedIdentity) (bool, error) {
	result, err := tx.NewDelete().Model((*models.FederatedIdentity)(nil)).Where("id = ?", row.ID).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	if count, err := result.RowsAffected(); err != nil || count == 0 {
		return false, err
	}
	others := tx.NewSelect().Model((*models.FederatedIdentity)(nil)).Where("fi.platform_id = ? AND fi.x_account_id = ?", row.PlatformID, row.XAccountID)
	_, err = tx.NewDelete().Model((*models.FederatedAccount)(nil)).
		Where("platform_id = ? AND x_account_id = ?", row.PlatformID, row.XAccountID).Where("NOT EXISTS (?)", others).Exec(ctx)
	return true, store.Translate(err)
}

func deleteLogout(ctx context.Context, idb bun.IDB, platformID, relayID string) (models.ParkedLogout, bool, error) {
	var row models.ParkedLogout
	found, err := store.Found(idb.NewDelete().Model(&row).Where("relay_id = ? AND platform_id = ?", relayID, platformID).Returning("*").Scan(ctx))
	return row, found, err
}

func takeTestToken(ctx context.Context, idb bun.IDB, platformID string, hash []byte) (models.TestLogin, bool, error) {
	var row models.TestLogin
	found, err := store.Found(idb.NewUpdate().Model(&row).Set("token_hash = NULL").
		Where("token_hash = ? AND platform_id = ?", hash, platformID).Returning("*").Scan(ctx))
	return row, found, err
}

func updateTestExpiry(ctx context.Context, idb bun.IDB, id models.ID, until time.Time) error {
	_, err := idb.NewUpdate().Model((*models.TestLogin)(nil)).Set("expires_at = ?", until).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

func finishTest(ctx context.Context, idb bun.IDB, id models.ID, report []byte, at time.Time) error {
	_, err := idb.NewUpdate().Model((*models.TestLogin)(nil)).Set("report_sealed = ?", report).Set("finished_at = ?", at).
		Where("id = ? AND finished_at IS NULL", id).Exec(ctx)
	return store.Translate(err)
}

func selectTests(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.TestLogin, error) {
	var rows []models.TestLogin
	if len(ids) == 0 {
		return nil, nil
	}
	q := idb.NewSelect().Model(&rows).Where("tl.id IN (?)", bun.List(ids))
	err := access.TestLogins(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

// insertKey reports false when the platform has another key in this state already.
func insertKey(ctx context.Context, tx bun.IDB, key *models.SigningKey) (bool, error) {
	return insertNew(ctx, tx, key)
}

// selectKeyIn finds the platform's one key of the family in a state that only one can have.
func selectKeyIn(ctx context.Context, idb bun.IDB, platformID string, state models.SigningKeyState, algorithm models.SigningKeyAlgorithm) (models.SigningKey, bool, error) {
	var key models.SigningKey
	found, err := store.Found(ofFamily(idb.NewSelect().Model(&key).Where("sk.platform_id = ? AND sk.state = ?", platformID, state), algorithm).Scan(ctx))
	return key, found, err
}

func ofFamily(q *bun.SelectQuery, algorithm models.SigningKeyAlgorithm) *bun.SelectQuery {
	if algorithm.IsRSA() {
		return q.Where("sk.algorithm LIKE ?", "RSA%")
	}
	return q.Where("sk.algorithm NOT LIKE ?", "RSA%")
}

// usableKeys leaves out what neither signs nor opens anything any more.
func usableKeys(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	return inOrder(q.Where("sk.removed_at IS NULL").Where("(sk.state <> ? OR sk.expires_at > ?)", models.KeyRetired, now))
}

// inOrder puts the active keys first, then the next ones, RSA before others, the newest first.
func inOrder(q *bun.SelectQuery) *bun.SelectQuery {
	return q.OrderExpr("CASE sk.state WHEN ? THEN 0 WHEN ? THEN 1 ELSE 2 END, sk.algorithm DESC, sk.id DESC", models.KeyActive, models.KeyNext)
}

func selectKeys(ctx context.Context, idb bun.IDB, platformID string, now time.Time) ([]models.SigningKey, error) {
	var keys []models.SigningKey
	err := usableKeys(idb.NewSelect().Model(&keys).Where("sk.platform_id = ?", platformID), now).Scan(ctx)
	return keys, store.Translate(err)
}

// connectionRow is a key. The one that signs as service provider carries its platform's configuration, so that the metadata in it
// is read once however many keys there are.
type connectionRow struct {
	models.SigningKey `bun:",extend"`
	ConfigurationID   models.ID               `bun:"configuration_id,scanonly"`
	PartnerID         models.ID               `bun:"partner_id,scanonly"`
	Exposure          models.ExposureState    `bun:"exposure,scanonly"`
	IDPMetadata       string                  `bun:"idp_metadata,scanonly"`
	AllowCBC          bool                    `bun:"allow_cbc,scanonly"`
	AttributeMapping  models.AttributeMapping `bun:"attribute_mapping,type:jsonb,scanonly"`
	AuthnContexts     []string                `bun:"authn_contexts,type:jsonb,scanonly"`
	SubjectScopes     []string                `bun:"subject_scopes,type:jsonb,scanonly"`
	Version           string                  `bun:"version,scanonly"`
}

func selectConnection(ctx context.Context, idb bun.IDB, platformID string, now time.Time) ([]connectionRow, error) {
	var rows []connectionRow
	version := "''"
	if store.EngineOf(idb) == store.Postgres {
		version = versionSQL
	}
	q := idb.NewSelect().Model(&rows).ColumnExpr("sk.*").
		ColumnExpr("COALESCE(ac.id, '') AS configuration_id, COALESCE(ac.partner_id, '') AS partner_id, COALESCE(ac.state, '') AS exposure").
		ColumnExpr("COALESCE(ac.idp_metadata, '') AS idp_metadata, COALESCE(ac.allow_cbc, FALSE) AS allow_cbc, ac.attribute_mapping").
		ColumnExpr("ac.authn_contexts, ac.subject_scopes").
		ColumnExpr(version+" AS version").
		Join("LEFT JOIN access_configurations AS ac ON ac.platform_id = sk.platform_id AND sk.state = ? AND sk.algorithm LIKE ?", models.KeyActive, "RSA%").
		Where("sk.platform_id = ?", platformID)
	return rows, store.Translate(usableKeys(q, now).Scan(ctx))
}

// selectAllKeys returns the keys of one platform, or of all, whatever became of them.
func selectAllKeys(ctx context.Context, idb bun.IDB, platformID string) ([]models.SigningKey, error) {
	var keys []models.SigningKey
	q := idb.NewSelect().Model(&keys).ExcludeColumn("key_sealed").OrderExpr("sk.platform_id")
	if platformID != "" {
		q = q.Where("sk.platform_id = ?", platformID)
	}
	return keys, store.Translate(inOrder(q).Scan(ctx))
}

// keyOfConfiguration is a key with the configuration it is listed under.
type keyOfConfiguration struct {
	models.SigningKey `bun:",extend"`
	ConfigurationID   models.ID `bun:"configuration_id,scanonly"`
}

func selectKeysFor(ctx context.Context, idb bun.IDB, who models.Principal, configurations []models.ID, now time.Time) ([]keyOfConfiguration, error) {
	var keys []keyOfConfiguration
	q := idb.NewSelect().Model(&keys).ExcludeColumn("key_sealed").ColumnExpr("ac.id AS configuration_id").
		Join("JOIN access_configurations AS ac ON ac.platform_id = sk.platform_id").Where("ac.id IN (?)", bun.List(configurations))
	return keys, store.Translate(usableKeys(access.AccessConfigurations(q, who), now).Scan(ctx))
}

func selectActiveKeys(ctx context.Context, idb bun.IDB) ([]models.SigningKey, error) {
	var keys []models.SigningKey
	err := idb.NewSelect().Model(&keys).ExcludeColumn("key_sealed").Where("sk.state = ?", models.KeyActive).OrderExpr("sk.platform_id, sk.id").Scan(ctx)
	return keys, store.Translate(err)
}

// selectPlatform finds the configuration of a platform that the principal may see.
func selectPlatform(ctx context.Context, idb bun.IDB, who models.Principal, column, value string) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(platformQuery(idb, &config, who, column, value).Scan(ctx))
	return config, found, err
}

// lockPlatform is selectPlatform that holds the row until the transaction ends, so that changes of its keys follow each other.
func lockPlatform(ctx context.Context, tx bun.IDB, who models.Principal, column, value string) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(store.ForUpdate(platformQuery(tx, &config, who, column, value)).Scan(ctx))
	return config, found, err
}

func platformQuery(idb bun.IDB, config *models.AccessConfiguration, who models.Principal, column, value string) *bun.SelectQuery {
	q := idb.NewSelect().Model(config).Column("id", "partner_id", "platform_id").Where("ac.? = ?", bun.Ident(column), value)
	return access.AccessConfigurations(q, who)
}

func selectKeyByID(ctx context.Context, idb bun.IDB, id models.ID) (models.SigningKey, bool, error) {
	var key models.SigningKey
	found, err := store.Found(idb.NewSelect().Model(&key).Where("sk.id = ?", id).Scan(ctx))
	return key, found, err
}

func updateKey(ctx context.Context, tx bun.IDB, key models.SigningKey) error {
	_, err := tx.NewUpdate().Model(&key).Column("state", "key_sealed", "removed_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// deleteIdentitiesOf unbinds a customer's people on every platform, and returns what was bound. A customer has one partner at a time,
// so that the platforms are that partner's or its distributor's.
func deleteIdentitiesOf(ctx context.Context, tx bun.IDB, customer models.ID) ([]models.FederatedIdentity, error) {
	people := tx.NewSelect().Table("users").Column("id").Where("customer_id = ?", customer)
	var rows []models.FederatedIdentity
	_, err := store.Found(tx.NewDelete().Model(&rows).Where("user_id IN (?)", people).Returning("*").Scan(ctx))
	return rows, err
}

// selectBoundOf returns the customers of a partner that have an account on some platform, in the order of their ids.
func selectBoundOf(ctx context.Context, tx bun.IDB, partner models.ID) ([]models.Customer, error) {
	var rows []models.Customer
	bound := tx.NewSelect().Model((*models.FederatedAccount)(nil)).Column("customer_id")
	err := tx.NewSelect().Model(&rows).Column("c.id", "c.name", "c.partner_id").Where("c.partner_id = ?", partner).
		Where("c.id IN (?)", bound).Order("c.id").Scan(ctx)
	return rows, store.Translate(err)
}

// deleteAccountsOf unbinds a customer's accounts and returns their platforms.
func deleteAccountsOf(ctx context.Context, tx bun.IDB, customer models.ID) ([]string, error) {
	var platforms []string
	_, err := store.Found(tx.NewDelete().Model((*models.FederatedAccount)(nil)).Where("customer_id = ?", customer).
		Returning("platform_id").Scan(ctx, &platforms))
	return platforms, err
}
