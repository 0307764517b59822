CREATE TABLE payout_requests (
    id               TEXT PRIMARY KEY,
    cloud            TEXT NOT NULL,
    partner_id       TEXT NOT NULL REFERENCES partners (id),
    method           TEXT NOT NULL,
    state            TEXT NOT NULL,
    currency         TEXT NOT NULL,
    amount_minor     INTEGER NOT NULL,
    carried_minor    INTEGER NOT NULL,
    offset_minor     INTEGER NOT NULL,
    automatic        INTEGER NOT NULL,
    certification_id TEXT REFERENCES commercial_certifications (id),
    invoices         TEXT NOT NULL,
    rejection_code   TEXT,
    reason_text      TEXT,
    payment_order    TEXT,
    reference        TEXT,
    transfer_id      TEXT REFERENCES transfers (id),
    quota_id         TEXT REFERENCES coupon_quotas (id),
    restriction_id   TEXT REFERENCES withdrawal_restrictions (id),
    created_at       TEXT NOT NULL,
    submitted_at     TEXT,
    ended_at         TEXT,
    updated_at       TEXT NOT NULL,
    CHECK (amount_minor > 0 AND carried_minor >= 0 AND offset_minor >= 0 AND carried_minor <= amount_minor + offset_minor)
) STRICT;
--bun:split
CREATE INDEX payout_requests_partner ON payout_requests (partner_id, id);
--bun:split
CREATE TABLE payout_statements (
    payout_id    TEXT NOT NULL REFERENCES payout_requests (id),
    statement_id TEXT NOT NULL REFERENCES incentive_statements (id),
    period       TEXT NOT NULL,
    part         TEXT NOT NULL,
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    living       INTEGER NOT NULL,
    PRIMARY KEY (payout_id, statement_id)
) STRICT;
--bun:split
CREATE UNIQUE INDEX payout_statements_living ON payout_statements (statement_id) WHERE living;
--bun:split
CREATE TABLE payout_carries (
    statement_id TEXT NOT NULL REFERENCES incentive_statements (id),
    into_period  TEXT NOT NULL,
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (statement_id, into_period)
) STRICT;
--bun:split
CREATE TABLE payout_preferences (
    partner_id TEXT PRIMARY KEY REFERENCES partners (id),
    method     TEXT,
    updated_at TEXT NOT NULL
) STRICT;
