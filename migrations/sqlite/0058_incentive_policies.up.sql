CREATE TABLE incentive_versions (
    id           TEXT PRIMARY KEY,
    cloud        TEXT NOT NULL,
    label        TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    effective_at TEXT NOT NULL,
    rules        INTEGER NOT NULL,
    created_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX incentive_versions_label ON incentive_versions (cloud, label);
--bun:split
CREATE UNIQUE INDEX incentive_versions_effective ON incentive_versions (cloud, effective_at);
--bun:split
CREATE TABLE incentive_policies (
    id           TEXT PRIMARY KEY,
    version_id   TEXT NOT NULL REFERENCES incentive_versions (id),
    service_type TEXT NOT NULL,
    month        TEXT NOT NULL,
    level        TEXT NOT NULL,
    currency     TEXT NOT NULL,
    incentive    TEXT NOT NULL,
    curated      INTEGER NOT NULL,
    tiers        TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX incentive_policies_key ON incentive_policies (version_id, month, service_type, level, currency);
