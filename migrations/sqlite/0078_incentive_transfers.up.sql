ALTER TABLE incentive_statements ADD COLUMN origin_id TEXT REFERENCES incentive_statements (id);
--bun:split
DROP INDEX incentive_statements_period;
--bun:split
CREATE UNIQUE INDEX incentive_statements_period ON incentive_statements (partner_id, period, currency) WHERE origin_id IS NULL;
--bun:split
CREATE UNIQUE INDEX incentive_statements_origin ON incentive_statements (origin_id) WHERE origin_id IS NOT NULL;
--bun:split
CREATE TABLE company_identities (
    partner_id          TEXT PRIMARY KEY REFERENCES partners (id),
    country             TEXT NOT NULL,
    registration_number TEXT NOT NULL,
    name                TEXT NOT NULL,
    updated_at          TEXT NOT NULL
) STRICT;
--bun:split
CREATE TABLE incentive_transfers (
    id                TEXT PRIMARY KEY,
    from_partner_id   TEXT NOT NULL REFERENCES partners (id),
    to_partner_id     TEXT NOT NULL REFERENCES partners (id),
    case_number       TEXT NOT NULL,
    reason            TEXT NOT NULL,
    currency          TEXT NOT NULL,
    performance_minor INTEGER NOT NULL,
    total_minor       INTEGER NOT NULL,
    created_at        TEXT NOT NULL,
    CHECK (from_partner_id <> to_partner_id)
) STRICT;
--bun:split
CREATE INDEX incentive_transfers_from ON incentive_transfers (from_partner_id, id);
--bun:split
CREATE INDEX incentive_transfers_to ON incentive_transfers (to_partner_id, id);
--bun:split
CREATE TABLE incentive_transfer_items (
    transfer_id       TEXT NOT NULL REFERENCES incentive_transfers (id),
    statement_id      TEXT NOT NULL REFERENCES incentive_statements (id),
    received_id       TEXT REFERENCES incentive_statements (id),
    period            TEXT NOT NULL,
    status            TEXT NOT NULL,
    currency          TEXT NOT NULL,
    performance_minor INTEGER NOT NULL,
    total_minor       INTEGER NOT NULL,
    lines             INTEGER NOT NULL,
    payout_id         TEXT REFERENCES payout_requests (id),
    PRIMARY KEY (transfer_id, statement_id)
) STRICT;
--bun:split
CREATE INDEX incentive_transfer_items_statement ON incentive_transfer_items (statement_id);
