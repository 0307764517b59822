CREATE TABLE downloads (
    token_hash      BLOB PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    kind            TEXT NOT NULL,
    subject_id      TEXT NOT NULL,
    position        INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX downloads_due ON downloads (expires_at);
--bun:split
DROP TABLE verification_downloads;
--bun:split
DROP TABLE bank_letter_downloads;
--bun:split
DROP TABLE benefit_downloads;
--bun:split
DROP TABLE staff_downloads;
