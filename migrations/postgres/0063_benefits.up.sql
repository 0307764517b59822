CREATE TABLE capability_tags (
    code      text COLLATE "C" PRIMARY KEY,
    name      text NOT NULL,
    level     bigint NOT NULL,
    scope     text NOT NULL,
    is_active boolean NOT NULL
);
--bun:split
INSERT INTO capability_tags (code, name, level, scope, is_active) VALUES
    ('DATABASE', 'Database', 1, 'GLOBAL', true),
    ('BIG_DATA', 'Big data', 1, 'GLOBAL', true),
    ('DATA_WAREHOUSE', 'Data warehouse', 1, 'CHINA', true),
    ('AI_PLATFORM', 'AI platform', 1, 'CHINA', true),
    ('DEVSECOPS', 'DevSecOps', 1, 'CHINA', true),
    ('SOLUTION_INTEGRATION', 'Solution integration', 1, 'CHINA', true),
    ('PUBLIC_CLOUD_OM', 'Public-cloud operation and maintenance', 1, 'CHINA', true),
    ('OPERATIONAL_EXCELLENCE', 'Operational excellence', 1, 'CHINA', true),
    ('APP_MODERNISATION', 'Application modernisation', 1, 'CHINA', true),
    ('CLOUD_MIGRATION_PLANNING', 'Cloud-migration planning', 1, 'OVERSEAS', true);
--bun:split
CREATE TABLE benefit_standings (
    partner_id text COLLATE "C" PRIMARY KEY REFERENCES partners (id),
    path       text,
    stage      text,
    region     bigint,
    software   text,
    pce_since  timestamptz,
    updated_at timestamptz NOT NULL
);
--bun:split
CREATE TABLE partner_capabilities (
    id         text COLLATE "C" PRIMARY KEY,
    partner_id text COLLATE "C" NOT NULL REFERENCES partners (id),
    tag_code   text COLLATE "C" NOT NULL REFERENCES capability_tags (code),
    state      text NOT NULL,
    opinion    text,
    applied_at timestamptz NOT NULL,
    decided_at timestamptz,
    lapsed_at  timestamptz,
    updated_at timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX partner_capabilities_tag ON partner_capabilities (partner_id, tag_code);
--bun:split
CREATE TABLE benefit_applications (
    id             text COLLATE "C" PRIMARY KEY,
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    kind           text NOT NULL,
    status         text NOT NULL,
    year           bigint NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL,
    approved_minor bigint,
    details        jsonb NOT NULL,
    opinion        text,
    invoice_number text,
    reference      text,
    review_due_at  timestamptz,
    submitted_at   timestamptz,
    decided_at     timestamptz,
    paid_at        timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
--bun:split
CREATE INDEX benefit_applications_partner ON benefit_applications (partner_id, id);
--bun:split
CREATE INDEX benefit_applications_status ON benefit_applications (status, id);
--bun:split
CREATE INDEX benefit_applications_budget ON benefit_applications (partner_id, year, status) WHERE kind = 'MDF';
--bun:split
CREATE UNIQUE INDEX benefit_applications_tag ON benefit_applications (partner_id, subject) WHERE kind = 'CAPABILITY_UPLIFT' AND status <> 'DELETED';
--bun:split
CREATE UNIQUE INDEX benefit_applications_po ON benefit_applications (subject) WHERE kind = 'PO_INCENTIVE' AND status <> 'REJECTED';
