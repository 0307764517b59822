CREATE TABLE price_adjustments (
    id           TEXT PRIMARY KEY,
    order_id     TEXT NOT NULL REFERENCES orders (id),
    partner_id   TEXT REFERENCES partners (id),
    mode         TEXT NOT NULL,
    value        TEXT NOT NULL,
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    reason       TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    ended_at     TEXT,
    CHECK (amount_minor >= 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX price_adjustments_order ON price_adjustments (order_id) WHERE ended_at IS NULL;
--bun:split
ALTER TABLE orders ADD COLUMN adjustment_id TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN list_minor INTEGER;
