CREATE TABLE staff_schemes (
    id                TEXT PRIMARY KEY,
    partner_id        TEXT NOT NULL REFERENCES partners (id),
    code              TEXT NOT NULL,
    name              TEXT NOT NULL,
    year              INTEGER NOT NULL,
    state             TEXT NOT NULL,
    currency          TEXT NOT NULL,
    rates             TEXT NOT NULL,
    criteria          TEXT NOT NULL,
    head_count        INTEGER NOT NULL,
    agreement_version TEXT NOT NULL,
    signed_version    TEXT,
    signatory_sealed  BLOB,
    signed_by         TEXT,
    signed_at         TEXT,
    reason            TEXT,
    decided_at        TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX staff_schemes_year ON staff_schemes (partner_id, code, year) WHERE state <> 'REVOKED';
--bun:split
CREATE INDEX staff_schemes_partner ON staff_schemes (partner_id, id);
--bun:split
CREATE TABLE staff_members (
    id           TEXT PRIMARY KEY,
    scheme_id    TEXT NOT NULL REFERENCES staff_schemes (id),
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    role         TEXT NOT NULL,
    certificate  TEXT NOT NULL,
    from_day     TEXT NOT NULL,
    until_day    TEXT NOT NULL,
    living       INTEGER NOT NULL,
    name_sealed  BLOB NOT NULL,
    email_sealed BLOB NOT NULL,
    id_sealed    BLOB NOT NULL,
    id_last_four TEXT NOT NULL,
    id_blind     TEXT NOT NULL,
    email_blind  TEXT NOT NULL,
    removed_at   TEXT,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX staff_members_person ON staff_members (id_blind) WHERE living;
--bun:split
CREATE UNIQUE INDEX staff_members_email ON staff_members (email_blind) WHERE living;
--bun:split
CREATE INDEX staff_members_scheme ON staff_members (scheme_id, id);
--bun:split
CREATE TABLE staff_payments (
    id             TEXT PRIMARY KEY,
    scheme_id      TEXT NOT NULL REFERENCES staff_schemes (id),
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    year           INTEGER NOT NULL,
    quarter        INTEGER NOT NULL,
    state          TEXT NOT NULL,
    method         TEXT NOT NULL,
    currency       TEXT NOT NULL,
    exact          TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    printed_at     TEXT,
    invoice_number TEXT,
    reference      TEXT,
    transfer_id    TEXT REFERENCES transfers (id),
    reason         TEXT,
    decided_at     TEXT,
    paid_at        TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    CHECK (amount_minor > 0 AND quarter BETWEEN 1 AND 4)
) STRICT;
--bun:split
CREATE UNIQUE INDEX staff_payments_quarter ON staff_payments (scheme_id, year, quarter) WHERE state NOT IN ('REJECTED', 'WITHDRAWN');
--bun:split
CREATE INDEX staff_payments_partner ON staff_payments (partner_id, id);
--bun:split
CREATE TABLE staff_months (
    id         TEXT PRIMARY KEY,
    scheme_id  TEXT NOT NULL REFERENCES staff_schemes (id),
    partner_id TEXT NOT NULL REFERENCES partners (id),
    member_id  TEXT NOT NULL REFERENCES staff_members (id),
    id_blind   TEXT NOT NULL,
    month      TEXT NOT NULL,
    state      TEXT NOT NULL,
    currency   TEXT NOT NULL,
    days       TEXT NOT NULL,
    met        TEXT NOT NULL,
    day_rate   TEXT NOT NULL,
    exact      TEXT NOT NULL,
    payment_id TEXT REFERENCES staff_payments (id),
    reason     TEXT,
    decided_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
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
    token_hash      BLOB PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    payment_id      TEXT NOT NULL REFERENCES staff_payments (id),
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX staff_downloads_due ON staff_downloads (expires_at);
