CREATE TABLE withdrawals (
    id             TEXT PRIMARY KEY,
    cloud          TEXT NOT NULL,
    owner_kind     TEXT NOT NULL,
    owner_id       TEXT NOT NULL,
    route          TEXT NOT NULL,
    state          TEXT NOT NULL,
    currency       TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    account_id     TEXT NOT NULL REFERENCES accounts (id),
    hold_id        TEXT NOT NULL REFERENCES holds (id),
    transfer_id    TEXT REFERENCES transfers (id),
    card_last_four TEXT,
    card_sealed    BLOB,
    rejection_code TEXT,
    reason_text    TEXT,
    bank_reference TEXT,
    created_at     TEXT NOT NULL,
    submitted_at   TEXT NOT NULL,
    failed_at      TEXT,
    ended_at       TEXT,
    updated_at     TEXT NOT NULL,
    CHECK (amount_minor > 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX withdrawals_in_flight ON withdrawals (owner_id) WHERE state IN ('SUBMITTED', 'REVIEWING', 'APPROVED', 'PAYING');
--bun:split
CREATE INDEX withdrawals_owner ON withdrawals (owner_id, id);
--bun:split
CREATE INDEX withdrawals_state ON withdrawals (state, id);
--bun:split
CREATE TABLE withdrawal_restrictions (
    id           TEXT PRIMARY KEY,
    owner_kind   TEXT NOT NULL,
    owner_id     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    currency     TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    note         TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    lifted_at    TEXT,
    CHECK (amount_minor >= 0)
) STRICT;
--bun:split
CREATE INDEX withdrawal_restrictions_owner ON withdrawal_restrictions (owner_id, id) WHERE lifted_at IS NULL;
