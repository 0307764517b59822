CREATE TABLE price_adjustments (
    id           text COLLATE "C" PRIMARY KEY,
    order_id     text COLLATE "C" NOT NULL REFERENCES orders (id),
    partner_id   text COLLATE "C" REFERENCES partners (id),
    mode         text NOT NULL,
    value        text NOT NULL,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    reason       text NOT NULL,
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    CHECK (amount_minor >= 0)
);
--bun:split
CREATE UNIQUE INDEX price_adjustments_order ON price_adjustments (order_id) WHERE ended_at IS NULL;
--bun:split
ALTER TABLE orders ADD COLUMN adjustment_id text COLLATE "C";
--bun:split
ALTER TABLE order_items ADD COLUMN list_minor bigint;
