CREATE TABLE partners (
    id             text COLLATE "C" PRIMARY KEY,
    cloud          text NOT NULL,
    kind           text NOT NULL,
    name           text NOT NULL,
    level          text NOT NULL,
    state          text NOT NULL,
    parent_id      text COLLATE "C" REFERENCES partners (id),
    country        text NOT NULL,
    signing_entity text NOT NULL,
    currency       text NOT NULL,
    external_id    text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
--bun:split
CREATE INDEX partners_parent ON partners (parent_id, id);
--bun:split
CREATE UNIQUE INDEX partners_external ON partners (cloud, external_id) WHERE external_id IS NOT NULL;
