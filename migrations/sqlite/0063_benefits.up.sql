CREATE TABLE capability_tags (
    code      TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    level     INTEGER NOT NULL,
    scope     TEXT NOT NULL,
    is_active INTEGER NOT NULL
) STRICT;
--bun:split
INSERT INTO capability_tags (code, name, level, scope, is_active) VALUES
    ('DATABASE', 'Database', 1, 'GLOBAL', 1),
    ('BIG_DATA', 'Big data', 1, 'GLOBAL', 1),
    ('DATA_WAREHOUSE', 'Data warehouse', 1, 'CHINA', 1),
    ('AI_PLATFORM', 'AI platform', 1, 'CHINA', 1),
    ('DEVSECOPS', 'DevSecOps', 1, 'CHINA', 1),
    ('SOLUTION_INTEGRATION', 'Solution integration', 1, 'CHINA', 1),
    ('PUBLIC_CLOUD_OM', 'Public-cloud operation and maintenance', 1, 'CHINA', 1),
    ('OPERATIONAL_EXCELLENCE', 'Operational excellence', 1, 'CHINA', 1),
    ('APP_MODERNISATION', 'Application modernisation', 1, 'CHINA', 1),
    ('CLOUD_MIGRATION_PLANNING', 'Cloud-migration planning', 1, 'OVERSEAS', 1);
--bun:split
CREATE TABLE benefit_standings (
    partner_id TEXT PRIMARY KEY REFERENCES partners (id),
    path       TEXT,
    stage      TEXT,
    region     INTEGER,
    software   TEXT,
    pce_since  TEXT,
    updated_at TEXT NOT NULL
) STRICT;
--bun:split
CREATE TABLE partner_capabilities (
    id         TEXT PRIMARY KEY,
    partner_id TEXT NOT NULL REFERENCES partners (id),
    tag_code   TEXT NOT NULL REFERENCES capability_tags (code),
    state      TEXT NOT NULL,
    opinion    TEXT,
    applied_at TEXT NOT NULL,
    decided_at TEXT,
    lapsed_at  TEXT,
    updated_at TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX partner_capabilities_tag ON partner_capabilities (partner_id, tag_code);
--bun:split
CREATE TABLE benefit_applications (
    id             TEXT PRIMARY KEY,
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    kind           TEXT NOT NULL,
    status         TEXT NOT NULL,
    year           INTEGER NOT NULL,
    subject        TEXT NOT NULL,
    currency       TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    approved_minor INTEGER,
    details        TEXT NOT NULL,
    opinion        TEXT,
    invoice_number TEXT,
    reference      TEXT,
    review_due_at  TEXT,
    submitted_at   TEXT,
    decided_at     TEXT,
    paid_at        TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;
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
