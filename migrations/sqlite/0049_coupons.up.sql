CREATE TABLE coupons (
    id             TEXT PRIMARY KEY,
    cloud          TEXT NOT NULL,
    quota_id       TEXT NOT NULL REFERENCES coupon_quotas (id),
    root_id        TEXT NOT NULL,
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    customer_id    TEXT NOT NULL REFERENCES customers (id),
    type           TEXT NOT NULL,
    version        INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    face_minor     INTEGER NOT NULL,
    balance_minor  INTEGER NOT NULL,
    returned_minor INTEGER NOT NULL,
    status         TEXT NOT NULL,
    limits         TEXT NOT NULL,
    memo           TEXT,
    locked_by      TEXT,
    effective_at   TEXT NOT NULL,
    expires_at     TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    CHECK (face_minor > 0 AND balance_minor >= 0 AND returned_minor >= 0 AND balance_minor + returned_minor <= face_minor)
) STRICT;
--bun:split
CREATE INDEX coupons_customer ON coupons (customer_id, id);
--bun:split
CREATE INDEX coupons_partner ON coupons (partner_id, id);
--bun:split
CREATE INDEX coupons_quota ON coupons (quota_id, id);
--bun:split
CREATE INDEX coupons_locked ON coupons (locked_by) WHERE locked_by IS NOT NULL;
--bun:split
CREATE TABLE coupon_records (
    id           TEXT PRIMARY KEY,
    coupon_id    TEXT REFERENCES coupons (id),
    quota_id     TEXT NOT NULL,
    partner_id   TEXT NOT NULL,
    customer_id  TEXT,
    operation    TEXT NOT NULL,
    result       TEXT NOT NULL,
    failure      TEXT,
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    order_id     TEXT,
    transfer_id  TEXT,
    remark       TEXT,
    created_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX coupon_records_coupon ON coupon_records (coupon_id, id);
--bun:split
CREATE INDEX coupon_records_customer ON coupon_records (customer_id, id);
--bun:split
CREATE INDEX coupon_records_partner ON coupon_records (partner_id, id);
--bun:split
CREATE TABLE coupon_whitelists (
    partner_id   TEXT PRIMARY KEY REFERENCES partners (id),
    enabled      INTEGER NOT NULL,
    customer_ids TEXT NOT NULL,
    updated_at   TEXT NOT NULL
) STRICT;
