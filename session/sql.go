package session

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func insert(ctx context.Context, tx bun.IDB, session *models.Session) error {
	_, err := tx.NewInsert().Model(session).Exec(ctx)
	return store.Translate(err)
}

func selectByToken(ctx context.Context, idb bun.IDB, hash []byte) (models.Session, bool, error) {
	var session models.Session
	found, err := store.Found(idb.NewSelect().Model(&session).Where("s.token_hash = ?", hash).Scan(ctx))
	return session, found, err
}

func lock(ctx context.Context, tx bun.IDB, id models.ID) (models.Session, bool, error) {
	var session models.Session
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&session).Where("s.id = ?", id)).Scan(ctx))
	return session, found, err
}

// selectOfUser returns the newest 200 sessions that may live; the caller applies the idle time.
func selectOfUser(ctx context.Context, idb bun.IDB, userID models.ID, now time.Time) ([]models.Session, error) {
	var rows []models.Session
	err := idb.NewSelect().Model(&rows).Where("s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ?", userID, now).
		OrderExpr("s.id DESC").Limit(200).Scan(ctx)
	return rows, store.Translate(err)
}

func revokeByToken(ctx context.Context, idb bun.IDB, hash []byte, now time.Time) ([][]byte, error) {
	return revoke(ctx, idb, now, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("token_hash = ?", hash) })
}

func revokeOfUser(ctx context.Context, idb bun.IDB, userID models.ID, now time.Time) ([][]byte, error) {
	return revoke(ctx, idb, now, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("user_id = ?", userID) })
}

// revokeFederated compares the parts that an assertion may leave out as empty ones.
func revokeFederated(ctx context.Context, idb bun.IDB, platformID string, name Name, indexes []string, now time.Time) ([][]byte, error) {
	return revoke(ctx, idb, now, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		q = q.Where("platform_id = ? AND name_id = ?", platformID, name.Value).
			Where("COALESCE(name_id_format, '') = ? AND COALESCE(name_qualifier, '') = ?", name.Format, name.NameQualifier).
			Where("COALESCE(sp_name_qualifier, '') = ?", name.SPNameQualifier)
		if len(indexes) > 0 {
			q = q.Where("session_index IN (?)", bun.List(indexes))
		}
		return q
	})
}

func revokeByIDs(ctx context.Context, idb bun.IDB, ids []models.ID, now time.Time) ([][]byte, error) {
	return revoke(ctx, idb, now, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("id IN (?)", bun.List(ids)) })
}

// revoke ends the sessions that were not ended before and returns their digests.
func revoke(ctx context.Context, idb bun.IDB, now time.Time, which func(*bun.UpdateQuery) *bun.UpdateQuery) ([][]byte, error) {
	var rows []models.Session
	q := idb.NewUpdate().Model((*models.Session)(nil)).Set("revoked_at = ?", now).Where("revoked_at IS NULL").Returning("token_hash")
	err := store.Translate(which(q).Scan(ctx, &rows))
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
