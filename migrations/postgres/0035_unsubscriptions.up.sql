ALTER TABLE orders ADD COLUMN unsubscribe_type text;
--bun:split
ALTER TABLE orders ADD COLUMN unsubscribe_reason text;
--bun:split
ALTER TABLE orders ADD COLUMN failure text;
--bun:split
ALTER TABLE order_items ADD COLUMN resource_id text COLLATE "C" REFERENCES resources (id);
--bun:split
ALTER TABLE order_items ADD COLUMN effective_at timestamptz;
--bun:split
ALTER TABLE order_items ADD COLUMN expires_at timestamptz;
--bun:split
ALTER TABLE order_items ADD COLUMN unsubscribed_by text COLLATE "C" REFERENCES orders (id);
--bun:split
CREATE INDEX order_items_resource ON order_items (resource_id) WHERE resource_id IS NOT NULL;
--bun:split
CREATE TABLE refund_infos (
    id            text COLLATE "C" PRIMARY KEY,
    order_id      text COLLATE "C" NOT NULL REFERENCES orders (id),
    position      bigint NOT NULL,
    kind          text NOT NULL,
    base_order_id text COLLATE "C" NOT NULL REFERENCES orders (id),
    base_item_id  text COLLATE "C" NOT NULL REFERENCES order_items (id),
    resource_id   text COLLATE "C" NOT NULL REFERENCES resources (id),
    service_type  text NOT NULL,
    resource_type text NOT NULL,
    region        text NOT NULL,
    currency      text NOT NULL,
    amount_minor  bigint NOT NULL,
    CHECK (amount_minor <> 0)
);
--bun:split
CREATE UNIQUE INDEX refund_infos_order ON refund_infos (order_id, position);
--bun:split
CREATE TABLE free_unsubscriptions (
    customer_id text COLLATE "C" NOT NULL REFERENCES customers (id),
    year        bigint NOT NULL,
    used        bigint NOT NULL,
    PRIMARY KEY (customer_id, year),
    CHECK (used >= 0)
);
