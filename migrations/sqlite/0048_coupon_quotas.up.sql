CREATE TABLE coupon_quotas (
    id            TEXT PRIMARY KEY,
    cloud         TEXT NOT NULL,
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    parent_id     TEXT REFERENCES coupon_quotas (id),
    root_id       TEXT NOT NULL,
    type          TEXT NOT NULL,
    currency      TEXT NOT NULL,
    value_minor   INTEGER NOT NULL,
    balance_minor INTEGER NOT NULL,
    status        TEXT NOT NULL,
    limits        TEXT NOT NULL,
    source        TEXT NOT NULL,
    memo          TEXT,
    effective_at  TEXT NOT NULL,
    expires_at    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    CHECK (balance_minor >= 0 AND value_minor >= balance_minor)
) STRICT;
--bun:split
CREATE INDEX coupon_quotas_partner ON coupon_quotas (partner_id, id);
--bun:split
CREATE INDEX coupon_quotas_parent ON coupon_quotas (parent_id, id) WHERE parent_id IS NOT NULL;
--bun:split
CREATE TABLE coupon_quota_records (
    id           TEXT PRIMARY KEY,
    quota_id     TEXT NOT NULL REFERENCES coupon_quotas (id),
    partner_id   TEXT NOT NULL,
    operation    TEXT NOT NULL,
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    transfer_id  TEXT NOT NULL,
    remark       TEXT,
    created_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX coupon_quota_records_quota ON coupon_quota_records (quota_id, id);
--bun:split
CREATE INDEX coupon_quota_records_partner ON coupon_quota_records (partner_id, id);
