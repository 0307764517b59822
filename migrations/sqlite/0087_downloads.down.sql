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
--bun:split
CREATE TABLE bank_letter_downloads (
    token_hash       BLOB PRIMARY KEY,
    organisation_id  TEXT NOT NULL,
    certification_id TEXT NOT NULL REFERENCES commercial_certifications (id),
    created_at       TEXT NOT NULL,
    expires_at       TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX bank_letter_downloads_due ON bank_letter_downloads (expires_at);
--bun:split
CREATE TABLE benefit_downloads (
    id              TEXT PRIMARY KEY,
    token_hash      BLOB NOT NULL,
    organisation_id TEXT NOT NULL,
    application_id  TEXT NOT NULL REFERENCES benefit_applications (id),
    position        INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX benefit_downloads_token ON benefit_downloads (token_hash);
--bun:split
CREATE INDEX benefit_downloads_due ON benefit_downloads (expires_at);
--bun:split
CREATE TABLE staff_downloads (
    token_hash      BLOB PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    payment_id      TEXT NOT NULL REFERENCES staff_payments (id),
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX staff_downloads_due ON staff_downloads (expires_at);
--bun:split
DROP TABLE downloads;
