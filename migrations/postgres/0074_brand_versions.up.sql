CREATE TABLE brand_versions (
    id            text COLLATE "C" PRIMARY KEY,
    partner_id    text COLLATE "C" NOT NULL REFERENCES partners (id),
    state         text NOT NULL,
    revision      bigint NOT NULL,
    content       jsonb NOT NULL,
    logo_digest   text COLLATE "C",
    reason        text,
    submitted_at  timestamptz,
    review_due_at timestamptz,
    decided_at    timestamptz,
    ended_at      timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    FOREIGN KEY (partner_id, logo_digest) REFERENCES brand_logos (partner_id, digest)
);
--bun:split
CREATE UNIQUE INDEX brand_versions_open ON brand_versions (partner_id) WHERE state IN ('DRAFT', 'IN_REVIEW');
--bun:split
CREATE UNIQUE INDEX brand_versions_published ON brand_versions (partner_id) WHERE state = 'PUBLISHED';
--bun:split
CREATE INDEX brand_versions_partner ON brand_versions (partner_id, id);
--bun:split
CREATE INDEX brand_versions_due ON brand_versions (review_due_at, id) WHERE state = 'IN_REVIEW';
