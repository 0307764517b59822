CREATE TABLE partners (
    id             TEXT PRIMARY KEY,
    cloud          TEXT NOT NULL,
    kind           TEXT NOT NULL,
    name           TEXT NOT NULL,
    level          TEXT NOT NULL,
    state          TEXT NOT NULL,
    parent_id      TEXT REFERENCES partners (id),
    country        TEXT NOT NULL,
    signing_entity TEXT NOT NULL,
    currency       TEXT NOT NULL,
    external_id    TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX partners_parent ON partners (parent_id, id);
--bun:split
CREATE UNIQUE INDEX partners_external ON partners (cloud, external_id) WHERE external_id IS NOT NULL;
