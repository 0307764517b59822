CREATE TABLE catalogue_prices (
    id               TEXT PRIMARY KEY,
    version_id       TEXT NOT NULL REFERENCES catalogue_versions (id),
    product          TEXT NOT NULL,
    service_type     TEXT NOT NULL,
    resource_type    TEXT NOT NULL,
    spec_code        TEXT NOT NULL,
    region           TEXT NOT NULL,
    charging_mode    TEXT NOT NULL,
    period_type      TEXT,
    usage_type       TEXT,
    usage_measure_id INTEGER,
    size_measure_id  INTEGER,
    currency         TEXT NOT NULL,
    amount           TEXT NOT NULL,
    CHECK ((period_type IS NULL) <> (usage_type IS NULL)),
    CHECK ((usage_type IS NULL) = (usage_measure_id IS NULL))
) STRICT;
--bun:split
CREATE INDEX catalogue_prices_product ON catalogue_prices (version_id, product);
--bun:split
CREATE TABLE catalogue_policies (
    id             TEXT PRIMARY KEY,
    version_id     TEXT NOT NULL REFERENCES catalogue_versions (id),
    service_type   TEXT NOT NULL,
    month          TEXT NOT NULL,
    incentive      TEXT NOT NULL,
    allow_discount INTEGER NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_policies_month ON catalogue_policies (version_id, month, service_type);
--bun:split
CREATE TABLE discounts (
    id           TEXT PRIMARY KEY,
    cloud        TEXT NOT NULL,
    customer_id  TEXT NOT NULL REFERENCES customers (id),
    partner_id   TEXT REFERENCES partners (id),
    kind         TEXT NOT NULL,
    mode         TEXT NOT NULL,
    value        TEXT NOT NULL,
    currency     TEXT,
    period_type  TEXT,
    service_type TEXT,
    valid_from   TEXT NOT NULL,
    valid_until  TEXT,
    created_at   TEXT NOT NULL,
    CHECK ((kind = 'BUSINESS_CONTRACT') = (partner_id IS NULL)),
    CHECK ((mode = 'RATE') = (currency IS NULL))
) STRICT;
--bun:split
CREATE INDEX discounts_customer ON discounts (customer_id, id);
--bun:split
CREATE INDEX discounts_partner ON discounts (partner_id, id) WHERE partner_id IS NOT NULL;
