CREATE TABLE brand_logos (
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    digest       TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content      BLOB NOT NULL,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (partner_id, digest)
) STRICT;
--bun:split
CREATE INDEX brand_logos_digest ON brand_logos (digest);
