CREATE TABLE verifications (
    id               text COLLATE "C" PRIMARY KEY,
    customer_id      text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id       text COLLATE "C" REFERENCES partners (id),
    kind             text NOT NULL,
    is_change        boolean NOT NULL,
    identify_type    text,
    document_type    text,
    certificate_type text,
    details_sealed   bytea NOT NULL,
    status           text NOT NULL,
    is_review        boolean NOT NULL,
    opinion          text,
    created_at       timestamptz NOT NULL,
    decided_at       timestamptz
);
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
