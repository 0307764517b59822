CREATE TABLE coupons (
    id             text COLLATE "C" PRIMARY KEY,
    cloud          text NOT NULL,
    quota_id       text COLLATE "C" NOT NULL REFERENCES coupon_quotas (id),
    root_id        text COLLATE "C" NOT NULL,
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers (id),
    type           text NOT NULL,
    version        bigint NOT NULL,
    currency       text NOT NULL,
    face_minor     bigint NOT NULL,
    balance_minor  bigint NOT NULL,
    returned_minor bigint NOT NULL,
    status         text NOT NULL,
    limits         jsonb NOT NULL,
    memo           text,
    locked_by      text COLLATE "C",
    effective_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CHECK (face_minor > 0 AND balance_minor >= 0 AND returned_minor >= 0 AND balance_minor + returned_minor <= face_minor)
);
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
    id           text COLLATE "C" PRIMARY KEY,
    coupon_id    text COLLATE "C" REFERENCES coupons (id),
    quota_id     text COLLATE "C" NOT NULL,
    partner_id   text COLLATE "C" NOT NULL,
    customer_id  text COLLATE "C",
    operation    text NOT NULL,
    result       text NOT NULL,
    failure      text,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    order_id     text COLLATE "C",
    transfer_id  text COLLATE "C",
    remark       text,
    created_at   timestamptz NOT NULL
);
--bun:split
CREATE INDEX coupon_records_coupon ON coupon_records (coupon_id, id);
--bun:split
CREATE INDEX coupon_records_customer ON coupon_records (customer_id, id);
--bun:split
CREATE INDEX coupon_records_partner ON coupon_records (partner_id, id);
--bun:split
CREATE TABLE coupon_whitelists (
    partner_id   text COLLATE "C" PRIMARY KEY REFERENCES partners (id),
    enabled      boolean NOT NULL,
    customer_ids jsonb NOT NULL,
    updated_at   timestamptz NOT NULL
);
