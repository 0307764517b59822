CREATE TABLE coupon_uses (
    id             text COLLATE "C" PRIMARY KEY,
    coupon_id      text COLLATE "C" NOT NULL REFERENCES coupons (id),
    partner_id     text COLLATE "C" NOT NULL,
    customer_id    text COLLATE "C" NOT NULL,
    order_id       text COLLATE "C" NOT NULL REFERENCES orders (id),
    item_id        text COLLATE "C" NOT NULL,
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL,
    returned_minor bigint NOT NULL,
    transfer_id    text COLLATE "C" NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CHECK (amount_minor > 0 AND returned_minor >= 0 AND returned_minor <= amount_minor)
);
--bun:split
CREATE UNIQUE INDEX coupon_uses_order ON coupon_uses (order_id, item_id, coupon_id);
--bun:split
CREATE INDEX coupon_uses_coupon ON coupon_uses (coupon_id, id);
--bun:split
CREATE INDEX coupon_uses_customer ON coupon_uses (customer_id, id);
--bun:split
CREATE INDEX coupon_uses_partner ON coupon_uses (partner_id, id);
--bun:split
ALTER TABLE orders ADD COLUMN coupon_minor bigint NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE order_items ADD COLUMN coupon_minor bigint NOT NULL DEFAULT 0;
