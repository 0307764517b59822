CREATE TABLE performance_months (
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    period        TEXT NOT NULL,
    customer_id   TEXT NOT NULL REFERENCES customers (id),
    reseller_id   TEXT NOT NULL,
    mode          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    currency      TEXT NOT NULL,
    lines         INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency)
) STRICT;
