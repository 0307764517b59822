package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func selectIDPRequest(ctx context.Context, idb bun.IDB, platformID string, hash []byte) (models.IDPRequest, bool, error) {
	var row models.IDPRequest
	found, err := store.Found(idb.NewSelect().Model(&row).Where("ir.id_hash = ? AND ir.platform_id = ?", hash, platformID).Scan(ctx))
	return row, found, err
}

func deleteIDPRequest(ctx context.Context, idb bun.IDB, platformID string, hash []byte) (models.IDPRequest, bool, error) {
	var row models.IDPRequest
	found, err := store.Found(idb.NewDelete().Model(&row).Where("id_hash = ? AND platform_id = ?", hash, platformID).Returning("*").Scan(ctx))
	return row, found, err
}

func upsertIDPLogout(ctx context.Context, idb bun.IDB, row *models.IDPLogout) error {
	_, err := idb.NewInsert().Model(row).On("CONFLICT (id_hash) DO UPDATE").Set("body_sealed = EXCLUDED.body_sealed").
		Set("expires_at = EXCLUDED.expires_at").Exec(ctx)
	return store.Translate(err)
}

func deleteIDPLogout(ctx context.Context, idb bun.IDB, platformID string, hash []byte) (models.IDPLogout, bool, error) {
	var row models.IDPLogout
	found, err := store.Found(idb.NewDelete().Model(&row).Where("id_hash = ? AND platform_id = ?", hash, platformID).Returning("*").Scan(ctx))
	return row, found, err
}

func upsertParticipant(ctx context.Context, idb bun.IDB, row *models.IDPParticipant) error {
	_, err := idb.NewInsert().Model(row).On("CONFLICT (session_id, service_provider_id, session_index) DO UPDATE").
		Set("name_blind = EXCLUDED.name_blind").Set("name_sealed = EXCLUDED.name_sealed").Set("expires_at = EXCLUDED.expires_at").Exec(ctx)
	return store.Translate(err)
}

func selectParticipants(ctx context.Context, idb bun.IDB, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]models.IDPParticipant, error) {
	var rows []models.IDPParticipant
	err := narrow(idb.NewSelect().Model(&rows)).OrderExpr("ip.service_provider_id, ip.session_index, ip.session_id").Scan(ctx)
	return rows, store.Translate(err)
}

func selectProvidersOfSession(ctx context.Context, idb bun.IDB, session models.ID) ([]models.ServiceProvider, error) {
	var rows []models.ServiceProvider
	told := idb.NewSelect().Model((*models.IDPParticipant)(nil)).Column("ip.service_provider_id").Where("ip.session_id = ?", session)
	err := idb.NewSelect().Model(&rows).Column("svp.id", "svp.facts").Where("svp.id IN (?)", told).OrderExpr("svp.id").Scan(ctx)
	return rows, store.Translate(err)
}

func deleteParticipant(ctx context.Context, idb bun.IDB, session, provider models.ID, index string) error {
	_, err := idb.NewDelete().Model((*models.IDPParticipant)(nil)).
		Where("session_id = ? AND service_provider_id = ? AND session_index = ?", session, provider, index).Exec(ctx)
	return store.Translate(err)
}

func deleteTicket(ctx context.Context, idb bun.IDB, platformID string, hash []byte) (models.SignInTicket, bool, error) {
	var row models.SignInTicket
	found, err := store.Found(idb.NewDelete().Model(&row).Where("token_hash = ? AND platform_id = ?", hash, platformID).Returning("*").Scan(ctx))
	return row, found, err
}

// lockCustomer finds a customer that the principal may see and keeps it until the transaction ends, so that nobody ends its
// association meanwhile.
func lockCustomer(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Customer, bool, error) {
	var row models.Customer
	q := tx.NewSelect().Model(&row).Column("c.id", "c.partner_id", "c.mode").Where("c.id = ?", id)
	found, err := store.Found(store.ForUpdate(access.Customers(q, who)).Scan(ctx))
	return row, found, err
}

func selectUserByID(ctx context.Context, idb bun.IDB, id models.ID) (models.User, bool, error) {
	var row models.User
	found, err := store.Found(idb.NewSelect().Model(&row).Where("u.id = ?", id).Scan(ctx))
	return row, found, err
}

// selectFirstUser returns the oldest person of a customer that may sign in.
func selectFirstUser(ctx context.Context, idb bun.IDB, customer models.ID) (models.User, bool, error) {
	var row models.User
	found, err := store.Found(idb.NewSelect().Model(&row).Where("u.customer_id = ? AND u.state = ?", customer, models.UserActive).
		OrderExpr("u.id").Limit(1).Scan(ctx))
	return row, found, err
}

// served narrows a query of customers to those of a platform's owner and of its resellers.
func served(q *bun.SelectQuery, owner models.ID) *bun.SelectQuery {
	return q.Where("(c.partner_id = ? OR c.partner_id IN (SELECT ps.id FROM partners AS ps WHERE ps.parent_id = ?))", owner, owner)
}

func selectServedCustomer(ctx context.Context, idb bun.IDB, owner, id models.ID) (models.Customer, bool, error) {
	var row models.Customer
	q := idb.NewSelect().Model(&row).Column("c.id", "c.partner_id", "c.external_id", "c.mode").Where("c.id = ?", id)
	found, err := store.Found(served(q, owner).Scan(ctx))
	return row, found, err
}

func selectCustomerByExternalID(ctx context.Context, idb bun.IDB, owner models.ID, externalID string) (models.Customer, bool, error) {
	var row models.Customer
	found, err := store.Found(idb.NewSelect().Model(&row).Column("c.id", "c.partner_id", "c.external_id", "c.mode").
		Where("c.partner_id = ? AND c.external_id = ?", owner, externalID).Scan(ctx))
	return row, found, err
}

func selectUserOf(ctx context.Context, idb bun.IDB, customer models.ID, column, value string) (models.User, bool, error) {
	var row models.User
	found, err := store.Found(idb.NewSelect().Model(&row).Where("u.customer_id = ?", customer).Where("u.? = ?", bun.Ident(column), value).Scan(ctx))
	return row, found, err
}

func lockBinding(ctx context.Context, tx bun.IDB, b models.CloudBinding) (models.CloudBinding, bool, error) {
	var row models.CloudBinding
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).
		Where("cb.service_provider_id = ? AND cb.x_account_id = ? AND cb.x_user_id = ? AND cb.domain_id = ?", b.ServiceProviderID, b.XAccountID, b.XUserID, b.DomainID)).Scan(ctx))
	return row, found, err
}

func updateBinding(ctx context.Context, tx bun.IDB, row *models.CloudBinding) error {
	_, err := tx.NewUpdate().Model(row).Column("customer_id", "user_id", "domain_name", "state", "nonce", "issued_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// visibleBindings starts a query of the cloud bindings that a principal may see.
func visibleBindings(idb bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.CloudBindings(idb.NewSelect().Model((*models.CloudBinding)(nil)), who)
}
