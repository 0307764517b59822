CREATE TABLE commercial_certifications (
    id                  TEXT PRIMARY KEY,
    partner_id          TEXT NOT NULL REFERENCES partners (id),
    state               TEXT NOT NULL,
    tax_rate            TEXT NOT NULL,
    currency            TEXT NOT NULL,
    card_last_four      TEXT NOT NULL,
    card_sealed         BLOB NOT NULL,
    letter_id           TEXT NOT NULL,
    letter_type         TEXT NOT NULL,
    letter_ending       TEXT NOT NULL,
    letter_digest       TEXT NOT NULL,
    test_sealed         BLOB,
    wrong_confirmations INTEGER NOT NULL,
    rejection_code      TEXT,
    reason_text         TEXT,
    created_at          TEXT NOT NULL,
    approved_at         TEXT,
    certified_at        TEXT,
    ended_at            TEXT,
    updated_at          TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX commercial_certifications_living ON commercial_certifications (partner_id) WHERE state NOT IN ('REJECTED', 'REPLACED');
--bun:split
CREATE INDEX commercial_certifications_partner ON commercial_certifications (partner_id, id);
--bun:split
CREATE TABLE bank_letter_downloads (
    token_hash       BLOB PRIMARY KEY,
    organisation_id  TEXT NOT NULL,
    certification_id TEXT NOT NULL REFERENCES commercial_certifications (id),
    created_at       TEXT NOT NULL,
    expires_at       TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX bank_letter_downloads_due ON bank_letter_downloads (expires_at);
