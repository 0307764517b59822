ALTER TABLE catalogue_specs ADD COLUMN package jsonb;
--bun:split
CREATE TABLE resource_packages (
    id              text COLLATE "C" PRIMARY KEY,
    customer_id     text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id      text COLLATE "C" REFERENCES partners (id),
    resource_id     text COLLATE "C" NOT NULL REFERENCES resources (id),
    order_id        text COLLATE "C" NOT NULL REFERENCES orders (id),
    name            text NOT NULL,
    service_type    text COLLATE "C" NOT NULL,
    resource_type   text COLLATE "C" NOT NULL,
    spec_code       text COLLATE "C" NOT NULL,
    region          text COLLATE "C" NOT NULL,
    effective_at    timestamptz NOT NULL,
    expires_at      timestamptz,
    unsubscribed_at timestamptz,
    created_at      timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX resource_packages_resource ON resource_packages (resource_id);
--bun:split
CREATE INDEX resource_packages_customer ON resource_packages (customer_id, id);
--bun:split
CREATE INDEX resource_packages_partner ON resource_packages (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX resource_packages_order ON resource_packages (order_id);
--bun:split
CREATE TABLE package_items (
    id            text COLLATE "C" PRIMARY KEY,
    package_id    text COLLATE "C" NOT NULL REFERENCES resource_packages (id),
    position      integer NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    spec_codes    jsonb NOT NULL,
    region        text COLLATE "C" NOT NULL,
    usage_type    text COLLATE "C" NOT NULL,
    amount        text NOT NULL,
    measure_id    bigint NOT NULL,
    reset_cycle   text,
    reset_basis   text,
    CHECK ((reset_cycle IS NULL) = (reset_basis IS NULL))
);
--bun:split
CREATE UNIQUE INDEX package_items_package ON package_items (package_id, position);
--bun:split
CREATE TABLE package_cycles (
    item_id   text COLLATE "C" NOT NULL REFERENCES package_items (id),
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz,
    remaining text NOT NULL,
    PRIMARY KEY (item_id, starts_at)
);
--bun:split
CREATE TABLE package_usages (
    id               text COLLATE "C" PRIMARY KEY,
    customer_id      text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id       text COLLATE "C" REFERENCES partners (id),
    mode             text,
    package_id       text COLLATE "C" NOT NULL,
    item_id          text COLLATE "C" NOT NULL,
    cycle_starts_at  timestamptz NOT NULL,
    usage_record_id  text COLLATE "C" NOT NULL,
    bill_line_id     text COLLATE "C" NOT NULL REFERENCES bill_lines (id),
    package_spec     text COLLATE "C" NOT NULL,
    service_type     text COLLATE "C" NOT NULL,
    resource_type    text COLLATE "C" NOT NULL,
    spec_code        text COLLATE "C" NOT NULL,
    region           text COLLATE "C" NOT NULL,
    usage_type       text COLLATE "C" NOT NULL,
    used_at          timestamptz NOT NULL,
    amount           text NOT NULL,
    measure_id       bigint NOT NULL,
    usage_value      text NOT NULL,
    usage_measure_id bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    FOREIGN KEY (item_id, cycle_starts_at) REFERENCES package_cycles (item_id, starts_at)
);
--bun:split
CREATE INDEX package_usages_record ON package_usages (usage_record_id);
--bun:split
CREATE INDEX package_usages_customer ON package_usages (customer_id, id);
--bun:split
CREATE INDEX package_usages_partner ON package_usages (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX package_usages_cycle ON package_usages (item_id, cycle_starts_at);
--bun:split
CREATE INDEX package_usages_created ON package_usages (created_at);
