CREATE TABLE customers (
    id               TEXT PRIMARY KEY,
    cloud            TEXT NOT NULL,
    name             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    verified_status  TEXT NOT NULL,
    frozen           TEXT NOT NULL,
    currency         TEXT NOT NULL,
    external_id      TEXT,
    partner_id       TEXT REFERENCES partners (id),
    mode             TEXT,
    real_name_sealed BLOB,
    email_sealed     BLOB,
    email_blind      TEXT,
    phone_sealed     BLOB,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX customers_name ON customers (cloud, name);
--bun:split
CREATE INDEX customers_partner ON customers (partner_id, id);
--bun:split
CREATE UNIQUE INDEX customers_external ON customers (partner_id, external_id) WHERE external_id IS NOT NULL;
--bun:split
CREATE INDEX customers_email ON customers (email_blind);
--bun:split
CREATE TABLE associations (
    id          TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    partner_id  TEXT NOT NULL REFERENCES partners (id),
    mode        TEXT NOT NULL,
    source      TEXT NOT NULL,
    tag         TEXT,
    since       TEXT NOT NULL,
    until       TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX associations_in_force ON associations (customer_id) WHERE until IS NULL;
--bun:split
CREATE INDEX associations_customer ON associations (customer_id, id);
--bun:split
CREATE INDEX associations_partner ON associations (partner_id, id);
