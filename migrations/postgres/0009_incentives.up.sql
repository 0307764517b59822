CREATE TABLE incentive_statements (
    id                text COLLATE "C" PRIMARY KEY,
    partner_id        text COLLATE "C" NOT NULL REFERENCES partners (id),
    period            text NOT NULL,
    status            text NOT NULL,
    currency          text NOT NULL,
    performance_minor bigint NOT NULL,
    total_minor       bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX incentive_statements_period ON incentive_statements (partner_id, period, currency);
--bun:split
CREATE INDEX incentive_statements_partner ON incentive_statements (partner_id, id);
--bun:split
CREATE TABLE incentive_lines (
    id                text COLLATE "C" PRIMARY KEY,
    statement_id      text COLLATE "C" NOT NULL REFERENCES incentive_statements (id),
    customer_id       text COLLATE "C" REFERENCES customers (id),
    service_type      text NOT NULL,
    currency          text NOT NULL,
    performance_minor bigint NOT NULL,
    rate              text NOT NULL,
    amount_minor      bigint NOT NULL,
    reason            text
);
--bun:split
CREATE INDEX incentive_lines_statement ON incentive_lines (statement_id, id);
