CREATE TABLE resources (
    id            text COLLATE "C" PRIMARY KEY,
    cloud         text NOT NULL,
    cloud_id      text NOT NULL,
    customer_id   text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id    text COLLATE "C" REFERENCES partners (id),
    order_id      text COLLATE "C" NOT NULL REFERENCES orders (id),
    order_item_id text COLLATE "C" NOT NULL REFERENCES order_items (id),
    parent_id     text COLLATE "C" REFERENCES resources (id),
    name          text NOT NULL,
    status        text NOT NULL,
    region        text NOT NULL,
    service_type  text NOT NULL,
    resource_type text NOT NULL,
    spec_code     text NOT NULL,
    charging_mode text NOT NULL,
    expire_policy text NOT NULL,
    external_id   text,
    effective_at  timestamptz NOT NULL,
    expires_at    timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
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
