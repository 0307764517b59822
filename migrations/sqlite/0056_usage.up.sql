CREATE TABLE usage_records (
    id             TEXT PRIMARY KEY,
    cloud          TEXT NOT NULL,
    external_id    TEXT NOT NULL,
    digest         TEXT NOT NULL,
    customer_id    TEXT NOT NULL REFERENCES customers (id),
    product        TEXT NOT NULL,
    revision       INTEGER NOT NULL,
    value          TEXT NOT NULL,
    official       TEXT NOT NULL,
    payable        TEXT NOT NULL,
    first_line_id  TEXT NOT NULL,
    latest_line_id TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX usage_records_external ON usage_records (cloud, external_id);
