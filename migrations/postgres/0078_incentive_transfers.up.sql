ALTER TABLE incentive_statements ADD COLUMN origin_id text COLLATE "C" REFERENCES incentive_statements (id);
--bun:split
DROP INDEX incentive_statements_period;
--bun:split
CREATE UNIQUE INDEX incentive_statements_period ON incentive_statements (partner_id, period, currency) WHERE origin_id IS NULL;
--bun:split
CREATE UNIQUE INDEX incentive_statements_origin ON incentive_statements (origin_id) WHERE origin_id IS NOT NULL;
--bun:split
CREATE TABLE company_identities (
    partner_id          text COLLATE "C" PRIMARY KEY REFERENCES partners (id),
    country             text NOT NULL,
    registration_number text COLLATE "C" NOT NULL,
    name                text NOT NULL,
    updated_at          timestamptz NOT NULL
);
--bun:split
CREATE TABLE incentive_transfers (
    id                text COLLATE "C" PRIMARY KEY,
    from_partner_id   text COLLATE "C" NOT NULL REFERENCES partners (id),
    to_partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    case_number       text NOT NULL,
    reason            text NOT NULL,
    currency          text NOT NULL,
    performance_minor bigint NOT NULL,
    total_minor       bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    CHECK (from_partner_id <> to_partner_id)
);
--bun:split
CREATE INDEX incentive_transfers_from ON incentive_transfers (from_partner_id, id);
--bun:split
CREATE INDEX incentive_transfers_to ON incentive_transfers (to_partner_id, id);
--bun:split
CREATE TABLE incentive_transfer_items (
    transfer_id       text COLLATE "C" NOT NULL REFERENCES incentive_transfers (id),
    statement_id      text COLLATE "C" NOT NULL REFERENCES incentive_statements (id),
    received_id       text COLLATE "C" REFERENCES incentive_statements (id),
    period            text NOT NULL,
    status            text NOT NULL,
    currency          text NOT NULL,
    performance_minor bigint NOT NULL,
    total_minor       bigint NOT NULL,
    lines             bigint NOT NULL,
    payout_id         text COLLATE "C" REFERENCES payout_requests (id),
    PRIMARY KEY (transfer_id, statement_id)
);
--bun:split
CREATE INDEX incentive_transfer_items_statement ON incentive_transfer_items (statement_id);
