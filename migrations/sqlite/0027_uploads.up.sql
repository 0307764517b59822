CREATE TABLE uploads (
    id              TEXT PRIMARY KEY,
    token_hash      BLOB NOT NULL,
    organisation_id TEXT NOT NULL,
    purpose         TEXT NOT NULL,
    content_type    TEXT NOT NULL,
    extension       TEXT NOT NULL,
    size            INTEGER NOT NULL,
    state           TEXT NOT NULL,
    refusal         TEXT,
    digest          TEXT,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    removed_at      TEXT,
    CHECK (size > 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX uploads_token ON uploads (token_hash);
--bun:split
CREATE INDEX uploads_due ON uploads (expires_at) WHERE removed_at IS NULL AND state <> 'KEPT';
--bun:split
CREATE INDEX uploads_open ON uploads (organisation_id) WHERE state IN ('WAITING', 'RECEIVING', 'READY');
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_name TEXT;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_endpoint TEXT;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_sealed BLOB;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_checked_at TEXT;
