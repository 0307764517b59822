CREATE TABLE catalogue_prices (
    id               text COLLATE "C" PRIMARY KEY,
    version_id       text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    product          text COLLATE "C" NOT NULL,
    service_type     text COLLATE "C" NOT NULL,
    resource_type    text COLLATE "C" NOT NULL,
    spec_code        text COLLATE "C" NOT NULL,
    region           text COLLATE "C" NOT NULL,
    charging_mode    text NOT NULL,
    period_type      text,
    usage_type       text COLLATE "C",
    usage_measure_id bigint,
    size_measure_id  bigint,
    currency         text NOT NULL,
    amount           text NOT NULL,
    CHECK ((period_type IS NULL) <> (usage_type IS NULL)),
    CHECK ((usage_type IS NULL) = (usage_measure_id IS NULL))
);
--bun:split
CREATE INDEX catalogue_prices_product ON catalogue_prices (version_id, product);
--bun:split
CREATE TABLE catalogue_policies (
    id             text COLLATE "C" PRIMARY KEY,
    version_id     text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    service_type   text COLLATE "C" NOT NULL,
    month          text NOT NULL,
    incentive      text NOT NULL,
    allow_discount boolean NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_policies_month ON catalogue_policies (version_id, month, service_type);
--bun:split
CREATE TABLE discounts (
    id           text COLLATE "C" PRIMARY KEY,
    cloud        text NOT NULL,
    customer_id  text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id   text COLLATE "C" REFERENCES partners (id),
    kind         text NOT NULL,
    mode         text NOT NULL,
    value        text NOT NULL,
    currency     text,
    period_type  text,
    service_type text COLLATE "C",
    valid_from   timestamptz NOT NULL,
    valid_until  timestamptz,
    created_at   timestamptz NOT NULL,
    CHECK ((kind = 'BUSINESS_CONTRACT') = (partner_id IS NULL)),
    CHECK ((mode = 'RATE') = (currency IS NULL))
);
--bun:split
CREATE INDEX discounts_customer ON discounts (customer_id, id);
--bun:split
CREATE INDEX discounts_partner ON discounts (partner_id, id) WHERE partner_id IS NOT NULL;
