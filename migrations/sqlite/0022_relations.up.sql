CREATE TABLE customer_restrictions (
    id          TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    kind        TEXT NOT NULL,
    note        TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    lifted_at   TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX customer_restrictions_in_force ON customer_restrictions (customer_id, kind) WHERE lifted_at IS NULL;
--bun:split
CREATE TABLE customer_reports (
    id             TEXT PRIMARY KEY,
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    state          TEXT NOT NULL,
    company        TEXT NOT NULL,
    company_key    TEXT NOT NULL,
    account_name   TEXT,
    email_sealed   BLOB NOT NULL,
    email_blind    TEXT NOT NULL,
    failure        TEXT,
    customer_id    TEXT REFERENCES customers (id),
    expires_at     TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX customer_reports_live ON customer_reports (partner_id, company_key) WHERE state IN ('REPORTED', 'INVITED', 'FAILED');
--bun:split
CREATE INDEX customer_reports_partner ON customer_reports (partner_id, id);
--bun:split
CREATE INDEX customer_reports_expiry ON customer_reports (expires_at) WHERE state IN ('REPORTED', 'INVITED', 'FAILED');
--bun:split
CREATE TABLE invitations (
    id           TEXT PRIMARY KEY,
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    report_id    TEXT REFERENCES customer_reports (id),
    channel      TEXT NOT NULL,
    state        TEXT NOT NULL,
    mode         TEXT NOT NULL,
    tag          TEXT,
    campaign     TEXT,
    language     TEXT NOT NULL,
    token_hash   BLOB NOT NULL,
    token_sealed BLOB,
    email_sealed BLOB,
    email_blind  TEXT,
    mail_state   TEXT NOT NULL,
    mail_number  INTEGER NOT NULL,
    mailed_at    TEXT,
    uses         INTEGER NOT NULL,
    failure      TEXT,
    expires_at   TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
--bun:split
CREATE INDEX invitations_partner ON invitations (partner_id, id);
--bun:split
CREATE INDEX invitations_report ON invitations (report_id, id) WHERE report_id IS NOT NULL;
--bun:split
CREATE INDEX invitations_mailed ON invitations (partner_id, mailed_at) WHERE mailed_at IS NOT NULL;
--bun:split
CREATE INDEX invitations_expiry ON invitations (expires_at) WHERE state = 'ACTIVE';
--bun:split
CREATE TABLE association_requests (
    id             TEXT PRIMARY KEY,
    customer_id    TEXT NOT NULL REFERENCES customers (id),
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    association_id TEXT NOT NULL REFERENCES associations (id),
    kind           TEXT NOT NULL,
    mode           TEXT,
    requested_by   TEXT NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    answer         TEXT,
    expires_at     TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    decided_at     TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX association_requests_open ON association_requests (customer_id) WHERE state = 'REQUESTED';
--bun:split
CREATE INDEX association_requests_customer ON association_requests (customer_id, id);
--bun:split
CREATE INDEX association_requests_partner ON association_requests (partner_id, id);
--bun:split
CREATE INDEX association_requests_expiry ON association_requests (expires_at) WHERE state = 'REQUESTED';
