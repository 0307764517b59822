ALTER TABLE customers ADD COLUMN account_manager_id TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN phone_blind TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer_from TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer_until TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_by TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_reason TEXT;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_at TEXT;
--bun:split
CREATE INDEX customers_manager ON customers (partner_id, account_manager_id, id);
--bun:split
CREATE INDEX customers_verified ON customers (partner_id, verified_status, id);
--bun:split
CREATE INDEX customers_frozen ON customers (partner_id, frozen, id);
--bun:split
CREATE INDEX customers_kind ON customers (partner_id, kind, id);
--bun:split
CREATE INDEX customers_created ON customers (partner_id, created_at);
--bun:split
CREATE INDEX customers_phone ON customers (phone_blind);
--bun:split
CREATE INDEX customers_prefix ON customers (partner_id, lower(name));
--bun:split
CREATE INDEX associations_since ON associations (partner_id, since);
--bun:split
CREATE TABLE customer_tags (
    partner_id  TEXT NOT NULL REFERENCES partners (id),
    tag         TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    PRIMARY KEY (partner_id, tag, customer_id)
) STRICT;
--bun:split
CREATE UNIQUE INDEX customer_tags_customer ON customer_tags (customer_id, tag);
--bun:split
CREATE TABLE customer_contacts (
    customer_id     TEXT PRIMARY KEY REFERENCES customers (id),
    partner_id      TEXT NOT NULL REFERENCES partners (id),
    contacts_sealed BLOB NOT NULL,
    updated_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE TABLE customer_budgets (
    customer_id     TEXT PRIMARY KEY REFERENCES customers (id),
    partner_id      TEXT NOT NULL REFERENCES partners (id),
    kind            TEXT NOT NULL,
    currency        TEXT NOT NULL,
    amount_minor    INTEGER NOT NULL,
    alert_percents  TEXT NOT NULL,
    freezes         INTEGER NOT NULL,
    since           TEXT NOT NULL,
    cycle           TEXT,
    alerted_percent INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    CHECK (amount_minor > 0)
) STRICT;
--bun:split
ALTER TABLE resources ADD COLUMN thawed_status TEXT;
--bun:split
CREATE INDEX orders_customer_paid ON orders (customer_id, paid_at) WHERE paid_at IS NOT NULL;
