CREATE TABLE verifications (
    id               TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customers (id),
    partner_id       TEXT REFERENCES partners (id),
    kind             TEXT NOT NULL,
    is_change        INTEGER NOT NULL,
    identify_type    TEXT,
    document_type    TEXT,
    certificate_type TEXT,
    details_sealed   BLOB NOT NULL,
    status           TEXT NOT NULL,
    is_review        INTEGER NOT NULL,
    opinion          TEXT,
    created_at       TEXT NOT NULL,
    decided_at       TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX verifications_under_review ON verifications (customer_id) WHERE status = 'REVIEWING';
--bun:split
CREATE INDEX verifications_customer ON verifications (customer_id, id);
--bun:split
CREATE INDEX verifications_partner ON verifications (partner_id, id);
--bun:split
CREATE INDEX verifications_status ON verifications (status, id);
--bun:split
CREATE TABLE verification_downloads (
    id              TEXT PRIMARY KEY,
    token_hash      BLOB NOT NULL,
    organisation_id TEXT NOT NULL,
    verification_id TEXT NOT NULL REFERENCES verifications (id),
    position        INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX verification_downloads_token ON verification_downloads (token_hash);
--bun:split
CREATE INDEX verification_downloads_due ON verification_downloads (expires_at);
