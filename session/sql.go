package session

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func selectByToken(ctx context.Context, idb bun.IDB, hash []byte) (models.Session, bool, error) {
	var session models.Session
	found, err := store.Found(idb.NewSelect().Model(&session).Where("s.token_hash = ?", hash).Scan(ctx))
	return session, found, err
}

// selectByPrevious finds a session by the token before its newest one, while that still counts.
func selectByPrevious(ctx context.Context, idb bun.IDB, hash []byte, now time.Time) (models.Session, bool, error) {
	var session models.Session
	found, err := store.Found(idb.NewSelect().Model(&session).Where("s.previous_hash = ? AND s.previous_until > ?", hash, now).Scan(ctx))
	return session, found, err
}

func selectByID(ctx context.Context, idb bun.IDB, id models.ID) (models.Session, bool, error) {
	var session models.Session
	found, err := store.Found(idb.NewSelect().Model(&session).Where("s.id = ?", id).Scan(ctx))
	return session, found, err
}

// updateToken reports false when the session has another token by now, or ended.
func updateToken(ctx context.Context, tx bun.IDB, session models.Session, old []byte) (bool, error) {
	result, err := tx.NewUpdate().Model(&session).Column("token_hash", "privileges", "previous_hash", "previous_until").
		Where("s.id = ? AND s.token_hash = ? AND s.revoked_at IS NULL", session.ID, old).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	count, err := result.RowsAffected()
	return count == 1, err
}

// maxCounted bounds what ending all sessions of a person counts.
const maxCounted = 1000

// countOfUser counts the sessions of an epoch that have not ended, up to maxCounted.
func countOfUser(ctx context.Context, idb bun.IDB, userID models.ID, epoch int64, now time.Time) (int, error) {
	n, err := idb.NewSelect().TableExpr("(?) AS living", idb.NewSelect().Model((*models.Session)(nil)).ColumnExpr("1").
		Where("s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ? AND s.epoch >= ?", userID, now, epoch).Limit(maxCounted)).Count(ctx)
	return int(n), store.Translate(err)
}

// selectOfUser returns the newest 200 sessions that may live; the caller applies the idle time.
func selectOfUser(ctx context.Context, idb bun.IDB, userID models.ID, epoch int64, now time.Time) ([]models.Session, error) {
	var rows []models.Session
	err := idb.NewSelect().Model(&rows).Where("s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ? AND s.epoch >= ?", userID, now, epoch).
		OrderExpr("s.id DESC").Limit(200).Scan(ctx)
	return rows, store.Translate(err)
}

func revokeByToken(ctx context.Context, idb bun.IDB, hash []byte, now time.Time) ([][]byte, error) {
	return revoke(ctx, revokingToken(idb, hash, now))
}

func revokingToken(idb bun.IDB, hash []byte, now time.Time) *bun.UpdateQuery {
	return revoking(idb, now).Where("(s.token_hash = ? OR s.previous_hash = ? AND s.previous_until > ?)", hash, hash, now)
}

// revokeFederated compares the parts that an assertion may leave out as empty ones.
func revokeFederated(ctx context.Context, idb bun.IDB, platformID string, name Name, indexes []string, now time.Time) ([][]byte, error) {
	q := revoking(idb, now).Where("platform_id = ? AND name_id = ?", platformID, name.Value).
		Where("COALESCE(name_id_format, '') = ? AND COALESCE(name_qualifier, '') = ?", name.Format, name.NameQualifier).
		Where("COALESCE(sp_name_qualifier, '') = ?", name.SPNameQualifier)
	if len(indexes) > 0 {
		q = q.Where("session_index IN (?)", bun.List(indexes))
	}
	return revoke(ctx, q)
}

func revokeByIDs(ctx context.Context, idb bun.IDB, ids []models.ID, now time.Time) ([][]byte, error) {
	return revoke(ctx, revoking(idb, now).Where("id IN (?)", bun.List(ids)))
}

// revoking ends the sessions that were not ended before, be it one by one or all of a person's; the caller says which.
func revoking(idb bun.IDB, now time.Time) *bun.UpdateQuery {
	return idb.NewUpdate().Model((*models.Session)(nil)).Set("revoked_at = ?", now).Where("s.revoked_at IS NULL").
		Where("s.epoch >= (SELECT u.session_epoch FROM users AS u WHERE u.id = s.user_id)").Returning("token_hash")
}

// revoke runs what revoking began, and returns the digests of the sessions that it ended.
func revoke(ctx context.Context, q *bun.UpdateQuery) ([][]byte, error) {
	var rows []models.Session
	err := store.Translate(q.Scan(ctx, &rows))
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	hashes := make([][]byte, len(rows))
	for i, row := range rows {
		hashes[i] = row.TokenHash
	}
	return hashes, err
}

// updateSeen never moves the time back, whichever request writes last.
func updateSeen(ctx context.Context, idb bun.IDB, id models.ID, now time.Time) error {
	_, err := idb.NewUpdate().Model((*models.Session)(nil)).Set("last_seen_at = ?", now).
		Where("id = ? AND last_seen_at < ?", id, now).Exec(ctx)
	return store.Translate(err)
}

func deleteBefore(ctx context.Context, idb bun.IDB, before time.Time) (int64, error) {
	result, err := idb.NewDelete().Model((*models.Session)(nil)).Where("expires_at < ?", before).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}
