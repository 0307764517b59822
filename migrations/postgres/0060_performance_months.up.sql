CREATE TABLE performance_months (
    partner_id    text COLLATE "C" NOT NULL REFERENCES partners (id),
    period        text NOT NULL,
    customer_id   text COLLATE "C" NOT NULL REFERENCES customers (id),
    reseller_id   text COLLATE "C" NOT NULL,
    mode          text NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    currency      text NOT NULL,
    lines         bigint NOT NULL,
    amount_minor  bigint NOT NULL,
    counted_minor bigint NOT NULL,
    PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency)
);
