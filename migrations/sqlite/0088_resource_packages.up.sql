ALTER TABLE catalogue_specs ADD COLUMN package TEXT;
--bun:split
CREATE TABLE resource_packages (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT NOT NULL REFERENCES customers (id),
    partner_id      TEXT REFERENCES partners (id),
    resource_id     TEXT NOT NULL REFERENCES resources (id),
    order_id        TEXT NOT NULL REFERENCES orders (id),
    name            TEXT NOT NULL,
    service_type    TEXT NOT NULL,
    resource_type   TEXT NOT NULL,
    spec_code       TEXT NOT NULL,
    region          TEXT NOT NULL,
    effective_at    TEXT NOT NULL,
    expires_at      TEXT,
    unsubscribed_at TEXT,
    created_at      TEXT NOT NULL
) STRICT;
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
    id            TEXT PRIMARY KEY,
    package_id    TEXT NOT NULL REFERENCES resource_packages (id),
    position      INTEGER NOT NULL,
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    spec_codes    TEXT NOT NULL,
    region        TEXT NOT NULL,
    usage_type    TEXT NOT NULL,
    amount        TEXT NOT NULL,
    measure_id    INTEGER NOT NULL,
    reset_cycle   TEXT,
    reset_basis   TEXT,
    CHECK ((reset_cycle IS NULL) = (reset_basis IS NULL))
) STRICT;
--bun:split
CREATE UNIQUE INDEX package_items_package ON package_items (package_id, position);
--bun:split
CREATE TABLE package_cycles (
    item_id   TEXT NOT NULL REFERENCES package_items (id),
    starts_at TEXT NOT NULL,
    ends_at   TEXT,
    remaining TEXT NOT NULL,
    PRIMARY KEY (item_id, starts_at)
) STRICT;
--bun:split
CREATE TABLE package_usages (
    id               TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customers (id),
    partner_id       TEXT REFERENCES partners (id),
    mode             TEXT,
    package_id       TEXT NOT NULL,
    item_id          TEXT NOT NULL,
    cycle_starts_at  TEXT NOT NULL,
    usage_record_id  TEXT NOT NULL,
    bill_line_id     TEXT NOT NULL REFERENCES bill_lines (id),
    package_spec     TEXT NOT NULL,
    service_type     TEXT NOT NULL,
    resource_type    TEXT NOT NULL,
    spec_code        TEXT NOT NULL,
    region           TEXT NOT NULL,
    usage_type       TEXT NOT NULL,
    used_at          TEXT NOT NULL,
    amount           TEXT NOT NULL,
    measure_id       INTEGER NOT NULL,
    usage_value      TEXT NOT NULL,
    usage_measure_id INTEGER NOT NULL,
    created_at       TEXT NOT NULL,
    FOREIGN KEY (item_id, cycle_starts_at) REFERENCES package_cycles (item_id, starts_at)
) STRICT;
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
