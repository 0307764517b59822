CREATE TABLE commercial_certifications (
    id                  text COLLATE "C" PRIMARY KEY,
    partner_id          text COLLATE "C" NOT NULL REFERENCES partners (id),
    state               text NOT NULL,
    tax_rate            text NOT NULL,
    currency            text NOT NULL,
    card_last_four      text NOT NULL,
    card_sealed         bytea NOT NULL,
    letter_id           text COLLATE "C" NOT NULL,
    letter_type         text NOT NULL,
    letter_ending       text NOT NULL,
    letter_digest       text NOT NULL,
    test_sealed         bytea,
    wrong_confirmations integer NOT NULL,
    rejection_code      text,
    reason_text         text,
    created_at          timestamptz NOT NULL,
    approved_at         timestamptz,
    certified_at        timestamptz,
    ended_at            timestamptz,
    updated_at          timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX commercial_certifications_living ON commercial_certifications (partner_id) WHERE state NOT IN ('REJECTED', 'REPLACED');
--bun:split
CREATE INDEX commercial_certifications_partner ON commercial_certifications (partner_id, id);
--bun:split
CREATE TABLE bank_letter_downloads (
    token_hash       bytea PRIMARY KEY,
    organisation_id  text NOT NULL,
    certification_id text COLLATE "C" NOT NULL REFERENCES commercial_certifications (id),
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL
);
--bun:split
CREATE INDEX bank_letter_downloads_due ON bank_letter_downloads (expires_at);
