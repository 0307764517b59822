CREATE TABLE brand_versions (
    id            TEXT PRIMARY KEY,
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    state         TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    content       TEXT NOT NULL,
    logo_digest   TEXT,
    reason        TEXT,
    submitted_at  TEXT,
    review_due_at TEXT,
    decided_at    TEXT,
    ended_at      TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    FOREIGN KEY (partner_id, logo_digest) REFERENCES brand_logos (partner_id, digest)
) STRICT;
--bun:split
CREATE UNIQUE INDEX brand_versions_open ON brand_versions (partner_id) WHERE state IN ('DRAFT', 'IN_REVIEW');
--bun:split
CREATE UNIQUE INDEX brand_versions_published ON brand_versions (partner_id) WHERE state = 'PUBLISHED';
--bun:split
CREATE INDEX brand_versions_partner ON brand_versions (partner_id, id);
--bun:split
CREATE INDEX brand_versions_due ON brand_versions (review_due_at, id) WHERE state = 'IN_REVIEW';
