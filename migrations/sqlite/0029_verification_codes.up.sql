CREATE TABLE verification_codes (
    id          TEXT PRIMARY KEY,
    holder_id   TEXT NOT NULL,
    org_id      TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    hash        TEXT NOT NULL,
    code_sealed BLOB,
    to_sealed   BLOB NOT NULL,
    to_blind    TEXT NOT NULL,
    language    TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    is_current  INTEGER NOT NULL,
    expires_at  TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    used_at     TEXT,
    mail_state  TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX verification_codes_current ON verification_codes (org_id, holder_id, purpose) WHERE is_current;
--bun:split
CREATE INDEX verification_codes_holder ON verification_codes (org_id, holder_id, purpose, created_at);
--bun:split
CREATE INDEX verification_codes_address ON verification_codes (to_blind, created_at);
--bun:split
CREATE INDEX verification_codes_created ON verification_codes (created_at);
--bun:split
CREATE TABLE step_ups (
    org_id       TEXT PRIMARY KEY,
    actions      TEXT NOT NULL,
    email_sealed BLOB,
    updated_at   TEXT NOT NULL
) STRICT;
