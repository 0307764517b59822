CREATE TABLE mdf_caps (
    year      bigint NOT NULL,
    class     text NOT NULL,
    tag_code  text COLLATE "C" NOT NULL,
    cap_minor bigint NOT NULL,
    source    text NOT NULL,
    PRIMARY KEY (year, class, tag_code)
);
--bun:split
CREATE TABLE benefit_orders (
    order_id       text COLLATE "C" PRIMARY KEY REFERENCES orders (id),
    application_id text COLLATE "C" NOT NULL REFERENCES benefit_applications (id)
);
--bun:split
CREATE INDEX benefit_orders_application ON benefit_orders (application_id, order_id);
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
