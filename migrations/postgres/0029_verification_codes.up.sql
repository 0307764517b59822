CREATE TABLE verification_codes (
    id          text COLLATE "C" PRIMARY KEY,
    holder_id   text NOT NULL,
    org_id      text COLLATE "C" NOT NULL,
    purpose     text NOT NULL,
    hash        text NOT NULL,
    code_sealed bytea,
    to_sealed   bytea NOT NULL,
    to_blind    text NOT NULL,
    language    text NOT NULL,
    tries       integer NOT NULL,
    is_current  boolean NOT NULL,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    used_at     timestamptz,
    mail_state  text NOT NULL
);
--bun:split
CREATE UNIQUE INDEX verification_codes_current ON verification_codes (org_id, holder_id, purpose) WHERE is_current;
--bun:split
CREATE INDEX verification_codes_holder ON verification_codes (org_id, holder_id, purpose, created_at);
--bun:split
CREATE INDEX verification_codes_address ON verification_codes (to_blind, created_at);
--bun:split
CREATE INDEX verification_codes_created ON verification_codes (created_at);
--bun:split
CREATE TABLE step_ups (
    org_id       text COLLATE "C" PRIMARY KEY,
    actions      jsonb NOT NULL,
    email_sealed bytea,
    updated_at   timestamptz NOT NULL
);
