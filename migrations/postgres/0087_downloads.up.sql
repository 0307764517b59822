CREATE TABLE downloads (
    token_hash      bytea PRIMARY KEY,
    organisation_id text NOT NULL,
    kind            text NOT NULL,
    subject_id      text COLLATE "C" NOT NULL,
    position        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
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
