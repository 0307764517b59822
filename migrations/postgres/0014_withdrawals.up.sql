CREATE TABLE withdrawals (
    id             text COLLATE "C" PRIMARY KEY,
    cloud          text NOT NULL,
    owner_kind     text NOT NULL,
    owner_id       text COLLATE "C" NOT NULL,
    route          text NOT NULL,
    state          text NOT NULL,
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL,
    account_id     text COLLATE "C" NOT NULL REFERENCES accounts (id),
    hold_id        text COLLATE "C" NOT NULL REFERENCES holds (id),
    transfer_id    text COLLATE "C" REFERENCES transfers (id),
    card_last_four text,
    card_sealed    bytea,
    rejection_code text,
    reason_text    text,
    bank_reference text,
    created_at     timestamptz NOT NULL,
    submitted_at   timestamptz NOT NULL,
    failed_at      timestamptz,
    ended_at       timestamptz,
    updated_at     timestamptz NOT NULL,
    CHECK (amount_minor > 0)
);
--bun:split
CREATE UNIQUE INDEX withdrawals_in_flight ON withdrawals (owner_id) WHERE state IN ('SUBMITTED', 'REVIEWING', 'APPROVED', 'PAYING');
--bun:split
CREATE INDEX withdrawals_owner ON withdrawals (owner_id, id);
--bun:split
CREATE INDEX withdrawals_state ON withdrawals (state, id);
--bun:split
CREATE TABLE withdrawal_restrictions (
    id           text COLLATE "C" PRIMARY KEY,
    owner_kind   text NOT NULL,
    owner_id     text COLLATE "C" NOT NULL,
    reason       text NOT NULL,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    note         text NOT NULL,
    created_at   timestamptz NOT NULL,
    lifted_at    timestamptz,
    CHECK (amount_minor >= 0)
);
--bun:split
CREATE INDEX withdrawal_restrictions_owner ON withdrawal_restrictions (owner_id, id) WHERE lifted_at IS NULL;
