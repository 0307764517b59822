CREATE TABLE incentive_versions (
    id           text COLLATE "C" PRIMARY KEY,
    cloud        text NOT NULL,
    label        text NOT NULL,
    content_hash text NOT NULL,
    effective_at timestamptz NOT NULL,
    rules        integer NOT NULL,
    created_at   timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX incentive_versions_label ON incentive_versions (cloud, label);
--bun:split
CREATE UNIQUE INDEX incentive_versions_effective ON incentive_versions (cloud, effective_at);
--bun:split
CREATE TABLE incentive_policies (
    id           text COLLATE "C" PRIMARY KEY,
    version_id   text COLLATE "C" NOT NULL REFERENCES incentive_versions (id),
    service_type text COLLATE "C" NOT NULL,
    month        text NOT NULL,
    level        text NOT NULL,
    currency     text NOT NULL,
    incentive    text NOT NULL,
    curated      boolean NOT NULL,
    tiers        jsonb NOT NULL
);
--bun:split
CREATE UNIQUE INDEX incentive_policies_key ON incentive_policies (version_id, month, service_type, level, currency);
