CREATE TABLE usage_records (
    id             text COLLATE "C" PRIMARY KEY,
    cloud          text NOT NULL,
    external_id    text COLLATE "C" NOT NULL,
    digest         text NOT NULL,
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers (id),
    product        text COLLATE "C" NOT NULL,
    revision       integer NOT NULL,
    value          text NOT NULL,
    official       text NOT NULL,
    payable        text NOT NULL,
    first_line_id  text COLLATE "C" NOT NULL,
    latest_line_id text COLLATE "C" NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX usage_records_external ON usage_records (cloud, external_id);
