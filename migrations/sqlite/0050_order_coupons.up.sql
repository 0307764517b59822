CREATE TABLE coupon_uses (
    id             TEXT PRIMARY KEY,
    coupon_id      TEXT NOT NULL REFERENCES coupons (id),
    partner_id     TEXT NOT NULL,
    customer_id    TEXT NOT NULL,
    order_id       TEXT NOT NULL REFERENCES orders (id),
    item_id        TEXT NOT NULL,
    currency       TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    returned_minor INTEGER NOT NULL,
    transfer_id    TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    CHECK (amount_minor > 0 AND returned_minor >= 0 AND returned_minor <= amount_minor)
) STRICT;
--bun:split
CREATE UNIQUE INDEX coupon_uses_order ON coupon_uses (order_id, item_id, coupon_id);
--bun:split
CREATE INDEX coupon_uses_coupon ON coupon_uses (coupon_id, id);
--bun:split
CREATE INDEX coupon_uses_customer ON coupon_uses (customer_id, id);
--bun:split
CREATE INDEX coupon_uses_partner ON coupon_uses (partner_id, id);
--bun:split
ALTER TABLE orders ADD COLUMN coupon_minor INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE order_items ADD COLUMN coupon_minor INTEGER NOT NULL DEFAULT 0;
