CREATE TABLE orders (
    id             TEXT PRIMARY KEY,
    cloud          TEXT NOT NULL,
    number         TEXT NOT NULL,
    customer_id    TEXT NOT NULL REFERENCES customers (id),
    partner_id     TEXT REFERENCES partners (id),
    status         TEXT NOT NULL,
    type           TEXT NOT NULL,
    source         TEXT NOT NULL,
    currency       TEXT NOT NULL,
    total_minor    INTEGER NOT NULL,
    official_minor INTEGER NOT NULL,
    external_id    TEXT,
    transfer_id    TEXT REFERENCES transfers (id),
    pay_by         TEXT,
    created_at     TEXT NOT NULL,
    paid_at        TEXT,
    completed_at   TEXT,
    updated_at     TEXT NOT NULL,
    CHECK (total_minor >= 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX orders_number ON orders (number);
--bun:split
CREATE INDEX orders_customer ON orders (customer_id, id);
--bun:split
CREATE INDEX orders_partner ON orders (partner_id, id);
--bun:split
CREATE INDEX orders_processing ON orders (id) WHERE status = 'PROCESSING';
--bun:split
CREATE UNIQUE INDEX orders_external ON orders (customer_id, external_id) WHERE external_id IS NOT NULL;
--bun:split
CREATE UNIQUE INDEX orders_partner_external ON orders (partner_id, external_id) WHERE external_id IS NOT NULL AND partner_id IS NOT NULL;
--bun:split
CREATE TABLE order_items (
    id            TEXT PRIMARY KEY,
    order_id      TEXT NOT NULL REFERENCES orders (id),
    parent_id     TEXT REFERENCES order_items (id),
    position      INTEGER NOT NULL,
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    spec_code     TEXT NOT NULL,
    region        TEXT NOT NULL,
    quantity      INTEGER NOT NULL,
    period_type   TEXT NOT NULL,
    period_count  INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    CHECK (quantity > 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX order_items_order ON order_items (order_id, position);
