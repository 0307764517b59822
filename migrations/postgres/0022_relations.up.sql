CREATE TABLE customer_restrictions (
    id          text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers (id),
    kind        text NOT NULL,
    note        text NOT NULL,
    created_at  timestamptz NOT NULL,
    lifted_at   timestamptz
);
--bun:split
CREATE UNIQUE INDEX customer_restrictions_in_force ON customer_restrictions (customer_id, kind) WHERE lifted_at IS NULL;
--bun:split
CREATE TABLE customer_reports (
    id             text COLLATE "C" PRIMARY KEY,
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    state          text NOT NULL,
    company        text NOT NULL,
    company_key    text COLLATE "C" NOT NULL,
    account_name   text,
    email_sealed   bytea NOT NULL,
    email_blind    text NOT NULL,
    failure        text,
    customer_id    text COLLATE "C" REFERENCES customers (id),
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX customer_reports_live ON customer_reports (partner_id, company_key) WHERE state IN ('REPORTED', 'INVITED', 'FAILED');
--bun:split
CREATE INDEX customer_reports_partner ON customer_reports (partner_id, id);
--bun:split
CREATE INDEX customer_reports_expiry ON customer_reports (expires_at) WHERE state IN ('REPORTED', 'INVITED', 'FAILED');
--bun:split
CREATE TABLE invitations (
    id           text COLLATE "C" PRIMARY KEY,
    partner_id   text COLLATE "C" NOT NULL REFERENCES partners (id),
    report_id    text COLLATE "C" REFERENCES customer_reports (id),
    channel      text NOT NULL,
    state        text NOT NULL,
    mode         text NOT NULL,
    tag          text,
    campaign     text,
    language     text NOT NULL,
    token_hash   bytea NOT NULL,
    token_sealed bytea,
    email_sealed bytea,
    email_blind  text,
    mail_state   text NOT NULL,
    mail_number  bigint NOT NULL,
    mailed_at    timestamptz,
    uses         bigint NOT NULL,
    failure      text,
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
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
    id             text COLLATE "C" PRIMARY KEY,
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    association_id text COLLATE "C" NOT NULL REFERENCES associations (id),
    kind           text NOT NULL,
    mode           text,
    requested_by   text NOT NULL,
    state          text NOT NULL,
    reason         text NOT NULL,
    answer         text,
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    decided_at     timestamptz
);
--bun:split
CREATE UNIQUE INDEX association_requests_open ON association_requests (customer_id) WHERE state = 'REQUESTED';
--bun:split
CREATE INDEX association_requests_customer ON association_requests (customer_id, id);
--bun:split
CREATE INDEX association_requests_partner ON association_requests (partner_id, id);
--bun:split
CREATE INDEX association_requests_expiry ON association_requests (expires_at) WHERE state = 'REQUESTED';
