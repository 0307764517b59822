ALTER TABLE customers ADD COLUMN account_manager_id text COLLATE "C";
--bun:split
ALTER TABLE customers ADD COLUMN phone_blind text;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer text;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer_from text;
--bun:split
ALTER TABLE customers ADD COLUMN new_customer_until text;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_by text;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_reason text;
--bun:split
ALTER TABLE customers ADD COLUMN frozen_at timestamptz;
--bun:split
CREATE INDEX customers_manager ON customers (partner_id, account_manager_id, id);
--bun:split
CREATE INDEX customers_verified ON customers (partner_id, verified_status, id);
--bun:split
CREATE INDEX customers_frozen ON customers (partner_id, frozen, id);
--bun:split
CREATE INDEX customers_kind ON customers (partner_id, kind, id);
--bun:split
CREATE INDEX customers_created ON customers (partner_id, created_at);
--bun:split
CREATE INDEX customers_phone ON customers (phone_blind);
--bun:split
CREATE INDEX customers_prefix ON customers (partner_id, lower(name) text_pattern_ops);
--bun:split
CREATE INDEX associations_since ON associations (partner_id, since);
--bun:split
CREATE TABLE customer_tags (
    partner_id  text COLLATE "C" NOT NULL REFERENCES partners (id),
    tag         text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers (id),
    PRIMARY KEY (partner_id, tag, customer_id)
);
--bun:split
CREATE UNIQUE INDEX customer_tags_customer ON customer_tags (customer_id, tag);
--bun:split
CREATE TABLE customer_contacts (
    customer_id     text COLLATE "C" PRIMARY KEY REFERENCES customers (id),
    partner_id      text COLLATE "C" NOT NULL REFERENCES partners (id),
    contacts_sealed bytea NOT NULL,
    updated_at      timestamptz NOT NULL
);
--bun:split
CREATE TABLE customer_budgets (
    customer_id     text COLLATE "C" PRIMARY KEY REFERENCES customers (id),
    partner_id      text COLLATE "C" NOT NULL REFERENCES partners (id),
    kind            text NOT NULL,
    currency        text NOT NULL,
    amount_minor    bigint NOT NULL,
    alert_percents  jsonb NOT NULL,
    freezes         boolean NOT NULL,
    since           timestamptz NOT NULL,
    cycle           text,
    alerted_percent bigint NOT NULL,
    version         bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (amount_minor > 0)
);
--bun:split
ALTER TABLE resources ADD COLUMN thawed_status text;
--bun:split
CREATE INDEX orders_customer_paid ON orders (customer_id, paid_at) WHERE paid_at IS NOT NULL;
