CREATE TABLE quotes (
    id          TEXT PRIMARY KEY,
    cloud       TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    partner_id  TEXT REFERENCES partners (id),
    kind        TEXT NOT NULL,
    version_id  TEXT NOT NULL REFERENCES catalogue_versions (id),
    currency    TEXT NOT NULL,
    precision   INTEGER NOT NULL,
    official    TEXT NOT NULL,
    lines       TEXT NOT NULL,
    offers      TEXT NOT NULL,
    discounts   TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX quotes_customer ON quotes (customer_id, id);
--bun:split
CREATE INDEX quotes_partner ON quotes (partner_id, id) WHERE partner_id IS NOT NULL;
