CREATE TABLE resources (
    id            TEXT PRIMARY KEY,
    cloud         TEXT NOT NULL,
    cloud_id      TEXT NOT NULL,
    customer_id   TEXT NOT NULL REFERENCES customers (id),
    partner_id    TEXT REFERENCES partners (id),
    order_id      TEXT NOT NULL REFERENCES orders (id),
    order_item_id TEXT NOT NULL REFERENCES order_items (id),
    parent_id     TEXT REFERENCES resources (id),
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    region        TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    spec_code     TEXT NOT NULL,
    charging_mode TEXT NOT NULL,
    expire_policy TEXT NOT NULL,
    external_id   TEXT,
    effective_at  TEXT NOT NULL,
    expires_at    TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX resources_cloud_id ON resources (cloud, cloud_id);
--bun:split
CREATE INDEX resources_customer ON resources (customer_id, id);
--bun:split
CREATE INDEX resources_partner ON resources (partner_id, id);
--bun:split
CREATE INDEX resources_order ON resources (order_id, id);
--bun:split
CREATE INDEX resources_parent ON resources (parent_id, id) WHERE parent_id IS NOT NULL;
--bun:split
CREATE UNIQUE INDEX resources_external ON resources (customer_id, external_id) WHERE external_id IS NOT NULL;
--bun:split
CREATE UNIQUE INDEX resources_partner_external ON resources (partner_id, external_id) WHERE external_id IS NOT NULL AND partner_id IS NOT NULL;
