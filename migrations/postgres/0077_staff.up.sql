CREATE TABLE staff_schemes (
    id                text COLLATE "C" PRIMARY KEY,
    partner_id        text COLLATE "C" NOT NULL REFERENCES partners (id),
    code              text COLLATE "C" NOT NULL,
    name              text NOT NULL,
    year              bigint NOT NULL,
    state             text NOT NULL,
    currency          text NOT NULL,
    rates             jsonb NOT NULL,
    criteria          jsonb NOT NULL,
    head_count        bigint NOT NULL,
    agreement_version text NOT NULL,
    signed_version    text,
    signatory_sealed  bytea,
    signed_by         text,
    signed_at         timestamptz,
    reason            text,
    decided_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX staff_schemes_year ON staff_schemes (partner_id, code, year) WHERE state <> 'REVOKED';
--bun:split
CREATE INDEX staff_schemes_partner ON staff_schemes (partner_id, id);
--bun:split
CREATE TABLE staff_members (
    id           text COLLATE "C" PRIMARY KEY,
    scheme_id    text COLLATE "C" NOT NULL REFERENCES staff_schemes (id),
    partner_id   text COLLATE "C" NOT NULL REFERENCES partners (id),
    role         text NOT NULL,
    certificate  text NOT NULL,
    from_day     text COLLATE "C" NOT NULL,
    until_day    text COLLATE "C" NOT NULL,
    living       boolean NOT NULL,
    name_sealed  bytea NOT NULL,
    email_sealed bytea NOT NULL,
    id_sealed    bytea NOT NULL,
    id_last_four text NOT NULL,
    id_blind     text COLLATE "C" NOT NULL,
    email_blind  text COLLATE "C" NOT NULL,
    removed_at   timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX staff_members_person ON staff_members (id_blind) WHERE living;
--bun:split
CREATE UNIQUE INDEX staff_members_email ON staff_members (email_blind) WHERE living;
--bun:split
CREATE INDEX staff_members_scheme ON staff_members (scheme_id, id);
--bun:split
CREATE TABLE staff_payments (
    id             text COLLATE "C" PRIMARY KEY,
    scheme_id      text COLLATE "C" NOT NULL REFERENCES staff_schemes (id),
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    year           bigint NOT NULL,
    quarter        bigint NOT NULL,
    state          text NOT NULL,
    method         text NOT NULL,
    currency       text NOT NULL,
    exact          text NOT NULL,
    amount_minor   bigint NOT NULL,
    printed_at     timestamptz,
    invoice_number text,
    reference      text,
    transfer_id    text COLLATE "C" REFERENCES transfers (id),
    reason         text,
    decided_at     timestamptz,
    paid_at        timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CHECK (amount_minor > 0 AND quarter BETWEEN 1 AND 4)
);
--bun:split
CREATE UNIQUE INDEX staff_payments_quarter ON staff_payments (scheme_id, year, quarter) WHERE state NOT IN ('REJECTED', 'WITHDRAWN');
--bun:split
CREATE INDEX staff_payments_partner ON staff_payments (partner_id, id);
--bun:split
CREATE TABLE staff_months (
    id         text COLLATE "C" PRIMARY KEY,
    scheme_id  text COLLATE "C" NOT NULL REFERENCES staff_schemes (id),
    partner_id text COLLATE "C" NOT NULL REFERENCES partners (id),
    member_id  text COLLATE "C" NOT NULL REFERENCES staff_members (id),
    id_blind   text COLLATE "C" NOT NULL,
    month      text COLLATE "C" NOT NULL,
    state      text NOT NULL,
    currency   text NOT NULL,
    days       text NOT NULL,
    met        jsonb NOT NULL,
    day_rate   text NOT NULL,
    exact      text NOT NULL,
    payment_id text COLLATE "C" REFERENCES staff_payments (id),
    reason     text,
    decided_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX staff_months_member ON staff_months (member_id, month);
--bun:split
CREATE UNIQUE INDEX staff_months_person ON staff_months (id_blind, month) WHERE state IN ('APPLIED', 'CONFIRMED');
--bun:split
CREATE INDEX staff_months_scheme ON staff_months (scheme_id, month);
--bun:split
CREATE INDEX staff_months_partner ON staff_months (partner_id, id);
--bun:split
CREATE INDEX staff_months_payment ON staff_months (payment_id);
--bun:split
CREATE TABLE staff_downloads (
    token_hash      bytea PRIMARY KEY,
    organisation_id text NOT NULL,
    payment_id      text COLLATE "C" NOT NULL REFERENCES staff_payments (id),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
--bun:split
CREATE INDEX staff_downloads_due ON staff_downloads (expires_at);
