package webhooks

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// lockPartner holds the partner's row, so that its endpoints are counted one creation at a time.
func lockPartner(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.PartnerKind, bool, error) {
	var kind models.PartnerKind
	q := tx.NewSelect().Model((*models.Partner)(nil)).Column("kind").Where("p.id = ?", id)
	found, err := store.Found(store.ForUpdate(access.PartnersWithin(q, who)).Scan(ctx, &kind))
	return kind, found, err
}

// lockEndpointsOf locks the endpoints of one owner and counts them.
func lockEndpointsOf(ctx context.Context, tx bun.IDB, owner models.ID) (int, error) {
	var ids []models.ID
	q := tx.NewSelect().Model((*models.WebhookEndpoint)(nil)).Column("id").Order("whe.id")
	if owner == "" {
		q = q.Where("whe.partner_id IS NULL")
	} else {
		q = q.Where("whe.partner_id = ?", owner)
	}
	err := store.ForUpdate(q).Scan(ctx, &ids)
	return len(ids), store.Translate(err)
}

func visibleEndpoints(idb bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.WebhookEndpoints(idb.NewSelect().Model((*models.WebhookEndpoint)(nil)), who)
}

func visibleDeliveries(idb bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.WebhookDeliveries(idb.NewSelect().Model((*models.WebhookDelivery)(nil)), who)
}

func (f EndpointFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("whe.partner_id = ?", *f.PartnerID)
	}
	switch {
	case f.States == nil:
	case len(f.States) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("whe.state IN (?)", bun.List(f.States))
	}
	return q
}

func (f DeliveryFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	switch {
	case f.States == nil:
	case len(f.States) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("whd.state IN (?)", bun.List(f.States))
	}
	return q
}

func lockEndpoint(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.WebhookEndpoint, bool, error) {
	var endpoint models.WebhookEndpoint
	q := tx.NewSelect().Model(&endpoint).Where("whe.id = ?", id)
	found, err := store.Found(store.ForUpdate(access.WebhookEndpoints(q, who)).Scan(ctx))
	return endpoint, found, err
}

func selectEndpoints(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.WebhookEndpoint, error) {
	var endpoints []models.WebhookEndpoint
	q := idb.NewSelect().Model(&endpoints).Where("whe.id IN (?)", bun.List(ids))
	return endpoints, store.Translate(access.WebhookEndpoints(q, who).Scan(ctx))
}

func insertEndpoint(ctx context.Context, tx bun.IDB, endpoint *models.WebhookEndpoint) error {
	_, err := tx.NewInsert().Model(endpoint).Exec(ctx)
	return store.Translate(err)
}

func updateEndpoint(ctx context.Context, tx bun.IDB, endpoint *models.WebhookEndpoint) error {
	_, err := tx.NewUpdate().Model(endpoint).ExcludeColumn("id", "partner_id", "created_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func updateFailingSince(ctx context.Context, tx bun.IDB, id models.ID, since *time.Time) error {
	_, err := tx.NewUpdate().Model((*models.WebhookEndpoint)(nil)).Set("failing_since = ?", since).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

// deleteEndpoint takes the deliveries along, by the rule of their table.
func deleteEndpoint(ctx context.Context, tx bun.IDB, id models.ID) error {
	_, err := tx.NewDelete().Model((*models.WebhookEndpoint)(nil)).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

// withOwner starts a query of endpoints with the kinds of their owners.
func withOwner(idb bun.IDB, into any) *bun.SelectQuery {
	return idb.NewSelect().Model(into).ColumnExpr("whe.*").ColumnExpr("p.kind AS owner_kind").
		Join("LEFT JOIN partners AS p ON p.id = whe.partner_id")
}

// selectAsking returns the enabled endpoints of a partner, of its distributor, and of operators.
func selectAsking(ctx context.Context, idb bun.IDB, partner models.ID) ([]owned, error) {
	var endpoints []owned
	q := withOwner(idb, &endpoints).Where("whe.state = ?", models.WebhookEnabled)
	if partner == "" {
		q = q.Where("whe.partner_id IS NULL")
	} else {
		q = q.Where("(whe.partner_id IS NULL OR whe.partner_id = ? OR whe.partner_id = (SELECT ps.parent_id FROM partners AS ps WHERE ps.id = ?))", partner, partner)
	}
	return endpoints, store.Translate(q.Order("whe.id").Scan(ctx))
}

func selectOwned(ctx context.Context, idb bun.IDB, id models.ID) (owned, bool, error) {
	var endpoint owned
	found, err := store.Found(withOwner(idb, &endpoint).Where("whe.id = ?", id).Scan(ctx))
	return endpoint, found, err
}

// selectVisibleEvent returns an event if the endpoint's owner may read it now.
func selectVisibleEvent(ctx context.Context, idb bun.IDB, endpoint owned, id models.ID) (models.Event, bool, error) {
	var event models.Event
	if !endpoint.mayHave() {
		return event, false, nil
	}
	q := idb.NewSelect().Model(&event).Where("ev.id = ?", id)
	found, err := store.Found(access.AnnouncedEvents(q, endpoint.principal()).Scan(ctx))
	return event, found, err
}

// selectEventsSince returns what the endpoint asks for and its owner may read, oldest first.
func selectEventsSince(ctx context.Context, idb bun.IDB, endpoint owned, since time.Time, after models.ID, limit int) ([]models.Event, error) {
	var happened []models.Event
	if !endpoint.mayHave() {
		return nil, nil
	}
	q := idb.NewSelect().Model(&happened).Where("ev.id > ? AND ev.created_at >= ?", after, since).
		Where("ev.type IN (?)", bun.List(endpoint.Wanted())).Order("ev.id").Limit(int64(limit))
	return happened, store.Translate(access.AnnouncedEvents(q, endpoint.principal()).Scan(ctx))
}

// insertDeliveries leaves out those that are there: an event is queued once for an endpoint.
func insertDeliveries(ctx context.Context, tx bun.IDB, deliveries []models.WebhookDelivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&deliveries).On("CONFLICT (endpoint_id, event_id) DO NOTHING").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

func selectDelivery(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.WebhookDelivery, bool, error) {
	var delivery models.WebhookDelivery
	q := tx.NewSelect().Model(&delivery).Where("whd.id = ?", id)
	found, err := store.Found(access.WebhookDeliveries(q, who).Scan(ctx))
	return delivery, found, err
}

func selectDeliveries(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.WebhookDelivery, error) {
	var deliveries []models.WebhookDelivery
	q := idb.NewSelect().Model(&deliveries).Where("whd.id IN (?)", bun.List(ids))
	return deliveries, store.Translate(access.WebhookDeliveries(q, who).Scan(ctx))
}

// selectDeliveriesOf returns what one endpoint has of these events, by event.
func selectDeliveriesOf(ctx context.Context, tx bun.IDB, endpoint models.ID, events []models.ID) (map[models.ID]models.WebhookDelivery, error) {
	var found []models.WebhookDelivery
	err := tx.NewSelect().Model(&found).Where("whd.endpoint_id = ? AND whd.event_id IN (?)", endpoint, bun.List(events)).Scan(ctx)
	byEvent := make(map[models.ID]models.WebhookDelivery, len(found))
	for _, delivery := range found {
		byEvent[delivery.EventID] = delivery
	}
	return byEvent, store.Translate(err)
}

// updateQueuedAgain makes deliveries due now with all their attempts before them. What the log says of the last attempt stays
// until the next.
func updateQueuedAgain(ctx context.Context, tx bun.IDB, ids []models.ID, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*models.WebhookDelivery)(nil)).
		Set("state = ?, attempts = 0, due_at = ?, updated_at = ?", models.WebhookPending, now, now).
		Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return store.Translate(err)
}

// waiting is an endpoint that something is due for.
type waiting struct {
	ID           models.ID
	FailingSince *time.Time
}

// selectWaiting returns enabled endpoints that something is due for, those after the cursor first, so that all get their
// turn when there are more than fit.
func selectWaiting(ctx context.Context, idb bun.IDB, now time.Time, busy []models.ID, cursor models.ID, limit int) ([]waiting, error) {
	var endpoints []waiting
	q := idb.NewSelect().Model((*models.WebhookEndpoint)(nil)).Column("id", "failing_since").Where("whe.state = ?", models.WebhookEnabled).
		Where("EXISTS (SELECT 1 FROM webhook_deliveries AS wds WHERE wds.endpoint_id = whe.id AND wds.state = 'PENDING' AND wds.due_at <= ?)", now)
	if len(busy) > 0 {
		q = q.Where("whe.id NOT IN (?)", bun.List(busy))
	}
	err := q.OrderExpr("CASE WHEN whe.id > ? THEN 0 ELSE 1 END, whe.id", cursor).Limit(int64(limit)).Scan(ctx, &endpoints)
	return endpoints, store.Translate(err)
}

// claimDue leases due deliveries of one endpoint until the given time, and counts the attempt. On PostgreSQL rows that another
// replica is claiming now are passed over.
func claimDue(ctx context.Context, tx bun.Tx, endpoint models.ID, now, until time.Time, limit int) ([]models.WebhookDelivery, error) {
	var rows []models.WebhookDelivery
	due := tx.NewSelect().Model(&rows).
		Where("whd.endpoint_id = ? AND whd.state = 'PENDING' AND whd.due_at <= ?", endpoint, now).
		Order("whd.due_at", "whd.id").Limit(int64(limit))
	if store.EngineOf(tx) == store.Postgres {
		due = due.For("UPDATE SKIP LOCKED")
	}
	if err := due.Scan(ctx); err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]models.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
		rows[i].Attempts++
		rows[i].Claims++
	}
	_, err := tx.NewUpdate().Model((*models.WebhookDelivery)(nil)).
		Set("attempts = attempts + 1, claims = claims + 1, due_at = ?, last_attempt_at = ?, updated_at = ?", until, now, now).
		Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return rows, err
}

// updateAttempted writes what became of an attempt, unless somebody has claimed the delivery since.
func updateAttempted(ctx context.Context, tx bun.IDB, delivery *models.WebhookDelivery) (bool, error) {
	result, err := tx.NewUpdate().Model(delivery).
		Column("state", "attempts", "due_at", "response_status", "response_text", "failure", "duration_ms", "updated_at").
		Where("id = ? AND claims = ? AND state = 'PENDING'", delivery.ID, delivery.Claims).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// selectOldestDue returns since when the oldest delivery to an enabled endpoint has been due; nil when none is.
func selectOldestDue(ctx context.Context, idb bun.IDB, now time.Time) (*time.Time, error) {
	var due []time.Time
	err := idb.NewSelect().Model((*models.WebhookDelivery)(nil)).Column("due_at").
		Join("JOIN webhook_endpoints AS whe ON whe.id = whd.endpoint_id").
		Where("whe.state = ? AND whd.state = 'PENDING' AND whd.due_at <= ?", models.WebhookEnabled, now).
		Order("whd.due_at").Limit(1).Scan(ctx, &due)
	if err != nil || len(due) == 0 {
		return nil, store.Translate(err)
	}
	return &due[0], nil
}

// deleteOld removes up to limit deliveries that have not changed since a time, and returns how many.
func deleteOld(ctx context.Context, tx bun.IDB, before time.Time, limit int) (int, error) {
	var ids []models.ID
	err := tx.NewSelect().Model((*models.WebhookDelivery)(nil)).Column("id").Where("whd.updated_at < ?", before).
		Order("whd.updated_at", "whd.id").Limit(int64(limit)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return 0, store.Translate(err)
	}
	_, err = tx.NewDelete().Model((*models.WebhookDelivery)(nil)).Where("id IN (?) AND updated_at < ?", bun.List(ids), before).Exec(ctx)
	return len(ids), store.Translate(err)
}

// stamp changes whenever what endpoints ask for may have: with every change of one, and with every new partner.
type stamp struct {
	Count, Versions               int64
	NewestEndpoint, NewestPartner models.ID
}

func selectStamp(ctx context.Context, idb bun.IDB) (stamp, error) {
	var now stamp
	err := idb.NewRaw(`SELECT count(*) AS count, CAST(COALESCE(sum(version), 0) AS bigint) AS versions, COALESCE(max(id), '') AS newest_endpoint,
		COALESCE((SELECT max(p.id) FROM partners AS p), '') AS newest_partner FROM webhook_endpoints`).Scan(ctx, &now)
	return now, store.Translate(err)
}

// asked is what one endpoint asks for of one partner; without a partner, of everybody.
type asked struct {
	PartnerID  models.ID `bun:"partner_id,nullzero"`
	EventTypes []string  `bun:"event_types,type:jsonb"`
}

func selectInterest(ctx context.Context, idb bun.IDB) ([]asked, error) {
	var rows []asked
	err := idb.NewRaw(`SELECT p.id AS partner_id, whe.event_types FROM webhook_endpoints AS whe
		LEFT JOIN partners AS p ON p.id = whe.partner_id OR p.parent_id = whe.partner_id WHERE whe.state = ?`, models.WebhookEnabled).Scan(ctx, &rows)
	return rows, store.Translate(err)
}
