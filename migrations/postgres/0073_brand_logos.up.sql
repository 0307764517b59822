CREATE TABLE brand_logos (
    partner_id   text COLLATE "C" NOT NULL REFERENCES partners (id),
    digest       text COLLATE "C" NOT NULL,
    content_type text NOT NULL,
    content      bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (partner_id, digest)
);
--bun:split
CREATE INDEX brand_logos_digest ON brand_logos (digest);
