CREATE TABLE payout_requests (
    id               text COLLATE "C" PRIMARY KEY,
    cloud            text NOT NULL,
    partner_id       text COLLATE "C" NOT NULL REFERENCES partners (id),
    method           text NOT NULL,
    state            text NOT NULL,
    currency         text NOT NULL,
    amount_minor     bigint NOT NULL,
    carried_minor    bigint NOT NULL,
    offset_minor     bigint NOT NULL,
    automatic        boolean NOT NULL,
    certification_id text COLLATE "C" REFERENCES commercial_certifications (id),
    invoices         jsonb NOT NULL,
    rejection_code   text,
    reason_text      text,
    payment_order    text,
    reference        text,
    transfer_id      text COLLATE "C" REFERENCES transfers (id),
    quota_id         text COLLATE "C" REFERENCES coupon_quotas (id),
    restriction_id   text COLLATE "C" REFERENCES withdrawal_restrictions (id),
    created_at       timestamptz NOT NULL,
    submitted_at     timestamptz,
    ended_at         timestamptz,
    updated_at       timestamptz NOT NULL,
    CHECK (amount_minor > 0 AND carried_minor >= 0 AND offset_minor >= 0 AND carried_minor <= amount_minor + offset_minor)
);
--bun:split
CREATE INDEX payout_requests_partner ON payout_requests (partner_id, id);
--bun:split
CREATE TABLE payout_statements (
    payout_id    text COLLATE "C" NOT NULL REFERENCES payout_requests (id),
    statement_id text COLLATE "C" NOT NULL REFERENCES incentive_statements (id),
    period       text NOT NULL,
    part         text NOT NULL,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    living       boolean NOT NULL,
    PRIMARY KEY (payout_id, statement_id)
);
--bun:split
CREATE UNIQUE INDEX payout_statements_living ON payout_statements (statement_id) WHERE living;
--bun:split
CREATE TABLE payout_carries (
    statement_id text COLLATE "C" NOT NULL REFERENCES incentive_statements (id),
    into_period  text NOT NULL,
    partner_id   text COLLATE "C" NOT NULL REFERENCES partners (id),
    currency     text NOT NULL,
    amount_minor bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (statement_id, into_period)
);
--bun:split
CREATE TABLE payout_preferences (
    partner_id text COLLATE "C" PRIMARY KEY REFERENCES partners (id),
    method     text,
    updated_at timestamptz NOT NULL
);
