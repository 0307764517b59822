CREATE TABLE recharges (
    id                 text COLLATE "C" PRIMARY KEY,
    partner_id         text COLLATE "C" REFERENCES partners (id),
    customer_id        text COLLATE "C" REFERENCES customers (id),
    cloud              text NOT NULL,
    signing_entity     text NOT NULL,
    method             text NOT NULL,
    channel            text,
    provider           text,
    reference          text COLLATE "C" NOT NULL,
    currency           text NOT NULL,
    amount_minor       bigint NOT NULL,
    received_minor     bigint,
    state              text NOT NULL,
    provider_reference text COLLATE "C",
    pay_url            text,
    instructions       text,
    reason             text,
    transfer_id        text COLLATE "C" REFERENCES transfers (id),
    expires_at         timestamptz NOT NULL,
    confirmed_at       timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (amount_minor > 0 AND (received_minor IS NULL OR received_minor > 0)),
    CHECK ((state = 'CONFIRMED') = (transfer_id IS NOT NULL))
);
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
    id                text COLLATE "C" PRIMARY KEY,
    partner_id        text COLLATE "C" REFERENCES partners (id),
    customer_id       text COLLATE "C" REFERENCES customers (id),
    cloud             text NOT NULL,
    signing_entity    text NOT NULL,
    currency          text NOT NULL,
    amount_minor      bigint NOT NULL,
    payer_name_sealed bytea NOT NULL,
    payer_name_blind  text COLLATE "C" NOT NULL,
    bank_reference    text COLLATE "C",
    remitted_on       text NOT NULL,
    recharge_id       text COLLATE "C" REFERENCES recharges (id),
    remittance_id     text COLLATE "C",
    credited_minor    bigint,
    state             text NOT NULL,
    reason            text,
    transfer_id       text COLLATE "C" REFERENCES transfers (id),
    decided_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (amount_minor > 0),
    CHECK ((state = 'CREDITED') = (transfer_id IS NOT NULL))
);
--bun:split
CREATE INDEX remittance_claims_partner ON remittance_claims (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX remittance_claims_customer ON remittance_claims (customer_id, id) WHERE customer_id IS NOT NULL;
--bun:split
CREATE INDEX remittance_claims_state ON remittance_claims (state, id);
--bun:split
CREATE TABLE remittances (
    id                text COLLATE "C" PRIMARY KEY,
    cloud             text NOT NULL,
    signing_entity    text NOT NULL,
    bank_reference    text COLLATE "C" NOT NULL,
    payer_name_sealed bytea,
    payer_name_blind  text COLLATE "C",
    currency          text NOT NULL,
    amount_minor      bigint NOT NULL,
    received_on       text NOT NULL,
    state             text NOT NULL,
    claim_id          text COLLATE "C" REFERENCES remittance_claims (id),
    recharge_id       text COLLATE "C" REFERENCES recharges (id),
    transfer_id       text COLLATE "C" REFERENCES transfers (id),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK (amount_minor > 0),
    CHECK ((state = 'CREDITED') = (transfer_id IS NOT NULL))
);
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
    id                text COLLATE "C" PRIMARY KEY,
    partner_id        text COLLATE "C" REFERENCES partners (id),
    customer_id       text COLLATE "C" REFERENCES customers (id),
    payer_name_sealed bytea NOT NULL,
    payer_name_blind  text COLLATE "C" NOT NULL,
    valid_from        timestamptz NOT NULL,
    valid_until       timestamptz NOT NULL,
    state             text NOT NULL,
    voided_at         timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK ((partner_id IS NULL) <> (customer_id IS NULL)),
    CHECK (valid_from < valid_until)
);
--bun:split
CREATE INDEX payer_agreements_partner ON payer_agreements (partner_id, id) WHERE partner_id IS NOT NULL;
--bun:split
CREATE INDEX payer_agreements_customer ON payer_agreements (customer_id, id) WHERE customer_id IS NOT NULL;
