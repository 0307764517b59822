CREATE TABLE quotes (
    id          text COLLATE "C" PRIMARY KEY,
    cloud       text NOT NULL,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id  text COLLATE "C" REFERENCES partners (id),
    kind        text NOT NULL,
    version_id  text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    currency    text NOT NULL,
    precision   bigint NOT NULL,
    official    text NOT NULL,
    lines       jsonb NOT NULL,
    offers      jsonb NOT NULL,
    discounts   jsonb NOT NULL,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX quotes_customer ON quotes (customer_id, id);
--bun:split
CREATE INDEX quotes_partner ON quotes (partner_id, id) WHERE partner_id IS NOT NULL;
