CREATE TABLE performance_lines (
    id            text COLLATE "C" PRIMARY KEY,
    source_id     text COLLATE "C" NOT NULL,
    bill_line_id  text COLLATE "C" NOT NULL REFERENCES bill_lines (id),
    cause         text NOT NULL,
    partner_id    text COLLATE "C" NOT NULL REFERENCES partners (id),
    reseller_id   text COLLATE "C" REFERENCES partners (id),
    customer_id   text COLLATE "C" NOT NULL REFERENCES customers (id),
    mode          text NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    period        text NOT NULL,
    currency      text NOT NULL,
    amount_minor  bigint NOT NULL,
    counted_minor bigint NOT NULL,
    rule          text NOT NULL,
    policy_id     text COLLATE "C" REFERENCES incentive_policies (id),
    happened_at   timestamptz NOT NULL,
    created_at    timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX performance_lines_source ON performance_lines (source_id);
--bun:split
CREATE INDEX performance_lines_bill ON performance_lines (bill_line_id);
--bun:split
CREATE INDEX performance_lines_partner ON performance_lines (partner_id, id);
--bun:split
CREATE INDEX performance_lines_sums ON performance_lines (partner_id, period, currency) INCLUDE (policy_id, service_type, rule, amount_minor, counted_minor);
--bun:split
ALTER TABLE incentive_statements ADD COLUMN closed_at timestamptz;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN confirmed_at timestamptz;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN done_at timestamptz;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN reference text;
--bun:split
CREATE INDEX incentive_statements_estimated ON incentive_statements (id) WHERE status = 'ESTIMATED';
--bun:split
ALTER TABLE incentive_lines ADD COLUMN consumption_minor bigint NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN rule text NOT NULL DEFAULT 'EARNS';
--bun:split
ALTER TABLE incentive_lines ADD COLUMN policy_id text COLLATE "C";
--bun:split
ALTER TABLE incentive_lines ADD COLUMN tier_from_minor bigint;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN cap_minor bigint;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN lines bigint NOT NULL DEFAULT 0;
