CREATE TABLE order_refunds (
    id             text COLLATE "C" PRIMARY KEY,
    order_id       text COLLATE "C" NOT NULL REFERENCES orders (id),
    item_id        text COLLATE "C" REFERENCES order_items (id),
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL,
    destination    text NOT NULL,
    destination_id text COLLATE "C" NOT NULL,
    transfer_id    text COLLATE "C" NOT NULL REFERENCES transfers (id),
    reason         text NOT NULL,
    created_at     timestamptz NOT NULL,
    CHECK (amount_minor > 0)
);
--bun:split
CREATE INDEX order_refunds_order ON order_refunds (order_id, id);
--bun:split
CREATE UNIQUE INDEX order_refunds_transfer ON order_refunds (transfer_id);
--bun:split
ALTER TABLE orders ADD COLUMN hold_id text COLLATE "C";
--bun:split
CREATE UNIQUE INDEX holds_order ON holds (order_id) WHERE state = 'PENDING' AND order_id IS NOT NULL;
