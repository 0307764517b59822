CREATE TABLE bill_lines (
    id                text COLLATE "C" PRIMARY KEY,
    cloud             text NOT NULL,
    source_id         text COLLATE "C" NOT NULL,
    kind              text NOT NULL,
    customer_id       text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id        text COLLATE "C" REFERENCES partners (id),
    mode              text,
    base_id           text COLLATE "C" REFERENCES bill_lines (id),
    order_id          text COLLATE "C" REFERENCES orders (id),
    service_type      text COLLATE "C" NOT NULL,
    resource_type     text COLLATE "C" NOT NULL,
    spec_code         text COLLATE "C" NOT NULL,
    region            text COLLATE "C" NOT NULL,
    resource_id       text COLLATE "C",
    quantity          integer NOT NULL,
    usage_type        text COLLATE "C",
    usage_value       text,
    usage_measure_id  bigint,
    size              text,
    size_measure_id   bigint,
    catalogue_version text COLLATE "C" REFERENCES catalogue_versions (id),
    unit_price        text,
    discount_id       text COLLATE "C",
    used_at           timestamptz NOT NULL,
    settlement        text,
    currency          text NOT NULL,
    exact_official    text NOT NULL,
    exact_payable     text NOT NULL,
    created_at        timestamptz NOT NULL,
    settlement_id     text COLLATE "C",
    billed_at         timestamptz,
    cycle             text,
    discount_minor    bigint NOT NULL,
    payable_minor     bigint NOT NULL,
    cash_minor        bigint NOT NULL,
    credit_minor      bigint NOT NULL,
    coupon_minor      bigint NOT NULL,
    debt_minor        bigint NOT NULL,
    debt_left_minor   bigint NOT NULL,
    CHECK ((billed_at IS NULL) = (cycle IS NULL)),
    CHECK (payable_minor = cash_minor + credit_minor + coupon_minor + debt_minor),
    CHECK (debt_left_minor BETWEEN 0 AND debt_minor)
);
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
    id               text COLLATE "C" PRIMARY KEY,
    customer_id      text COLLATE "C" NOT NULL REFERENCES customers (id),
    currency         text NOT NULL,
    cycle            text NOT NULL,
    lines            integer NOT NULL,
    payable_minor    bigint NOT NULL,
    cash_minor       bigint NOT NULL,
    credit_minor     bigint NOT NULL,
    debt_minor       bigint NOT NULL,
    debts_paid_minor bigint NOT NULL,
    transfer_id      text COLLATE "C" REFERENCES transfers (id),
    created_at       timestamptz NOT NULL
);
--bun:split
CREATE INDEX bill_settlements_customer ON bill_settlements (customer_id, id);
--bun:split
CREATE TABLE bill_debt_payments (
    id            text COLLATE "C" PRIMARY KEY,
    settlement_id text COLLATE "C" NOT NULL REFERENCES bill_settlements (id),
    line_id       text COLLATE "C" NOT NULL REFERENCES bill_lines (id),
    cash_minor    bigint NOT NULL,
    credit_minor  bigint NOT NULL,
    created_at    timestamptz NOT NULL
);
--bun:split
CREATE INDEX bill_debt_payments_line ON bill_debt_payments (line_id);
--bun:split
CREATE TABLE bill_months (
    id              text COLLATE "C" PRIMARY KEY,
    customer_id     text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id      text COLLATE "C" NOT NULL,
    mode            text NOT NULL,
    cycle           text NOT NULL,
    service_type    text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    lines           bigint NOT NULL,
    discount_minor  bigint NOT NULL,
    payable_minor   bigint NOT NULL,
    cash_minor      bigint NOT NULL,
    credit_minor    bigint NOT NULL,
    coupon_minor    bigint NOT NULL,
    debt_minor      bigint NOT NULL,
    debt_paid_minor bigint NOT NULL
);
--bun:split
CREATE UNIQUE INDEX bill_months_key ON bill_months (customer_id, partner_id, mode, cycle, service_type, currency);
--bun:split
CREATE INDEX bill_months_partner ON bill_months (partner_id, id);
