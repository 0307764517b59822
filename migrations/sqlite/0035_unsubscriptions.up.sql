ALTER TABLE orders ADD COLUMN unsubscribe_type TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN unsubscribe_reason TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN failure TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN resource_id TEXT REFERENCES resources (id);
--bun:split
ALTER TABLE order_items ADD COLUMN effective_at TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN expires_at TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN unsubscribed_by TEXT REFERENCES orders (id);
--bun:split
CREATE INDEX order_items_resource ON order_items (resource_id) WHERE resource_id IS NOT NULL;
--bun:split
CREATE TABLE refund_infos (
    id            TEXT PRIMARY KEY,
    order_id      TEXT NOT NULL REFERENCES orders (id),
    position      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    base_order_id TEXT NOT NULL REFERENCES orders (id),
    base_item_id  TEXT NOT NULL REFERENCES order_items (id),
    resource_id   TEXT NOT NULL REFERENCES resources (id),
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    region        TEXT NOT NULL,
    currency      TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    CHECK (amount_minor <> 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX refund_infos_order ON refund_infos (order_id, position);
--bun:split
CREATE TABLE free_unsubscriptions (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    year        INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    PRIMARY KEY (customer_id, year),
    CHECK (used >= 0)
) STRICT;
