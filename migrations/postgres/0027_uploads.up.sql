CREATE TABLE uploads (
    id              text COLLATE "C" PRIMARY KEY,
    token_hash      bytea NOT NULL,
    organisation_id text NOT NULL,
    purpose         text NOT NULL,
    content_type    text NOT NULL,
    extension       text NOT NULL,
    size            bigint NOT NULL,
    state           text NOT NULL,
    refusal         text,
    digest          text,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    CHECK (size > 0)
);
--bun:split
CREATE UNIQUE INDEX uploads_token ON uploads (token_hash);
--bun:split
CREATE INDEX uploads_due ON uploads (expires_at) WHERE removed_at IS NULL AND state <> 'KEPT';
--bun:split
CREATE INDEX uploads_open ON uploads (organisation_id) WHERE state IN ('WAITING', 'RECEIVING', 'READY');
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_name text;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_endpoint text;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_sealed bytea;
--bun:split
ALTER TABLE access_configurations ADD COLUMN bucket_checked_at timestamptz;
