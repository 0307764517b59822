package federation

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// ErrChanged says that a platform's settings or keys are not those of the version any more.
var ErrChanged = errors.New("federation: the platform has changed")

// ParkAt is Park for a caller who has remembered the platform's Connection: in the same round trip it looks whether that is still the
// platform's version, and otherwise keeps nothing and returns ErrChanged. An empty version is not compared.
func (s *Service) ParkAt(ctx context.Context, request models.ParkedRequest, version string) error {
	if version == "" {
		return s.Park(ctx, request)
	}
	if err := s.checkParked(&request); err != nil {
		return err
	}
	now, err := insertParkedAt(ctx, s.DB, request)
	if err != nil || now == version {
		return err
	}
	if _, _, err := deleteParked(ctx, s.DB, request.PlatformID, request.RelayID); err != nil {
		return err
	}
	return ErrChanged
}

// TakeAt is Take that tells in the same round trip which version the platform has now; empty when there is no such platform, or when
// this database tells no versions. The version counts whatever the error about the request is.
func (s *Service) TakeAt(ctx context.Context, platformID, relayID string) (request models.ParkedRequest, version string, err error) {
	if s.DB.Engine() != store.Postgres {
		request, err = s.Take(ctx, platformID, relayID)
		return request, "", err
	}
	request, found, version, err := deleteParkedAt(ctx, s.DB, platformID, relayID)
	if err != nil {
		return models.ParkedRequest{}, "", err
	}
	request, err = s.taken(request, found)
	return request, version, err
}

// Met is who a verified assertion speaks of.
type Met struct {
	Identity

	Found bool // the account is bound
	// User is the person's user as it is now, without what only a sign-in by password needs; zero while the person is not bound.
	User models.User
}

// Meet is Once and FindIdentity, and the person's user, in one round trip: the assertion is remembered before anything else comes of it.
func (s *Service) Meet(ctx context.Context, platformID, assertionID string, until time.Time, xAccountID, xUserID string) (first bool, met Met, err error) {
	row := models.ReplayRow{PlatformID: platformID, AssertionID: assertionID, Until: until.UTC().Truncate(time.Microsecond)}
	first, identity, user, err := insertReplayAndMeet(ctx, s.DB, row, xAccountID, xUserID)
	if err != nil || !first {
		return false, Met{}, err
	}
	if identity != nil {
		met.Identity, met.Found = identity.identity(platformID, xAccountID, xUserID), true
	}
	if user != nil && met.Person != nil && user.ID == met.Person.UserID {
		met.User = *user
	}
	return true, met, nil
}

// The version of a platform's connection is made of what PostgreSQL itself changes with every change of the rows that it is read from,
// whoever makes it: which transaction wrote each of them, and where it lies.
const versionSQL = `concat_ws('/', ac.xmin::text, ac.ctid::text, (SELECT string_agg(vk.xmin::text || '.' || vk.ctid::text, ',' ORDER BY vk.id) ` +
	`FROM signing_keys AS vk WHERE vk.platform_id = ac.platform_id))`

type versionRow struct {
	bun.BaseModel `bun:"table:access_configurations,alias:ac"`

	Version string `bun:"version"`
}

// addVersion appends the query of a platform's version.
func addVersion(script *store.Script, idb bun.IDB, rows *[]versionRow, platformID string) {
	script.Query(rows, func() store.Rows {
		return idb.NewSelect().Model(rows).ColumnExpr(versionSQL+" AS version").Where("ac.platform_id = ?", platformID)
	}, store.Statement{Operation: "SELECT", Table: "access_configurations"},
		"SELECT "+versionSQL+" AS version FROM access_configurations AS ac WHERE ac.platform_id = $1", platformID)
}

func versionOf(rows []versionRow) string {
	if len(rows) == 0 {
		return ""
	}
	return rows[0].Version
}

func insertParkedAt(ctx context.Context, db *store.DB, request models.ParkedRequest) (version string, err error) {
	var rows []versionRow
	script := store.NewScript(db)
	script.Insert(&[]models.ParkedRequest{request})
	addVersion(script, db, &rows, request.PlatformID)
	err = script.Exec(ctx)
	return versionOf(rows), store.Translate(err)
}

const deleteParkedSQL = `DELETE FROM saml_requests WHERE relay_id = $1 AND platform_id = $2 RETURNING relay_id, platform_id, request_id, issuer, ` +
	`browser_hash, first_login, service, test_login_id, created_at, expires_at`

func deleteParkedAt(ctx context.Context, db *store.DB, platformID, relayID string) (request models.ParkedRequest, found bool, version string, err error) {
	var parked []models.ParkedRequest
	var versions []versionRow
	script := store.NewScript(db)
	script.Query(&parked, func() store.Rows {
		return db.NewDelete().Model(&parked).Where("relay_id = ? AND platform_id = ?", relayID, platformID).Returning("*")
	}, store.Statement{Operation: "DELETE", Table: "saml_requests"}, deleteParkedSQL, relayID, platformID)
	addVersion(script, db, &versions, platformID)
	if err := script.Exec(ctx); err != nil {
		return request, false, "", store.Translate(err)
	}
	if len(parked) > 0 {
		request, found = parked[0], true
	}
	return request, found, versionOf(versions), nil
}

// replayed is a row that was new.
type replayed struct {
	bun.BaseModel `bun:"table:saml_replays,alias:rp"`

	AssertionID string `bun:"assertion_id"`
}

// into is a statement whose rows are not of its model.
type into struct {
	store.Rows

	rows any
}

// Scan implements store.Rows.
func (i into) Scan(ctx context.Context, _ ...any) error { return i.Rows.Scan(ctx, i.rows) }

const insertReplaySQL = `INSERT INTO saml_replays (platform_id, assertion_id, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING assertion_id`

const meetIdentitySQL = `SELECT fa.platform_id, fa.x_account_id, fa.customer_id, fa.bound_at, COALESCE(fi.id, '') AS person_id, ` +
	`COALESCE(fi.user_id, '') AS user_id, fi.bound_at AS person_bound_at, COALESCE(bn.id, '') AS notification_id, bn.sent_at, ` +
	`COALESCE(bn.repeat, FALSE) AS repeat FROM federated_accounts AS fa ` +
	`LEFT JOIN federated_identities AS fi ON fi.platform_id = fa.platform_id AND fi.x_account_id = fa.x_account_id AND fi.x_user_id = $3 ` +
	`LEFT JOIN bind_notifications AS bn ON bn.id = (SELECT max(n.id) FROM bind_notifications AS n WHERE n.identity_id = fi.id) ` +
	`WHERE fa.platform_id = $1 AND fa.x_account_id = $2`

const meetUserSQL = `SELECT u.id, u.kind, u.partner_id, u.customer_id, u.login_name, u.external_id, u.state, u.permissions, u.session_epoch, ` +
	`u.created_at, u.updated_at FROM users AS u JOIN federated_identities AS fi ON fi.user_id = u.id ` +
	`WHERE fi.platform_id = $1 AND fi.x_account_id = $2 AND fi.x_user_id = $3`

func insertReplayAndMeet(ctx context.Context, db *store.DB, row models.ReplayRow, xAccountID, xUserID string) (first bool, identity *identityRow, user *models.User, err error) {
	var fresh []replayed
	var identities []identityRow
	var users []models.User
	script := store.NewScript(db)
	script.Query(&fresh, func() store.Rows {
		return into{db.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Returning("assertion_id"), &fresh}
	}, store.Statement{Operation: "INSERT", Table: "saml_replays"}, insertReplaySQL, row.PlatformID, row.AssertionID, row.Until)
	script.Query(&identities, func() store.Rows { return identityQuery(db, &identities, row.PlatformID, xAccountID, xUserID) },
		store.Statement{Operation: "SELECT", Table: "federated_accounts"}, meetIdentitySQL, row.PlatformID, xAccountID, xUserID)
	script.Query(&users, func() store.Rows {
		return db.NewSelect().Model(&users).ExcludeColumn("password_hash").Join("JOIN federated_identities AS fi ON fi.user_id = u.id").
			Where("fi.platform_id = ? AND fi.x_account_id = ? AND fi.x_user_id = ?", row.PlatformID, xAccountID, xUserID)
	}, store.Statement{Operation: "SELECT", Table: "users"}, meetUserSQL, row.PlatformID, xAccountID, xUserID)
	if err := script.Exec(ctx); err != nil {
		return false, nil, nil, store.Translate(err)
	}
	if len(identities) > 0 {
		identity = &identities[0]
	}
	if len(users) > 0 {
		user = &users[0]
	}
	return len(fresh) > 0, identity, user, nil
}
