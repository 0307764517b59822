CREATE TABLE order_refunds (
    id             TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL REFERENCES orders (id),
    item_id        TEXT REFERENCES order_items (id),
    currency       TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    destination    TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    transfer_id    TEXT NOT NULL REFERENCES transfers (id),
    reason         TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    CHECK (amount_minor > 0)
) STRICT;
--bun:split
CREATE INDEX order_refunds_order ON order_refunds (order_id, id);
--bun:split
CREATE UNIQUE INDEX order_refunds_transfer ON order_refunds (transfer_id);
--bun:split
ALTER TABLE orders ADD COLUMN hold_id TEXT;
--bun:split
CREATE UNIQUE INDEX holds_order ON holds (order_id) WHERE state = 'PENDING' AND order_id IS NOT NULL;
