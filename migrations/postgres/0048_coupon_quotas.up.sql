CREATE TABLE coupon_quotas (
    id            text COLLATE "C" PRIMARY KEY,
    cloud         text NOT NULL,
    partner_id    text COLLATE "C" NOT NULL REFERENCES partners (id),
    parent_id     text COLLATE "C" REFERENCES coupon_quotas (id),
    root_id       text COLLATE "C" NOT NULL,
    type          text NOT NULL,
    currency      text NOT NULL,
    value_minor   bigint NOT NULL,
    balance_minor bigint NOT NULL,
    status        text NOT NULL,
    limits        jsonb NOT NULL,
    source        text NOT NULL,
    memo          text,
    effective_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CHECK (balance_minor >= 0 AND value_minor >= balance_minor)
);
--bun:split
CREATE INDEX coupon_quotas_partner ON coupon_quotas (partner_id, id);
--bun:split
CREATE INDEX coupon_quotas_parent ON coupon_quotas (parent_id, id) WHERE parent_id IS NOT NULL;
--bun:split
CREATE TABLE coupon_quota_records (
    id           text COLLATE "C" PRIMARY KEY,
    quota_id     text COLLATE "C" NOT NULL REFERENCES coupon_quotas (id),
    partner_id   text COLLATE "C" NOT NULL,
    operation    text NOT NULL,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    transfer_id  text COLLATE "C" NOT NULL,
    remark       text,
    created_at   timestamptz NOT NULL
);
--bun:split
CREATE INDEX coupon_quota_records_quota ON coupon_quota_records (quota_id, id);
--bun:split
CREATE INDEX coupon_quota_records_partner ON coupon_quota_records (partner_id, id);
