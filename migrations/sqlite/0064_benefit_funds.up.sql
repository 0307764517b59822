CREATE TABLE mdf_caps (
    year      INTEGER NOT NULL,
    class     TEXT NOT NULL,
    tag_code  TEXT NOT NULL,
    cap_minor INTEGER NOT NULL,
    source    TEXT NOT NULL,
    PRIMARY KEY (year, class, tag_code)
) STRICT;
--bun:split
CREATE TABLE benefit_orders (
    order_id       TEXT PRIMARY KEY REFERENCES orders (id),
    application_id TEXT NOT NULL REFERENCES benefit_applications (id)
) STRICT;
--bun:split
CREATE INDEX benefit_orders_application ON benefit_orders (application_id, order_id);
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
