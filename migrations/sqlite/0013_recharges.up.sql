CREATE TABLE recharges (
    id                 TEXT PRIMARY KEY,
    partner_id         TEXT REFERENCES partners (id),
    customer_id        TEXT REFERENCES customers (id),
    cloud              TEXT NOT NULL,
    signing_entity     TEXT NOT NULL,
    method             TEXT NOT NULL,
    channel            TEXT,
    provider           TEXT,
    reference          TEXT NOT NULL,
    currency           TEXT NOT NULL,
    amount_minor       INTEGER NOT NULL,
    received_minor     INTEGER,
    state              TEXT NOT NULL,
    provider_reference TEXT,
    pay_url            TEXT,
    instructions       TEXT,
    reason             TEXT,
    transfer_id        TEXT REFERENCES transfers (id),
    expires_at         TEXT NOT NULL,
    confirmed_at       TEXT,
    created_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (amount_minor > 0 AND (received_minor IS NULL OR received_minor > 0)),
    CHECK ((state = 'CONFIRMED') = (transfer_id IS NOT NULL))
) STRICT;
--bun:split
CREATE UNIQUE INDEX recharges_reference ON recharges (reference);
--bun:split
CREATE UNIQUE INDEX recharges_provider_reference ON recharges (provider, provider_reference) WHERE provider_reference IS NOT NULL;
--bun:split
CREATE INDEX recharges_partner ON recharges (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX recharges_customer ON recharges (customer_id, id) WHERE customer_id IS NOT NULL;
--bun:split
CREATE INDEX recharges_expiry ON recharges (expires_at, id) WHERE state = 'PENDING';
--bun:split
CREATE TABLE remittance_claims (
    id                TEXT PRIMARY KEY,
    partner_id        TEXT REFERENCES partners (id),
    customer_id       TEXT REFERENCES customers (id),
    cloud             TEXT NOT NULL,
    signing_entity    TEXT NOT NULL,
    currency          TEXT NOT NULL,
    amount_minor      INTEGER NOT NULL,
    payer_name_sealed BLOB NOT NULL,
    payer_name_blind  TEXT NOT NULL,
    bank_reference    TEXT,
    remitted_on       TEXT NOT NULL,
    recharge_id       TEXT REFERENCES recharges (id),
    remittance_id     TEXT,
    credited_minor    INTEGER,
    state             TEXT NOT NULL,
    reason            TEXT,
    transfer_id       TEXT REFERENCES transfers (id),
    decided_at        TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (amount_minor > 0),
    CHECK ((state = 'CREDITED') = (transfer_id IS NOT NULL))
) STRICT;
--bun:split
CREATE INDEX remittance_claims_partner ON remittance_claims (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX remittance_claims_customer ON remittance_claims (customer_id, id) WHERE customer_id IS NOT NULL;
--bun:split
CREATE INDEX remittance_claims_state ON remittance_claims (state, id);
--bun:split
CREATE TABLE remittances (
    id                TEXT PRIMARY KEY,
    cloud             TEXT NOT NULL,
    signing_entity    TEXT NOT NULL,
    bank_reference    TEXT NOT NULL,
    payer_name_sealed BLOB,
    payer_name_blind  TEXT,
    currency          TEXT NOT NULL,
    amount_minor      INTEGER NOT NULL,
    received_on       TEXT NOT NULL,
    state             TEXT NOT NULL,
    claim_id          TEXT REFERENCES remittance_claims (id),
    recharge_id       TEXT REFERENCES recharges (id),
    transfer_id       TEXT REFERENCES transfers (id),
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    CHECK (amount_minor > 0),
    CHECK ((state = 'CREDITED') = (transfer_id IS NOT NULL))
) STRICT;
--bun:split
CREATE UNIQUE INDEX remittances_bank_reference ON remittances (signing_entity, bank_reference);
--bun:split
CREATE UNIQUE INDEX remittances_claim ON remittances (claim_id) WHERE claim_id IS NOT NULL;
--bun:split
CREATE UNIQUE INDEX remittances_recharge ON remittances (recharge_id) WHERE recharge_id IS NOT NULL;
--bun:split
CREATE INDEX remittances_unclaimed ON remittances (signing_entity, amount_minor, id) WHERE state = 'UNCLAIMED';
--bun:split
CREATE TABLE payer_agreements (
    id                TEXT PRIMARY KEY,
    partner_id        TEXT REFERENCES partners (id),
    customer_id       TEXT REFERENCES customers (id),
    payer_name_sealed BLOB NOT NULL,
    payer_name_blind  TEXT NOT NULL,
    valid_from        TEXT NOT NULL,
    valid_until       TEXT NOT NULL,
    state             TEXT NOT NULL,
    voided_at         TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (valid_from < valid_until)
) STRICT;
--bun:split
CREATE INDEX payer_agreements_partner ON payer_agreements (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX payer_agreements_customer ON payer_agreements (customer_id, id) WHERE customer_id IS NOT NULL;
