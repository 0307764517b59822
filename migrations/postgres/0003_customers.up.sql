CREATE TABLE customers (
    id               text COLLATE "C" PRIMARY KEY,
    cloud            text NOT NULL,
    name             text NOT NULL,
    kind             text NOT NULL,
    verified_status  text NOT NULL,
    frozen           text NOT NULL,
    currency         text NOT NULL,
    external_id      text,
    partner_id       text COLLATE "C" REFERENCES partners (id),
    mode             text,
    real_name_sealed bytea,
    email_sealed     bytea,
    email_blind      text,
    phone_sealed     bytea,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX customers_name ON customers (cloud, name);
--bun:split
CREATE INDEX customers_partner ON customers (partner_id, id);
--bun:split
CREATE UNIQUE INDEX customers_external ON customers (partner_id, external_id) WHERE external_id IS NOT NULL;
--bun:split
CREATE INDEX customers_email ON customers (email_blind);
--bun:split
CREATE TABLE associations (
    id          text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id  text COLLATE "C" NOT NULL REFERENCES partners (id),
    mode        text NOT NULL,
    source      text NOT NULL,
    tag         text,
    since       timestamptz NOT NULL,
    until       timestamptz
);
--bun:split
CREATE UNIQUE INDEX associations_in_force ON associations (customer_id) WHERE until IS NULL;
--bun:split
CREATE INDEX associations_customer ON associations (customer_id, id);
--bun:split
CREATE INDEX associations_partner ON associations (partner_id, id);
