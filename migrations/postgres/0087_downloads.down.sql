CREATE TABLE verification_downloads (
    id              text COLLATE "C" PRIMARY KEY,
    token_hash      bytea NOT NULL,
    organisation_id text NOT NULL,
    verification_id text COLLATE "C" NOT NULL REFERENCES verifications (id),
    position        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX verification_downloads_token ON verification_downloads (token_hash);
--bun:split
CREATE INDEX verification_downloads_due ON verification_downloads (expires_at);
--bun:split
CREATE TABLE bank_letter_downloads (
    token_hash       bytea PRIMARY KEY,
    organisation_id  text NOT NULL,
    certification_id text COLLATE "C" NOT NULL REFERENCES commercial_certifications (id),
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL
);
--bun:split
CREATE INDEX bank_letter_downloads_due ON bank_letter_downloads (expires_at);
--bun:split
CREATE TABLE benefit_downloads (
    id              text COLLATE "C" PRIMARY KEY,
    token_hash      bytea NOT NULL,
    organisation_id text NOT NULL,
    application_id  text COLLATE "C" NOT NULL REFERENCES benefit_applications (id),
    position        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX benefit_downloads_token ON benefit_downloads (token_hash);
--bun:split
CREATE INDEX benefit_downloads_due ON benefit_downloads (expires_at);
--bun:split
CREATE TABLE staff_downloads (
    token_hash      bytea PRIMARY KEY,
    organisation_id text NOT NULL,
    payment_id      text COLLATE "C" NOT NULL REFERENCES staff_payments (id),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
--bun:split
CREATE INDEX staff_downloads_due ON staff_downloads (expires_at);
--bun:split
DROP TABLE downloads;
