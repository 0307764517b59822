CREATE TABLE orders (
    id             text COLLATE "C" PRIMARY KEY,
    cloud          text NOT NULL,
    number         text NOT NULL,
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id     text COLLATE "C" REFERENCES partners (id),
    status         text NOT NULL,
    type           text NOT NULL,
    source         text NOT NULL,
    currency       text NOT NULL,
    total_minor    bigint NOT NULL,
    official_minor bigint NOT NULL,
    external_id    text,
    transfer_id    text COLLATE "C" REFERENCES transfers (id),
    pay_by         timestamptz,
    created_at     timestamptz NOT NULL,
    paid_at        timestamptz,
    completed_at   timestamptz,
    updated_at     timestamptz NOT NULL,
    CHECK (total_minor >= 0)
);
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
    id            text COLLATE "C" PRIMARY KEY,
    order_id      text COLLATE "C" NOT NULL REFERENCES orders (id),
    parent_id     text COLLATE "C" REFERENCES order_items (id),
    position      bigint NOT NULL,
    service_type  text NOT NULL,
    resource_type text NOT NULL,
    spec_code     text NOT NULL,
    region        text NOT NULL,
    quantity      bigint NOT NULL,
    period_type   text NOT NULL,
    period_count  bigint NOT NULL,
    currency      text NOT NULL,
    amount_minor  bigint NOT NULL,
    CHECK (quantity > 0)
);
--bun:split
CREATE UNIQUE INDEX order_items_order ON order_items (order_id, position);
