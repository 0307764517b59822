CREATE TABLE bill_lines (
    id                TEXT PRIMARY KEY,
    cloud             TEXT NOT NULL,
    source_id         TEXT NOT NULL,
    kind              TEXT NOT NULL,
    customer_id       TEXT NOT NULL REFERENCES customers (id),
    partner_id        TEXT REFERENCES partners (id),
    mode              TEXT,
    base_id           TEXT REFERENCES bill_lines (id),
    order_id          TEXT REFERENCES orders (id),
    service_type      TEXT NOT NULL,
    resource_type     TEXT NOT NULL,
    spec_code         TEXT NOT NULL,
    region            TEXT NOT NULL,
    resource_id       TEXT,
    quantity          INTEGER NOT NULL,
    usage_type        TEXT,
    usage_value       TEXT,
    usage_measure_id  INTEGER,
    size              TEXT,
    size_measure_id   INTEGER,
    catalogue_version TEXT REFERENCES catalogue_versions (id),
    unit_price        TEXT,
    discount_id       TEXT,
    used_at           TEXT NOT NULL,
    settlement        TEXT,
    currency          TEXT NOT NULL,
    exact_official    TEXT NOT NULL,
    exact_payable     TEXT NOT NULL,
    created_at        TEXT NOT NULL,
    settlement_id     TEXT,
    billed_at         TEXT,
    cycle             TEXT,
    discount_minor    INTEGER NOT NULL,
    payable_minor     INTEGER NOT NULL,
    cash_minor        INTEGER NOT NULL,
    credit_minor      INTEGER NOT NULL,
    coupon_minor      INTEGER NOT NULL,
    debt_minor        INTEGER NOT NULL,
    debt_left_minor   INTEGER NOT NULL,
    CHECK ((billed_at IS NULL) = (cycle IS NULL)),
    CHECK (payable_minor = cash_minor + credit_minor + coupon_minor + debt_minor),
    CHECK (debt_left_minor BETWEEN 0 AND debt_minor)
) STRICT;
--bun:split
CREATE UNIQUE INDEX bill_lines_source ON bill_lines (source_id);
--bun:split
CREATE INDEX bill_lines_customer ON bill_lines (customer_id, id);
--bun:split
CREATE INDEX bill_lines_partner ON bill_lines (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX bill_lines_order ON bill_lines (order_id) WHERE order_id IS NOT NULL;
--bun:split
CREATE INDEX bill_lines_base ON bill_lines (base_id) WHERE base_id IS NOT NULL;
--bun:split
CREATE INDEX bill_lines_due ON bill_lines (customer_id, id) WHERE billed_at IS NULL;
--bun:split
CREATE INDEX bill_lines_debt ON bill_lines (customer_id, id) WHERE debt_left_minor > 0;
--bun:split
CREATE TABLE bill_settlements (
    id               TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customers (id),
    currency         TEXT NOT NULL,
    cycle            TEXT NOT NULL,
    lines            INTEGER NOT NULL,
    payable_minor    INTEGER NOT NULL,
    cash_minor       INTEGER NOT NULL,
    credit_minor     INTEGER NOT NULL,
    debt_minor       INTEGER NOT NULL,
    debts_paid_minor INTEGER NOT NULL,
    transfer_id      TEXT REFERENCES transfers (id),
    created_at       TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX bill_settlements_customer ON bill_settlements (customer_id, id);
--bun:split
CREATE TABLE bill_debt_payments (
    id            TEXT PRIMARY KEY,
    settlement_id TEXT NOT NULL REFERENCES bill_settlements (id),
    line_id       TEXT NOT NULL REFERENCES bill_lines (id),
    cash_minor    INTEGER NOT NULL,
    credit_minor  INTEGER NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX bill_debt_payments_line ON bill_debt_payments (line_id);
--bun:split
CREATE TABLE bill_months (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT NOT NULL REFERENCES customers (id),
    partner_id      TEXT NOT NULL,
    mode            TEXT NOT NULL,
    cycle           TEXT NOT NULL,
    service_type    TEXT NOT NULL,
    currency        TEXT NOT NULL,
    lines           INTEGER NOT NULL,
    discount_minor  INTEGER NOT NULL,
    payable_minor   INTEGER NOT NULL,
    cash_minor      INTEGER NOT NULL,
    credit_minor    INTEGER NOT NULL,
    coupon_minor    INTEGER NOT NULL,
    debt_minor      INTEGER NOT NULL,
    debt_paid_minor INTEGER NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX bill_months_key ON bill_months (customer_id, partner_id, mode, cycle, service_type, currency);
--bun:split
CREATE INDEX bill_months_partner ON bill_months (partner_id, id);
