CREATE TABLE catalogue_versions (
    id           TEXT PRIMARY KEY,
    cloud        TEXT NOT NULL,
    label        TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    effective_at TEXT NOT NULL,
    specs        INTEGER NOT NULL,
    prices       INTEGER NOT NULL,
    created_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_versions_label ON catalogue_versions (cloud, label);
--bun:split
CREATE UNIQUE INDEX catalogue_versions_effective ON catalogue_versions (cloud, effective_at);
--bun:split
CREATE TABLE catalogue_regions (
    id         TEXT PRIMARY KEY,
    version_id TEXT NOT NULL REFERENCES catalogue_versions (id),
    code       TEXT NOT NULL,
    name       TEXT NOT NULL,
    zones      TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_regions_code ON catalogue_regions (version_id, code);
--bun:split
CREATE TABLE catalogue_service_types (
    id           TEXT PRIMARY KEY,
    version_id   TEXT NOT NULL REFERENCES catalogue_versions (id),
    code         TEXT NOT NULL,
    name         TEXT NOT NULL,
    abbreviation TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_service_types_code ON catalogue_service_types (version_id, code);
--bun:split
CREATE TABLE catalogue_resource_types (
    id           TEXT PRIMARY KEY,
    version_id   TEXT NOT NULL REFERENCES catalogue_versions (id),
    code         TEXT NOT NULL,
    service_type TEXT NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_resource_types_code ON catalogue_resource_types (version_id, code);
--bun:split
CREATE TABLE catalogue_specs (
    id            TEXT PRIMARY KEY,
    version_id    TEXT NOT NULL REFERENCES catalogue_versions (id),
    product       TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    region        TEXT NOT NULL,
    code          TEXT NOT NULL,
    name          TEXT NOT NULL,
    zones         TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_specs_product ON catalogue_specs (version_id, product);
--bun:split
CREATE INDEX catalogue_specs_code ON catalogue_specs (version_id, code);
--bun:split
CREATE TABLE catalogue_usage_types (
    id            TEXT PRIMARY KEY,
    version_id    TEXT NOT NULL REFERENCES catalogue_versions (id),
    code          TEXT NOT NULL,
    name          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    resource_type TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_usage_types_code ON catalogue_usage_types (version_id, resource_type, code);
--bun:split
CREATE TABLE catalogue_measures (
    id           TEXT PRIMARY KEY,
    version_id   TEXT NOT NULL REFERENCES catalogue_versions (id),
    measure_id   INTEGER NOT NULL,
    name         TEXT NOT NULL,
    abbreviation TEXT,
    type         TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_measures_measure ON catalogue_measures (version_id, measure_id);
--bun:split
CREATE TABLE catalogue_conversions (
    id             TEXT PRIMARY KEY,
    version_id     TEXT NOT NULL REFERENCES catalogue_versions (id),
    measure_id     INTEGER NOT NULL,
    ref_measure_id INTEGER NOT NULL,
    ratio          TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX catalogue_conversions_measures ON catalogue_conversions (version_id, measure_id, ref_measure_id);
